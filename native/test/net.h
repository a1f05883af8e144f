// Plain sockets for the tests: the peers of what is tested.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "core/poller.h"
#include "core/sockaddr.h"
#include "test/check.h"

namespace sk::test {

// No wait in a test takes longer, in milliseconds; none is meant to end by it.
constexpr int kPatience = 20 * 1000;

// Owns a descriptor.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }
  int get() const { return fd_; }
  void close();

 private:
  int fd_;
};

// Two ends of one connection, both blocking.
struct Pair {
  Fd near;
  Fd far;
};
Pair unix_pair();
Pair tcp_pair();

// A listening TCP socket on a port that the system chooses.
Fd tcp_listener(int backlog = 128);
// Accepts, waiting for it.
Fd accept_from(const Fd& listener);
// Connects to a port of the IPv4 loopback.
Fd connect_to(uint16_t port);

Sockaddr sockaddr_of(const Address& address);
// 127.0.0.1
Address loopback(uint16_t port = 0);
Address loopback6(uint16_t port = 0);
// An abstract name that nobody else has.
Address abstract_name();
// The port that a socket is bound to.
uint16_t port_of(int fd);

// Whether `events` (of poll(2)) come in time; 0 milliseconds asks about now.
bool is_ready(int fd, short events, int milliseconds = kPatience);
void make_nonblocking(int fd);
// Writes all of it, blocking.
void send_all(const Fd& fd, const std::string& bytes);
// Reads exactly so much, blocking.
std::string receive(const Fd& fd, size_t length);
// Reads until the end; on an error `*error` becomes its number.
std::string receive_to_end(const Fd& fd, int* error = nullptr);
// Has close(2) reset the connection.
void reset_on_close(const Fd& fd);

// `length` bytes that tell where they are out of place.
std::string pattern(size_t length, size_t seed = 0);

using MakePoller = std::unique_ptr<Poller> (*)(int* error);

}  // namespace sk::test

// A test that is run with each poller: TEST_BOTH("symbol criterion") { … make(&error) … }
#define TEST_BOTH(name)                                                                \
  static void SK_JOIN(test_, __LINE__)(::sk::test::MakePoller make);                   \
  static const ::sk::test::Registration SK_JOIN(epoll_, __LINE__)("epoll: " name, [] { \
    SK_JOIN(test_, __LINE__)(::sk::make_epoll_poller);                                 \
  });                                                                                  \
  static const ::sk::test::Registration SK_JOIN(poll_, __LINE__)("poll: " name, [] {   \
    SK_JOIN(test_, __LINE__)(::sk::make_poll_poller);                                  \
  });                                                                                  \
  static void SK_JOIN(test_, __LINE__)([[maybe_unused]] ::sk::test::MakePoller make)
