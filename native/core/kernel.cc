#include "core/kernel.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace sk {

namespace {
template <typename T>
T checked(T result) {
  return result < 0 ? static_cast<T>(-errno) : result;
}
}  // namespace

// The calls of the hot path go to the system directly: glibc's are cancellation points, which in a
// process with threads costs two atomic operations a call (4 % of an echo's CPU, bench/results).

int Kernel::socket(int family, int type, int protocol) {
  return checked(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
}

int Kernel::bind(int fd, const Sockaddr& address) {
  return checked(::bind(fd, address.get(), address.length));
}

int Kernel::connect(int fd, const Sockaddr& address) {
  return checked(::connect(fd, address.get(), address.length));
}

int Kernel::listen(int fd, int backlog) { return checked(::listen(fd, backlog)); }

int Kernel::accept(int fd, Sockaddr* peer) {
  peer->length = sizeof(peer->storage);
  return checked(::accept4(fd, peer->get(), &peer->length, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

ssize_t Kernel::recv(int fd, void* buffer, size_t length, int flags) {
#if defined(__linux__) && defined(SYS_recvfrom)
  return checked(
      ::syscall(SYS_recvfrom, fd, buffer, length, flags | MSG_DONTWAIT, nullptr, nullptr));
#else
  return checked(::recv(fd, buffer, length, flags | MSG_DONTWAIT));
#endif
}

ssize_t Kernel::recv_unix(int fd, void* buffer, size_t length, bool* is_cut) {
  iovec part = {buffer, length};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const ssize_t got = checked(::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  *is_cut = got > 0 && (message.msg_flags & MSG_CTRUNC) != 0;
  return got;
}

ssize_t Kernel::send(int fd, const iovec* parts, int count) {
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(parts);  // sendmsg does not write to it
  message.msg_iovlen = static_cast<size_t>(count);
  return checked(::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

ssize_t Kernel::send(int fd, const void* buffer, size_t length) {
#if defined(__linux__) && defined(SYS_sendto)
  return checked(
      ::syscall(SYS_sendto, fd, buffer, length, MSG_NOSIGNAL | MSG_DONTWAIT, nullptr, 0));
#else
  return checked(::send(fd, buffer, length, MSG_NOSIGNAL | MSG_DONTWAIT));
#endif
}

int Kernel::shutdown(int fd, int how) { return checked(::shutdown(fd, how)); }

int Kernel::get_option(int fd, int level, int name, void* value, socklen_t* length) {
  return checked(::getsockopt(fd, level, name, value, length));
}

int Kernel::set_option(int fd, int level, int name, const void* value, socklen_t length) {
  return checked(::setsockopt(fd, level, name, value, length));
}

int Kernel::local_address(int fd, Sockaddr* out) {
  out->length = sizeof(out->storage);
  return checked(::getsockname(fd, out->get(), &out->length));
}

int Kernel::remote_address(int fd, Sockaddr* out) {
  out->length = sizeof(out->storage);
  return checked(::getpeername(fd, out->get(), &out->length));
}

int Kernel::close(int fd) { return checked(::close(fd)); }

}  // namespace sk
