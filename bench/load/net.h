// Sockets of the load generator: IPv4 loopback, non-blocking, no Nagle.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>

namespace load {

// A file descriptor with one owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// Makes connections to 127.0.0.1:port from the addresses 127.0.1.1 to 127.0.1.100 in turn: one
// source address has only some 28,000 ports, and each stays in TIME_WAIT after use.
class Dialler {
 public:
  explicit Dialler(std::uint16_t port) : port_(port) {}
  // Begins a connection. Answers an empty Fd, with errno set, if that fails at once.
  Fd dial();

 private:
  std::uint16_t port_;
  unsigned next_ = 0;
};

// How a connection begun by `Dialler::dial` ended: 0, or an errno.
int connect_error(int fd);

// The same, after waiting for that end; ETIMEDOUT if there is none in time.
int await_connected(int fd);

// Waits some seconds for one of the poll(2) events. False if none comes.
bool wait_for(int fd, short events);

class Epoll {
 public:
  static constexpr int kBatch = 512;

  Epoll();
  void add(int fd, std::uint32_t events, std::uint32_t index);
  void modify(int fd, std::uint32_t events, std::uint32_t index);
  // Answers how many of `events()` are filled; 0 after `timeout_ms` or a signal.
  int wait(int timeout_ms);
  const epoll_event& event(int i) const { return events_[static_cast<std::size_t>(i)]; }

 private:
  Fd fd_;
  std::array<epoll_event, kBatch> events_{};
};

// Raises the limit of open files to the hard limit.
void raise_file_limit();

// Exits with a message if this machine has no such core.
void pin_to_core(int core);

}  // namespace load
