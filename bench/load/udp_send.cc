#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "clock.h"
#include "modes.h"
#include "result.h"
#include "udp.h"

namespace load {

namespace {

constexpr Nanos kGrace = kSecond;
const std::string kAnswer = "sent ";

// The server sends to each of the sockets here in turn, from the last `start` on until `stop`, and
// then tells how many it has sent. What finds no room here was sent all the same.
class DrainLoad {
 public:
  explicit DrainLoad(const Options& options) : options_(options), server_(options.pid) {
    for (int i = 0; i < options.connections; i++) {
      sockets_.push_back(std::make_unique<UdpSocket>(options.port));
      sockets_.back()->enlarge_buffer();
      epoll_.add(sockets_.back()->fd(), EPOLLIN, static_cast<std::uint32_t>(i));
    }
    for (int i = 0; i < options.size; i++) expected_ += static_cast<char>(i % 251);
  }

  int run() {
    server_.wait_until_idle(kGrace);
    start();
    Window window(server_, options_.warm_up, options_.duration);
    while (errors_.count() == 0 && window.phase() != Window::Phase::kOver) {
      step(window.timeout_ms());
      if (window.due()) window.update(arrived());
    }
    stop();
    const bool settled = server_.wait_until_idle(kGrace);
    print_result(options_.mode, options_.connections, window, no_latencies_, settled, errors_);
    return 0;
  }

 private:
  void start() {
    const std::string text =
        "start " + std::to_string(options_.connections) + " " + std::to_string(options_.size);
    for (const auto& socket : sockets_) {
      if (send(socket->fd(), text.data(), text.size(), MSG_NOSIGNAL) < 0)
        errors_.add("send", errno);
    }
  }

  void step(int timeout_ms) {
    const int count = epoll_.wait(timeout_ms);
    for (int i = 0; i < count; i++) take(*sockets_[epoll_.event(i).data.u32]);
  }

  void take(UdpSocket& socket) {
    const int count = socket.receive();
    if (count < 0) errors_.add("recv", errno);
    for (int i = 0; i < count; i++) {
      if (socket.length(i) != expected_.size() ||
          std::memcmp(socket.data(i), expected_.data(), expected_.size()) != 0) {
        errors_.add("the server sent something else than it should");
      }
    }
    if (count > 0) received_ += count;
  }

  std::int64_t arrived() const {
    std::int64_t all = received_;
    for (const auto& socket : sockets_) all += socket->drops();
    return all;
  }

  void stop() {
    UdpSocket& asker = *sockets_.front();
    UdpSocket::Answer answer = asker.ask("stop", kAnswer, kGrace);
    server_.wait_until_idle(kGrace);
    while (epoll_.wait(0) > 0) {
      asker.drain(kAnswer, &answer);
      for (std::size_t i = 1; i < sockets_.size(); i++) take(*sockets_[i]);
    }
    received_ += answer.others;
    // An answer that found no room is among the drops.
    const std::int64_t all = arrived() - (answer.asked - answer.answered);
    if (answer.text.empty()) {
      errors_.add("the server did not tell how many datagrams it has sent");
    } else if (std::atoll(answer.text.c_str() + kAnswer.size()) != all) {
      errors_.add("the server has sent more or fewer datagrams than came");
    }
  }

  const Options& options_;
  CpuClock server_;
  Epoll epoll_;
  Errors errors_;
  std::vector<std::unique_ptr<UdpSocket>> sockets_;
  std::string expected_;
  std::vector<Nanos> no_latencies_;
  std::int64_t received_ = 0;
};

}  // namespace

int run_udp_send(const Options& options) { return DrainLoad(options).run(); }

}  // namespace load
