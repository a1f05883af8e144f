#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "clock.h"
#include "fail.h"
#include "modes.h"
#include "net.h"
#include "result.h"
#include "wire.h"

namespace load {

namespace {

constexpr Nanos kGrace = kSecond;
constexpr std::size_t kBlock = 64 * 1024;
constexpr std::size_t kReadSize = 256 * 1024;

// What a server that reads answers to: it is the last byte of the last chunk, and in no other
// place.
constexpr char kEnd = '\xff';

// What is sent over and over, in both directions.
const std::array<char, kBlock>& block() {
  static const std::array<char, kBlock> bytes = [] {
    std::array<char, kBlock> made{};
    for (std::size_t i = 0; i < kBlock; i++) made[i] = static_cast<char>(i % 251);
    return made;
  }();
  return bytes;
}

// The same in a file in memory. What is sent from there is not copied on the way out, which costs
// the generator more than reading costs a fast server.
int block_file() {
  static const Fd file = [] {
    Fd made(memfd_create("block", MFD_CLOEXEC));
    if (!made) fail("memfd_create");
    const ssize_t written = ::write(made.get(), block().data(), kBlock);
    if (written != static_cast<ssize_t>(kBlock)) fail("memfd write");
    return made;
  }();
  return file.get();
}

// Has a connection send as fast as its peer reads. Some of the ways to avoid congestion, BBR for
// one, wait between packets; Reno does not, and every Linux has it.
bool send_without_pacing(int fd) {
  static const char kReno[] = "reno";
  return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, kReno, sizeof kReno - 1) == 0;
}

struct Connection {
  Wire wire;
  std::int64_t bytes = 0;
  std::string answer;
  // The last write could not be made. With TLS it must be repeated before another can follow.
  bool stuck = false;
};

class BulkLoad {
 public:
  explicit BulkLoad(const Options& options)
      : options_(options),
        to_server_(options.mode == "receive"),
        server_(options.pid),
        dialler_(options.port) {}

  int run() {
    if (!connect_all()) {
      finish(Window(server_, 0, 0));
      return 0;
    }
    server_.wait_until_idle(kGrace);
    Window window(server_, options_.warm_up, options_.duration);
    if (!to_server_) {
      for (Connection& connection : connections_) ask_for_bytes(connection);
    }
    while (errors_.count() == 0 && window.update(bytes_ / 1024) != Window::Phase::kOver) {
      step(window.timeout_ms());
    }
    if (to_server_) await_counts();
    finish(window);
    return 0;
  }

 private:
  bool connect_all() {
    for (int i = 0; i < options_.connections; i++) {
      Connection connection;
      if (!connect_wire(dialler_, options_.tls, &connection.wire, errors_)) return false;
      if (!send_without_pacing(connection.wire.fd())) errors_.add("TCP_CONGESTION", errno);
      epoll_.add(connection.wire.fd(), to_server_ ? EPOLLOUT : EPOLLIN,
                 static_cast<std::uint32_t>(i));
      connections_.push_back(std::move(connection));
    }
    return true;
  }

  // A server that sends begins with the first byte that it gets.
  void ask_for_bytes(Connection& connection) {
    if (connection.wire.send("g", 1) != 1) errors_.add("send", errno);
  }

  void step(int timeout_ms) {
    const int count = epoll_.wait(timeout_ms);
    for (int i = 0; i < count; i++) {
      Connection& connection = connections_[epoll_.event(i).data.u32];
      if (to_server_) {
        send_some(connection);
      } else {
        take_some(connection);
      }
    }
  }

  // Answers whether the kernel took something.
  bool send_some(Connection& connection) {
    const std::size_t at = static_cast<std::size_t>(connection.bytes) % kBlock;
    const ssize_t sent = send_block(connection.wire, at);
    if (sent < 0) {
      if (errno != EAGAIN && errno != EINTR) errors_.add("send", errno);
      connection.stuck = true;
      return false;
    }
    connection.stuck = false;
    connection.bytes += sent;
    bytes_ += sent;
    return true;
  }

  ssize_t send_block(Wire& wire, std::size_t at) const {
    if (options_.tls) return wire.send(block().data() + at, kBlock - at);
    auto offset = static_cast<off_t>(at);
    return sendfile(wire.fd(), block_file(), &offset, kBlock - at);
  }

  void take_some(Connection& connection) {
    do {
      const ssize_t got = connection.wire.recv(buffer_.data(), buffer_.size());
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (got <= 0) {
        errors_.add(got == 0 ? "the server closed a connection" : "recv", got == 0 ? 0 : errno);
        return;
      }
      const std::size_t last = static_cast<std::size_t>(got) - 1;
      // Two bytes tell whether anything is missing or doubled: the period of the pattern is a
      // prime.
      if (buffer_[0] != expected(connection.bytes) ||
          buffer_[last] != expected(connection.bytes + got - 1)) {
        errors_.add("the server sent something else than it should");
        return;
      }
      connection.bytes += got;
      bytes_ += got;
    } while (connection.wire.holds_input());
  }

  static char expected(std::int64_t at) { return block()[static_cast<std::size_t>(at) % kBlock]; }

  // Every server tells how many bytes it has read.
  void await_counts() {
    for (Connection& connection : connections_) {
      if (errors_.count() > 0) return;
      const Nanos deadline = now() + kGrace;
      while (errors_.count() == 0 && connection.stuck && !send_some(connection)) {
        if (now() > deadline || !wait_for(connection.wire.fd(), POLLOUT)) {
          errors_.add("the server does not read what is sent");
        }
      }
      send_end(connection);
      while (errors_.count() == 0 && !has_count(connection)) {
        if (now() > deadline) errors_.add("the server did not tell what it has read");
      }
    }
  }

  void send_end(Connection& connection) {
    while (errors_.count() == 0) {
      if (connection.wire.send(&kEnd, 1) == 1) return;
      if (errno != EAGAIN || !wait_for(connection.wire.fd(), POLLOUT)) errors_.add("send", errno);
    }
  }

  bool has_count(Connection& connection) {
    char bytes[64];
    const ssize_t got = connection.wire.recv(bytes, sizeof bytes);
    if (got < 0 && errno == EAGAIN) {
      wait_for(connection.wire.fd(), POLLIN);
      return false;
    }
    if (got <= 0) {
      errors_.add("the server closed a connection", got == 0 ? 0 : errno);
      return false;
    }
    connection.answer.append(bytes, static_cast<std::size_t>(got));
    if (connection.answer.back() != '\n') return false;
    if (std::atoll(connection.answer.c_str()) != connection.bytes + 1) {
      errors_.add("the server has read more or less than was sent");
    }
    return true;
  }

  void finish(const Window& window) {
    connections_.clear();
    const bool settled = server_.wait_until_idle(kGrace);
    print_result(options_.mode, options_.connections, window, no_latencies_, settled, errors_);
  }

  const Options& options_;
  const bool to_server_;
  CpuClock server_;
  Dialler dialler_;
  Epoll epoll_;
  Errors errors_;
  std::vector<Connection> connections_;
  std::vector<Nanos> no_latencies_;
  std::vector<char> buffer_ = std::vector<char>(kReadSize);
  std::int64_t bytes_ = 0;
};

}  // namespace

int run_bulk(const Options& options) { return BulkLoad(options).run(); }

}  // namespace load
