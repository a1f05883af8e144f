#include "core/sockaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sk {

namespace {

constexpr size_t kPathOffset = offsetof(sockaddr_un, sun_path);

int encode_ipv4(const Address& address, Sockaddr* out) {
  if (address.length != 4) return -EINVAL;
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  in.sin_port = htons(address.port);
  memcpy(&in.sin_addr, address.bytes, 4);
  memcpy(&out->storage, &in, sizeof(in));
  out->length = sizeof(in);
  return 0;
}

int encode_ipv6(const Address& address, Sockaddr* out) {
  if (address.length != 16) return -EINVAL;
  sockaddr_in6 in6 = {};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(address.port);
  in6.sin6_scope_id = address.scope;
  memcpy(&in6.sin6_addr, address.bytes, 16);
  memcpy(&out->storage, &in6, sizeof(in6));
  out->length = sizeof(in6);
  return 0;
}

int encode_unix(const Address& address, Sockaddr* out) {
  const bool abstract = address.length > 0 && address.bytes[0] == 0;
  const size_t room = sizeof(sockaddr_un::sun_path) - (abstract ? 0 : 1);
  if (address.length > room) return -ENAMETOOLONG;
  if (!abstract && memchr(address.bytes, 0, address.length) != nullptr) return -EINVAL;
  sockaddr_un un = {};
  un.sun_family = AF_UNIX;
  memcpy(un.sun_path, address.bytes, address.length);
  memcpy(&out->storage, &un, sizeof(un));
  // An abstract name ends where the length says; a path ends with its NUL.
  const size_t end = address.length == 0 || abstract ? 0 : 1;
  out->length = static_cast<socklen_t>(kPathOffset + address.length + end);
  return 0;
}

void decode_unix(const Sockaddr& in, Address* out) {
  sockaddr_un un = {};
  const size_t have = std::min<size_t>(in.length, sizeof(un));
  memcpy(&un, &in.storage, have);
  size_t length = have > kPathOffset ? have - kPathOffset : 0;
  // The kernel counts a path's terminating NUL, and the NULs of an abstract name are part of it.
  if (length > 0 && un.sun_path[0] != 0) length = strnlen(un.sun_path, length);
  out->family = Family::unix_path;
  out->length = static_cast<uint8_t>(length);
  memcpy(out->bytes, un.sun_path, length);
}

}  // namespace

size_t max_unix_path() { return sizeof(sockaddr_un::sun_path) - 1; }

int encode(const Address& address, Sockaddr* out) {
  if (address.length > Address::kMaxBytes) return -ENAMETOOLONG;
  switch (address.family) {
    case Family::ipv4:
      return encode_ipv4(address, out);
    case Family::ipv6:
      return encode_ipv6(address, out);
    case Family::unix_path:
      return encode_unix(address, out);
    case Family::none:
      break;
  }
  return -EAFNOSUPPORT;
}

int decode(const Sockaddr& in, Address* out) {
  *out = Address{};
  if (in.length < sizeof(sa_family_t)) {
    // An unnamed Unix peer: the kernel writes nothing but, at most, the family.
    out->family = Family::unix_path;
    return 0;
  }
  if (in.storage.ss_family == AF_INET && in.length >= sizeof(sockaddr_in)) {
    sockaddr_in v4;
    memcpy(&v4, &in.storage, sizeof(v4));
    out->family = Family::ipv4;
    out->port = ntohs(v4.sin_port);
    out->length = 4;
    memcpy(out->bytes, &v4.sin_addr, 4);
    return 0;
  }
  if (in.storage.ss_family == AF_INET6 && in.length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6;
    memcpy(&v6, &in.storage, sizeof(v6));
    out->family = Family::ipv6;
    out->port = ntohs(v6.sin6_port);
    out->scope = v6.sin6_scope_id;
    out->length = 16;
    memcpy(out->bytes, &v6.sin6_addr, 16);
    return 0;
  }
  if (in.storage.ss_family == AF_UNIX) {
    decode_unix(in, out);
    return 0;
  }
  return -EAFNOSUPPORT;
}

}  // namespace sk
