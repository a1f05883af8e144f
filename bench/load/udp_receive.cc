#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "clock.h"
#include "modes.h"
#include "result.h"
#include "udp.h"

namespace load {

namespace {

constexpr Nanos kGrace = kSecond;
// What a server answers to, with how many datagrams it has read and how many bytes these had. No
// other datagram begins with it.
const std::string kQuestion = "\xff";
const std::string kAnswer = "read ";

// The most datagrams, and bytes, that one call hands over.
constexpr std::size_t kTrain = 64;
constexpr std::size_t kTrainBytes = 65507;

// More than any server can read: what counts is what it has read, the rest finds no room in its
// buffer. Each slice is one more flood for the same socket, so all is counted from its beginning.
// One by one the kernel takes longer to send them than a good server takes to read them, which then
// waits more than it works. So they leave as trains (UDP_SEGMENT), from an interface that cannot
// carry these (bench/runner/network.mjs): they come apart before they get to the server, whose
// kernel would otherwise do that, but only for one that does not ask for whole ones (UDP_GRO).
class FloodLoad {
 public:
  explicit FloodLoad(const Options& options)
      : options_(options),
        server_(options.pid),
        socket_(options.port),
        count_(std::min(kTrain, kTrainBytes / static_cast<std::size_t>(options.size))) {
    for (std::size_t i = 0; i < count_; i++) {
      for (int j = 0; j < options.size; j++) train_.push_back(static_cast<char>(j % 251));
    }
    socket_.cut_into(options.size);
  }

  int run() {
    server_.wait_until_idle(kGrace);
    const std::int64_t read_before = ask_server();
    const std::int64_t dropped_before = drops_of_port(options_.port);
    Window window(server_, options_.warm_up, options_.duration);
    while (errors_.count() == 0 && window.phase() != Window::Phase::kOver) {
      send_some();
      if (window.due()) {
        window.update(sent_ - (drops_of_port(options_.port) - dropped_before));
      }
    }
    const bool settled = server_.wait_until_idle(kGrace);
    const std::int64_t dropped = drops_of_port(options_.port) - dropped_before;
    if (errors_.count() == 0) compare(ask_server() - read_before, sent_ - dropped);
    print_result(options_.mode, options_.connections, window, no_latencies_, settled, errors_);
    return 0;
  }

 private:
  void send_some() {
    socket_.add(train_.data(), train_.size());
    if (!socket_.flush()) errors_.add("send", errno);
    sent_ += static_cast<std::int64_t>(count_);
  }

  std::int64_t ask_server() {
    const std::string answer = socket_.ask(kQuestion, kAnswer, kGrace).text;
    if (answer.empty()) errors_.add("the server did not tell how many datagrams it has read");
    return answer.empty() ? 0 : std::atoll(answer.c_str() + kAnswer.size());
  }

  void compare(std::int64_t read, std::int64_t arrived) {
    if (read != arrived) {
      errors_.add("the server has read more or fewer datagrams than found room in its buffer");
    }
  }

  const Options& options_;
  CpuClock server_;
  UdpSocket socket_;
  Errors errors_;
  // Datagrams of a train, and their bytes.
  const std::size_t count_;
  std::vector<char> train_;
  std::vector<Nanos> no_latencies_;
  std::int64_t sent_ = 0;
};

}  // namespace

int run_udp_receive(const Options& options) { return FloodLoad(options).run(); }

}  // namespace load
