#include <cerrno>
#include <cstring>
#include <vector>

#include "clock.h"
#include "message.h"
#include "modes.h"
#include "result.h"
#include "udp.h"

namespace load {

namespace {

constexpr Nanos kGrace = kSecond;
// Where Message keeps the number that it was given.
constexpr std::size_t kIndexAt = sizeof(std::uint64_t);

class UdpEchoLoad {
 public:
  explicit UdpEchoLoad(const Options& options)
      : options_(options), server_(options.pid), socket_(options.port) {
    for (int i = 0; i < options.window; i++) flying_.emplace_back(options.size);
    epoll_.add(socket_.fd(), EPOLLIN, 0);
  }

  int run() {
    server_.wait_until_idle(kGrace);
    Window window(server_, options_.warm_up, options_.duration);
    for (std::size_t i = 0; i < flying_.size(); i++) launch(i);
    flush();
    while (errors_.count() == 0 && window.update(completed_) != Window::Phase::kOver) {
      step(window.timeout_ms());
    }
    await_rest();
    const bool settled = server_.wait_until_idle(kGrace);
    print_result(options_.mode, options_.connections, window, no_latencies_, settled, errors_);
    return 0;
  }

 private:
  void launch(std::size_t index) {
    Message& message = flying_[index];
    message.renew(static_cast<std::uint32_t>(index));
    socket_.add(message.data(), message.size());
    pending_++;
    if (socket_.full()) flush();
  }

  void flush() {
    if (!socket_.flush()) errors_.add("send", errno);
  }

  void step(int timeout_ms) {
    if (epoll_.wait(timeout_ms) == 0) return;
    const int count = socket_.receive();
    if (count < 0) errors_.add("recv", errno);
    for (int i = 0; i < count; i++) take(socket_.data(i), socket_.length(i));
    flush();
  }

  void take(const char* bytes, std::size_t length) {
    std::uint32_t index = ~0u;
    if (length >= kIndexAt + sizeof index) std::memcpy(&index, bytes + kIndexAt, sizeof index);
    // What has come back is not taken again: a doubled answer is one too many.
    if (index >= flying_.size() || !flying_[index].take(bytes, length) ||
        !flying_[index].complete()) {
      errors_.add("the server sent something else than it received");
      return;
    }
    pending_--;
    completed_++;
    if (!stopping_) launch(index);
  }

  // Nothing is dropped here: the window is smaller than any buffer. What is missing is an error.
  void await_rest() {
    stopping_ = true;
    const Nanos deadline = now() + kGrace;
    while (pending_ > 0 && errors_.count() == 0) {
      if (now() > deadline) errors_.add("datagrams were left without an answer");
      step(10);
    }
  }

  const Options& options_;
  CpuClock server_;
  UdpSocket socket_;
  Epoll epoll_;
  Errors errors_;
  std::vector<Message> flying_;
  std::vector<Nanos> no_latencies_;
  std::int64_t completed_ = 0;
  std::int64_t pending_ = 0;
  bool stopping_ = false;
};

}  // namespace

int run_udp_echo(const Options& options) { return UdpEchoLoad(options).run(); }

}  // namespace load
