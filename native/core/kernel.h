// The system calls that the reactor makes, as it wants them. All return a negative
// errno on failure, so that no caller depends on the global. The class is the seam where tests put
// faults.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

#include "core/sockaddr.h"

namespace sk {

class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  virtual ~Kernel() = default;

  // Whether a read may come short although more is waiting.
  virtual bool reads_short() const { return false; }

  // socket(2). The descriptor is close-on-exec and non-blocking from birth.
  virtual int socket(int family, int type, int protocol);
  // bind(2)
  virtual int bind(int fd, const Sockaddr& address);
  // connect(2). -EINPROGRESS is the usual answer.
  virtual int connect(int fd, const Sockaddr& address);
  // listen(2)
  virtual int listen(int fd, int backlog);
  // accept4(2). The descriptor is close-on-exec and non-blocking from birth.
  virtual int accept(int fd, Sockaddr* peer);
  // recv(2)
  virtual ssize_t recv(int fd, void* buffer, size_t length, int flags);
  // ioctl(2), FIONREAD: bytes of a stream that could be read now.
  virtual int available(int fd);
  // recvmsg(2) of a Unix socket. `*is_cut` tells that the read ended where the peer had attached
  // something (descriptors, which are dropped), so that more may be waiting although it came short.
  virtual ssize_t recv_unix(int fd, void* buffer, size_t length, bool* is_cut);
  // sendmsg(2) of a gather list. Never raises SIGPIPE.
  virtual ssize_t send(int fd, const iovec* parts, int count);
  // send(2) of one buffer. Never raises SIGPIPE.
  virtual ssize_t send(int fd, const void* buffer, size_t length);
  // sendto(2) of one message; `to` may have length 0. Never raises SIGPIPE.
  virtual ssize_t send_to(int fd, const void* buffer, size_t length, const Sockaddr& to);
  // sendmmsg(2): how many were sent, before the first that was not. Never raises SIGPIPE.
  virtual int send_messages(int fd, mmsghdr* messages, unsigned count);
  // recvmmsg(2): how many were there. Each is told with its true length.
  virtual int receive_messages(int fd, mmsghdr* messages, unsigned count);
  // recvmsg(2) of the error queue (ip(7), IP_RECVERR)
  virtual ssize_t receive_error(int fd, msghdr* message);
  // shutdown(2)
  virtual int shutdown(int fd, int how);
  // getsockopt(2); `length` is in and out.
  virtual int get_option(int fd, int level, int name, void* value, socklen_t* length);
  // setsockopt(2)
  virtual int set_option(int fd, int level, int name, const void* value, socklen_t length);
  // getsockname(2)
  virtual int local_address(int fd, Sockaddr* out);
  // getpeername(2)
  virtual int remote_address(int fd, Sockaddr* out);
  // fcntl(2): makes a descriptor what those of `socket` are from birth.
  virtual int prepare(int fd);
  // fcntl(2), F_DUPFD_CLOEXEC
  virtual int duplicate(int fd);
  // close(2). Not repeated after EINTR: Linux has let the descriptor go by then.
  virtual int close(int fd);
};

}  // namespace sk
