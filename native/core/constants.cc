#include "core/constants.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace sk {

#define ROW(name) {#name, name},

// clang-format off
const Constant kConstants[] = {
    ROW(AF_INET)
    ROW(AF_INET6)
    ROW(AF_UNIX)
    ROW(IPPROTO_IP)
    ROW(IPPROTO_IPV6)
    ROW(IPPROTO_TCP)
    ROW(IPV6_V6ONLY)
    ROW(SHUT_RD)
    ROW(SHUT_RDWR)
    ROW(SHUT_WR)
    ROW(SOCK_DGRAM)
    ROW(SOCK_STREAM)
    ROW(SOL_SOCKET)
    ROW(SOMAXCONN)
    ROW(SO_ERROR)
    ROW(SO_KEEPALIVE)
    ROW(SO_RCVBUF)
    ROW(SO_REUSEADDR)
#ifdef SO_REUSEPORT
    ROW(SO_REUSEPORT)
#endif
    ROW(SO_SNDBUF)
#ifdef TCP_KEEPCNT
    ROW(TCP_KEEPCNT)
#endif
#ifdef TCP_KEEPIDLE
    ROW(TCP_KEEPIDLE)
#endif
#ifdef TCP_KEEPINTVL
    ROW(TCP_KEEPINTVL)
#endif
    ROW(TCP_NODELAY)
#ifdef TCP_USER_TIMEOUT
    ROW(TCP_USER_TIMEOUT)
#endif
    {nullptr, 0},
};

const Constant kErrorNumbers[] = {
    ROW(E2BIG)
    ROW(EACCES)
    ROW(EADDRINUSE)
    ROW(EADDRNOTAVAIL)
    ROW(EAFNOSUPPORT)
    ROW(EAGAIN)
    ROW(EALREADY)
    ROW(EBADF)
    ROW(EBUSY)
    ROW(ECANCELED)
    ROW(ECONNABORTED)
    ROW(ECONNREFUSED)
    ROW(ECONNRESET)
    ROW(EDESTADDRREQ)
    ROW(EEXIST)
    ROW(EFAULT)
    ROW(EHOSTDOWN)
    ROW(EHOSTUNREACH)
    ROW(EINPROGRESS)
    ROW(EINTR)
    ROW(EINVAL)
    ROW(EIO)
    ROW(EISCONN)
    ROW(ELOOP)
    ROW(EMFILE)
    ROW(EMSGSIZE)
    ROW(ENAMETOOLONG)
    ROW(ENETDOWN)
    ROW(ENETRESET)
    ROW(ENETUNREACH)
    ROW(ENFILE)
    ROW(ENOBUFS)
    ROW(ENODEV)
    ROW(ENOENT)
    ROW(ENOMEM)
    ROW(ENOPROTOOPT)
    ROW(ENOSPC)
    ROW(ENOSYS)
    ROW(ENOTCONN)
    ROW(ENOTDIR)
    ROW(ENOTSOCK)
    ROW(EOPNOTSUPP)
    ROW(EPERM)
    ROW(EPIPE)
    ROW(EPROTO)
    ROW(EPROTONOSUPPORT)
    ROW(EPROTOTYPE)
    ROW(EROFS)
    ROW(ESOCKTNOSUPPORT)
    ROW(ETIMEDOUT)
    ROW(EXDEV)
    {nullptr, 0},
};
// clang-format on

#undef ROW

}  // namespace sk
