#include <cerrno>
#include <vector>

#include "clock.h"
#include "fail.h"
#include "message.h"
#include "modes.h"
#include "net.h"
#include "result.h"
#include "wire.h"

namespace load {

namespace {

// How long answers that are still under way at the end of the window may take.
constexpr Nanos kGrace = kSecond;

struct Connection {
  Wire wire;
  Message message;
  Nanos sent_at = 0;
  bool in_flight = false;
};

class EchoLoad {
 public:
  explicit EchoLoad(const Options& options)
      : options_(options), server_(options.pid), dialler_(options.port) {}

  int run() {
    if (connect_all()) {
      server_.wait_until_idle(kGrace);
      Window window(server_, options_.warm_up, options_.duration);
      measure(window);
      await_rest();
      finish(window);
    } else {
      finish(Window(server_, 0, 0));
    }
    return 0;
  }

 private:
  bool connect_all() {
    for (int i = 0; i < options_.connections; i++) {
      Wire wire;
      if (!connect_wire(dialler_, options_.tls, &wire, errors_)) return false;
      epoll_.add(wire.fd(), EPOLLIN, static_cast<std::uint32_t>(i));
      connections_.push_back({std::move(wire), Message(options_.size)});
    }
    return true;
  }

  void measure(Window& window) {
    for (std::size_t i = 0; i < connections_.size(); i++) send_next(i);
    while (errors_.count() == 0) {
      const bool was_warm_up = window.phase() == Window::Phase::kWarmUp;
      if (window.update(completed_) == Window::Phase::kOver) return;
      if (was_warm_up && window.phase() == Window::Phase::kMeasure) latencies_.clear();
      const int count = epoll_.wait(window.timeout_ms());
      for (int i = 0; i < count; i++) {
        const std::size_t index = epoll_.event(i).data.u32;
        if (receive(index)) send_next(index);
      }
    }
  }

  void send_next(std::size_t index) {
    Connection& connection = connections_[index];
    connection.message.renew(static_cast<std::uint32_t>(index));
    if (timed()) connection.sent_at = now();
    const ssize_t sent = connection.wire.send(connection.message.data(), connection.message.size());
    if (sent < 0) {
      errors_.add("send", errno);
    } else if (static_cast<std::size_t>(sent) != connection.message.size()) {
      errors_.add("send: the kernel took only a part");
    } else {
      connection.in_flight = true;
      pending_++;
    }
  }

  // Answers whether the message in flight has come back.
  bool receive(std::size_t index) {
    Connection& connection = connections_[index];
    char bytes[8192];
    const ssize_t got = connection.wire.recv(bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got <= 0) {
      errors_.add(got == 0 ? "the server closed a connection" : "recv", got == 0 ? 0 : errno);
      return false;
    }
    if (!connection.in_flight || !connection.message.take(bytes, static_cast<std::size_t>(got))) {
      errors_.add("the server sent something else than it received");
      return false;
    }
    if (!connection.message.complete()) return false;
    if (timed()) latencies_.push_back(now() - connection.sent_at);
    connection.in_flight = false;
    pending_--;
    completed_++;
    return true;
  }

  // An answer that never comes is an error, not a slow request.
  void await_rest() {
    const Nanos deadline = now() + kGrace;
    while (pending_ > 0 && errors_.count() == 0) {
      if (now() > deadline) {
        errors_.add("requests were left without an answer");
        return;
      }
      const int count = epoll_.wait(10);
      for (int i = 0; i < count; i++) receive(epoll_.event(i).data.u32);
    }
  }

  void finish(const Window& window) {
    connections_.clear();
    const bool settled = server_.wait_until_idle(kGrace);
    print_result(options_.mode, options_.connections, window, latencies_, settled, errors_);
  }

  // With several connections the time of one request is only the length of the queue.
  bool timed() const { return options_.connections == 1; }

  const Options& options_;
  CpuClock server_;
  Dialler dialler_;
  Epoll epoll_;
  Errors errors_;
  std::vector<Connection> connections_;
  std::vector<Nanos> latencies_;
  std::int64_t completed_ = 0;
  std::int64_t pending_ = 0;
};

}  // namespace

int run_echo(const Options& options) { return EchoLoad(options).run(); }

}  // namespace load
