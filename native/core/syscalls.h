// System calls on sockets: one function each, no policy. All return a negative errno on failure, so
// that no caller depends on the global. A call that a signal interrupts is made again, but for the
// two that wait.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "core/sockaddr.h"

namespace sk::sys {

// socket(2)
int socket(int family, int type, int protocol);
// socketpair(2)
int socketpair(int family, int type, int protocol, int fds[2]);
// bind(2)
int bind(int fd, const Sockaddr& address);
// connect(2). Not made again after EINTR: it goes on by itself.
int connect(int fd, const Sockaddr& address);
// listen(2)
int listen(int fd, int backlog);
// accept4(2)
int accept(int fd, Sockaddr* peer, int flags);
// send(2)
ssize_t send(int fd, const void* buffer, size_t length, int flags);
// sendto(2)
ssize_t sendto(int fd, const void* buffer, size_t length, int flags, const Sockaddr& to);
// recv(2)
ssize_t recv(int fd, void* buffer, size_t length, int flags);
// recvfrom(2); `from` has length 0 if the system told no name.
ssize_t recvfrom(int fd, void* buffer, size_t length, int flags, Sockaddr* from);
// sendmsg(2)
ssize_t sendmsg(int fd, const msghdr* message, int flags);
// recvmsg(2)
ssize_t recvmsg(int fd, msghdr* message, int flags);
// sendmmsg(2)
int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags);
// recvmmsg(2), without its timeout, which does not do what one would think
int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags);
// shutdown(2)
int shutdown(int fd, int how);
// getsockopt(2); `length` is in and out.
int getsockopt(int fd, int level, int name, void* value, socklen_t* length);
// setsockopt(2)
int setsockopt(int fd, int level, int name, const void* value, socklen_t length);
// getsockname(2)
int getsockname(int fd, Sockaddr* out);
// getpeername(2)
int getpeername(int fd, Sockaddr* out);
// fcntl(2), F_DUPFD_CLOEXEC
int duplicate(int fd);
// fcntl(2), F_GETFD: 0 if the descriptor is open
int probe(int fd);
// fcntl(2), F_SETFD of FD_CLOEXEC
int close_on_exec(int fd);
// fcntl(2), F_GETFL and F_SETFL of O_NONBLOCK
int set_blocking(int fd, bool is_blocking);
// ioctl(2) of a request that answers an int
int ioctl_int(int fd, unsigned long request, int* value);
// poll(2), once
int poll(pollfd* items, nfds_t count, int timeout);
// close(2). Not repeated after EINTR: Linux has let the descriptor go by then.
int close(int fd);

}  // namespace sk::sys
