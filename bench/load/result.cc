#include "result.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace load {

namespace {

// How much longer a slice takes in which nothing has been completed.
constexpr Nanos kPatience = kSecond;

double seconds(Nanos time) { return static_cast<double>(time) / static_cast<double>(kSecond); }
double micros(Nanos time) { return static_cast<double>(time) / 1000.0; }

// Texts here are our own and strerror's; only the two characters that JSON forbids need care.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// Nearest rank. @see https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method
Nanos percentile(const std::vector<Nanos>& sorted, std::size_t percent) {
  const std::size_t rank = (sorted.size() * percent + 99) / 100;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace

void Errors::add(const char* what, int error) {
  if (count_++ > 0) return;
  first_ = what;
  if (error != 0) first_ += std::string(": ") + std::strerror(error);
}

Window::Window(const CpuClock& server, Nanos warm_up, Nanos duration) : server_(server) {
  const Nanos start = now();
  measure_at_ = start + warm_up;
  over_at_ = start + duration;
}

Window::Phase Window::update(std::int64_t completed) {
  const Nanos time = now();
  if (phase_ == Phase::kWarmUp && time >= measure_at_) {
    begin_ = mark(completed);
    // Who has come late, because others had the processor, still measures for as long.
    over_at_ += time - measure_at_;
    phase_ = Phase::kMeasure;
  }
  // A server that others have kept from the processor all that time is waited for.
  if (phase_ == Phase::kMeasure && time >= over_at_ &&
      (has_worked(completed) || time >= over_at_ + kPatience)) {
    end_ = mark(completed);
    phase_ = Phase::kOver;
  }
  return phase_;
}

bool Window::has_worked(std::int64_t completed) const {
  return completed > begin_.completed && server_.read() > begin_.server;
}

bool Window::due() const { return now() >= (phase_ == Phase::kWarmUp ? measure_at_ : over_at_); }

int Window::timeout_ms() const {
  const Nanos next = phase_ == Phase::kWarmUp ? measure_at_ : over_at_;
  const Nanos left = std::max<Nanos>(next - now(), 0);
  return static_cast<int>(std::max<Nanos>((left + kMillisecond - 1) / kMillisecond, 1));
}

Window::Mark Window::mark(std::int64_t completed) const {
  return {now(), server_.read(), load::own_cpu(), completed};
}

void print_result(const std::string& mode, int connections, const Window& window,
                  std::vector<Nanos>& latencies, bool settled, const Errors& errors) {
  std::printf(
      "{\"mode\":%s,\"connections\":%d,\"requests\":%lld,\"seconds\":%.9f,"
      "\"serverCpuSeconds\":%.9f,\"loadCpuSeconds\":%.9f,",
      quoted(mode).c_str(), connections, static_cast<long long>(window.requests()),
      seconds(window.wall()), seconds(window.server_cpu()), seconds(window.own_cpu()));
  if (!latencies.empty()) {
    std::sort(latencies.begin(), latencies.end());
    std::printf("\"p50Micros\":%.3f,\"p99Micros\":%.3f,", micros(percentile(latencies, 50)),
                micros(percentile(latencies, 99)));
  }
  std::printf("\"settled\":%s,\"errors\":%lld,\"firstError\":%s}\n", settled ? "true" : "false",
              static_cast<long long>(errors.count()), quoted(errors.first()).c_str());
  std::fflush(stdout);
}

void print_open(int connections, Nanos took, const Errors& errors) {
  std::printf(
      "{\"mode\":\"idle\",\"connections\":%d,\"seconds\":%.9f,\"errors\":%lld,"
      "\"firstError\":%s}\n",
      connections, seconds(took), static_cast<long long>(errors.count()),
      quoted(errors.first()).c_str());
  std::fflush(stdout);
}

}  // namespace load
