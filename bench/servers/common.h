// What the C++ servers share: one loop over a few descriptors, the port on stdout, the answer to
// the runner's lines, the end with stdin's.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace server {

// What is sent over and over. @see payload.mjs
constexpr std::size_t kBlock = 64 * 1024;
constexpr unsigned char kEnd = 0xff;

inline std::vector<char> pattern(std::size_t size) {
  std::vector<char> bytes(size);
  for (std::size_t i = 0; i < size; i++) bytes[i] = static_cast<char>(i % 251);
  return bytes;
}

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "error: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

// A bound, non-blocking socket of 127.0.0.1.
inline int bind_on_loopback(int type) {
  const int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
  return fd;
}

inline void print_port(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("getsockname");
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
}

class Loop {
 public:
  Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) fail("epoll_create1");
    watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN);
  }

  void watch(int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(epoll_, operation, fd, &event) != 0) fail("epoll_ctl");
  }

  // Calls `handle(fd, events)` for what is ready. False when stdin has ended.
  template <typename Handle>
  bool turn(int timeout_ms, Handle handle) {
    const int count =
        epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout_ms);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    bool goes_on = true;
    for (int i = 0; i < count; i++) {
      const epoll_event& event = events_[static_cast<std::size_t>(i)];
      if (event.data.fd == STDIN_FILENO) {
        goes_on = obey();
      } else {
        handle(event.data.fd, event.events);
      }
    }
    return goes_on;
  }

 private:
  // The runner asks each server to collect its garbage, and waits for the answer. There is none.
  static bool obey() {
    char bytes[256];
    if (read(STDIN_FILENO, bytes, sizeof bytes) <= 0) return false;
    std::puts("collected");
    std::fflush(stdout);
    return true;
  }

  const int epoll_;
  std::array<epoll_event, 512> events_{};
};

}  // namespace server
