#include "core/kernel.h"

#include <sys/ioctl.h>

#include "core/syscalls.h"

namespace sk {

namespace {
constexpr int kFromBirth = SOCK_CLOEXEC | SOCK_NONBLOCK;
}

int Kernel::socket(int family, int type, int protocol) {
  return sys::socket(family, type | kFromBirth, protocol);
}

int Kernel::bind(int fd, const Sockaddr& address) { return sys::bind(fd, address); }

int Kernel::connect(int fd, const Sockaddr& address) { return sys::connect(fd, address); }

int Kernel::listen(int fd, int backlog) { return sys::listen(fd, backlog); }

int Kernel::accept(int fd, Sockaddr* peer) { return sys::accept(fd, peer, kFromBirth); }

ssize_t Kernel::recv(int fd, void* buffer, size_t length, int flags) {
  return sys::recv(fd, buffer, length, flags | MSG_DONTWAIT);
}

int Kernel::available(int fd) {
  int bytes = 0;
  const int result = sys::ioctl_int(fd, FIONREAD, &bytes);
  return result < 0 ? result : bytes;
}

ssize_t Kernel::recv_unix(int fd, void* buffer, size_t length, bool* is_cut) {
  iovec part = {buffer, length};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const ssize_t got = sys::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  *is_cut = got > 0 && (message.msg_flags & MSG_CTRUNC) != 0;
  return got;
}

ssize_t Kernel::send(int fd, const iovec* parts, int count) {
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(parts);  // sendmsg does not write to it
  message.msg_iovlen = static_cast<size_t>(count);
  return sys::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t Kernel::send(int fd, const void* buffer, size_t length) {
  return sys::send(fd, buffer, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t Kernel::send_to(int fd, const void* buffer, size_t length, const Sockaddr& to) {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  return to.length == 0 ? sys::send(fd, buffer, length, kFlags)
                        : sys::sendto(fd, buffer, length, kFlags, to);
}

int Kernel::send_messages(int fd, mmsghdr* messages, unsigned count) {
  return sys::sendmmsg(fd, messages, count, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int Kernel::receive_messages(int fd, mmsghdr* messages, unsigned count) {
  return sys::recvmmsg(fd, messages, count, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
}

ssize_t Kernel::receive_error(int fd, msghdr* message) {
  return sys::recvmsg(fd, message, MSG_DONTWAIT | MSG_ERRQUEUE);
}

int Kernel::shutdown(int fd, int how) { return sys::shutdown(fd, how); }

int Kernel::get_option(int fd, int level, int name, void* value, socklen_t* length) {
  return sys::getsockopt(fd, level, name, value, length);
}

int Kernel::set_option(int fd, int level, int name, const void* value, socklen_t length) {
  return sys::setsockopt(fd, level, name, value, length);
}

int Kernel::local_address(int fd, Sockaddr* out) { return sys::getsockname(fd, out); }

int Kernel::remote_address(int fd, Sockaddr* out) { return sys::getpeername(fd, out); }

int Kernel::prepare(int fd) {
  const int result = sys::close_on_exec(fd);
  return result < 0 ? result : sys::set_blocking(fd, false);
}

int Kernel::duplicate(int fd) { return sys::duplicate(fd); }

int Kernel::close(int fd) { return sys::close(fd); }

}  // namespace sk
