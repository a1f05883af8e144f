#include "core/syscalls.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace sk::sys {

namespace {

template <typename T>
T checked(T result) {
  return result < 0 ? static_cast<T>(-errno) : result;
}

// Makes the call again for as long as signals interrupt it.
template <typename Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return checked(result);
}

}  // namespace

// The calls of the hot path go to the system directly: glibc's are cancellation points, which in a
// process with threads costs two atomic operations a call (4 % of an echo's CPU, bench/results).

int socket(int family, int type, int protocol) { return checked(::socket(family, type, protocol)); }

int socketpair(int family, int type, int protocol, int fds[2]) {
  return checked(::socketpair(family, type, protocol, fds));
}

int bind(int fd, const Sockaddr& address) {
  return retried([&] { return ::bind(fd, address.get(), address.length); });
}

int connect(int fd, const Sockaddr& address) {
  return checked(::connect(fd, address.get(), address.length));
}

int listen(int fd, int backlog) { return checked(::listen(fd, backlog)); }

int accept(int fd, Sockaddr* peer, int flags) {
  return retried([&] {
    peer->length = sizeof(peer->storage);
    return ::accept4(fd, peer->get(), &peer->length, flags);
  });
}

ssize_t send(int fd, const void* buffer, size_t length, int flags) {
#if defined(__linux__) && defined(SYS_sendto)
  return retried([&] { return ::syscall(SYS_sendto, fd, buffer, length, flags, nullptr, 0); });
#else
  return retried([&] { return ::send(fd, buffer, length, flags); });
#endif
}

ssize_t sendto(int fd, const void* buffer, size_t length, int flags, const Sockaddr& to) {
  return retried([&] { return ::sendto(fd, buffer, length, flags, to.get(), to.length); });
}

ssize_t recv(int fd, void* buffer, size_t length, int flags) {
#if defined(__linux__) && defined(SYS_recvfrom)
  return retried(
      [&] { return ::syscall(SYS_recvfrom, fd, buffer, length, flags, nullptr, nullptr); });
#else
  return retried([&] { return ::recv(fd, buffer, length, flags); });
#endif
}

ssize_t recvfrom(int fd, void* buffer, size_t length, int flags, Sockaddr* from) {
  return retried([&] {
    from->length = sizeof(from->storage);
    return ::recvfrom(fd, buffer, length, flags, from->get(), &from->length);
  });
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return retried([&] { return ::sendmsg(fd, message, flags); });
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  return retried([&] { return ::recvmsg(fd, message, flags); });
}

int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return retried([&] { return ::sendmmsg(fd, messages, count, flags); });
}

int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return retried([&] { return ::recvmmsg(fd, messages, count, flags, nullptr); });
}

int shutdown(int fd, int how) { return checked(::shutdown(fd, how)); }

int getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
  return checked(::getsockopt(fd, level, name, value, length));
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  return checked(::setsockopt(fd, level, name, value, length));
}

int getsockname(int fd, Sockaddr* out) {
  out->length = sizeof(out->storage);
  return checked(::getsockname(fd, out->get(), &out->length));
}

int getpeername(int fd, Sockaddr* out) {
  out->length = sizeof(out->storage);
  return checked(::getpeername(fd, out->get(), &out->length));
}

int duplicate(int fd) { return checked(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

int probe(int fd) {
  const int flags = checked(::fcntl(fd, F_GETFD));
  return flags < 0 ? flags : 0;
}

int close_on_exec(int fd) { return checked(::fcntl(fd, F_SETFD, FD_CLOEXEC)); }

int set_blocking(int fd, bool is_blocking) {
  const int flags = checked(::fcntl(fd, F_GETFL));
  if (flags < 0) return flags;
  const int wanted = is_blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
  return wanted == flags ? 0 : checked(::fcntl(fd, F_SETFL, wanted));
}

int ioctl_int(int fd, unsigned long request, int* value) {
  return checked(::ioctl(fd, request, value));
}

int poll(pollfd* items, nfds_t count, int timeout) {
  return checked(::poll(items, count, timeout));
}

int close(int fd) { return checked(::close(fd)); }

}  // namespace sk::sys
