#include "test/net.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sk::test {

void Fd::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Pair unix_pair() {
  int ends[2];
  CHECK_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

Fd tcp_listener(int backlog) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Sockaddr address = sockaddr_of(loopback());
  CHECK_EQ(::bind(fd.get(), address.get(), address.length), 0);
  CHECK_EQ(::listen(fd.get(), backlog), 0);
  return fd;
}

Fd accept_from(const Fd& listener) {
  CHECK(is_ready(listener.get(), POLLIN));
  Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  CHECK(fd.get() >= 0);
  return fd;
}

Fd connect_to(uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Sockaddr address = sockaddr_of(loopback(port));
  CHECK_EQ(::connect(fd.get(), address.get(), address.length), 0);
  return fd;
}

Pair tcp_pair() {
  const Fd listener = tcp_listener();
  Fd near = connect_to(port_of(listener.get()));
  return {std::move(near), accept_from(listener)};
}

Sockaddr sockaddr_of(const Address& address) {
  Sockaddr out;
  CHECK_EQ(encode(address, &out), 0);
  return out;
}

Address loopback(uint16_t port) {
  Address address;
  address.family = Family::ipv4;
  address.length = 4;
  address.port = port;
  memcpy(address.bytes, "\x7f\0\0\x01", 4);
  return address;
}

Address loopback6(uint16_t port) {
  Address address;
  address.family = Family::ipv6;
  address.length = 16;
  address.port = port;
  address.bytes[15] = 1;
  return address;
}

Address abstract_name() {
  static int count = 0;
  const std::string name = std::string(1, '\0') + "portside-test-" + std::to_string(::getpid()) +
                           "-" + std::to_string(++count);
  Address address;
  address.family = Family::unix_path;
  address.length = static_cast<uint8_t>(name.size());
  memcpy(address.bytes, name.data(), name.size());
  return address;
}

uint16_t port_of(int fd) {
  Sockaddr bound;
  Address address;
  CHECK_EQ(::getsockname(fd, bound.get(), &bound.length), 0);
  CHECK_EQ(decode(bound, &address), 0);
  return address.port;
}

bool is_ready(int fd, short events, int milliseconds) {
  pollfd item = {fd, events, 0};
  int count;
  do {
    count = ::poll(&item, 1, milliseconds);
  } while (count < 0 && errno == EINTR);
  return count == 1;
}

void make_nonblocking(int fd) { CHECK_EQ(::fcntl(fd, F_SETFL, O_NONBLOCK), 0); }

void send_all(const Fd& fd, const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = ::send(fd.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    CHECK(count > 0);
    sent += static_cast<size_t>(count);
  }
}

std::string receive(const Fd& fd, size_t length) {
  std::string out(length, 0);
  size_t got = 0;
  while (got < length) {
    CHECK(is_ready(fd.get(), POLLIN));
    const ssize_t count = ::recv(fd.get(), out.data() + got, length - got, 0);
    CHECK(count > 0);
    got += static_cast<size_t>(count);
  }
  return out;
}

std::string receive_to_end(const Fd& fd, int* error) {
  std::string out;
  char part[64 * 1024];
  for (;;) {
    CHECK(is_ready(fd.get(), POLLIN));
    const ssize_t count = ::recv(fd.get(), part, sizeof(part), 0);
    if (count < 0 && error != nullptr) *error = errno;
    CHECK(count >= 0 || error != nullptr);
    if (count <= 0) return out;
    out.append(part, static_cast<size_t>(count));
  }
}

void reset_on_close(const Fd& fd) {
  const linger reset = {1, 0};
  CHECK_EQ(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
}

std::string pattern(size_t length, size_t seed) {
  std::string out(length, 0);
  for (size_t i = 0; i < length; ++i) out[i] = static_cast<char>((i + seed) * 31 % 251);
  return out;
}

}  // namespace sk::test
