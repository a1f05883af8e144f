#include "core/sockaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>

#include "test/check.h"

namespace sk {

namespace {

constexpr size_t kPathOffset = offsetof(sockaddr_un, sun_path);

Address address_of(Family family, const std::string& bytes, uint16_t port = 0, uint32_t scope = 0) {
  Address address;
  address.family = family;
  address.length = static_cast<uint8_t>(bytes.size());
  address.port = port;
  address.scope = scope;
  memcpy(address.bytes, bytes.data(), bytes.size());
  return address;
}

std::string bytes_of(const Address& address) {
  return {reinterpret_cast<const char*>(address.bytes), address.length};
}

// What the kernel would have written: `length` bytes, and garbage behind them.
template <typename T>
Sockaddr written(const T& bytes, size_t length) {
  Sockaddr out;
  memset(&out.storage, 'g', sizeof(out.storage));
  memcpy(&out.storage, &bytes, std::min(length, sizeof(bytes)));
  out.length = static_cast<socklen_t>(length);
  return out;
}

int encode_unix(const std::string& path, Sockaddr* out) {
  return encode(address_of(Family::unix_path, path), out);
}

}  // namespace

TEST("encode writes an IPv4 address, big-endian and of exact length") {
  Sockaddr out;
  CHECK_EQ(encode(address_of(Family::ipv4, std::string("\x7f\0\0\x01", 4), 0x1234, 7), &out), 0);
  CHECK_EQ(out.length, sizeof(sockaddr_in));
  sockaddr_in in;
  memcpy(&in, &out.storage, sizeof(in));
  CHECK_EQ(in.sin_family, AF_INET);
  CHECK_EQ(in.sin_port, htons(0x1234));
  CHECK_EQ(in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
  for (const unsigned char byte : in.sin_zero) CHECK_EQ(byte, 0);
}

TEST("encode writes an IPv6 address with its scope and no flow label") {
  Sockaddr out;
  const std::string bytes("\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
  CHECK_EQ(encode(address_of(Family::ipv6, bytes, 65535, 0xfffffffe), &out), 0);
  CHECK_EQ(out.length, sizeof(sockaddr_in6));
  sockaddr_in6 in6;
  memcpy(&in6, &out.storage, sizeof(in6));
  CHECK_EQ(in6.sin6_family, AF_INET6);
  CHECK_EQ(in6.sin6_port, 65535);
  CHECK_EQ(in6.sin6_scope_id, 0xfffffffe);
  CHECK_EQ(in6.sin6_flowinfo, 0u);
  CHECK_EQ(memcmp(&in6.sin6_addr, bytes.data(), 16), 0);
}

TEST("encode refuses IP addresses of another family's length") {
  Sockaddr out;
  for (const size_t length : {0, 3, 5, 16}) {
    CHECK_EQ(encode(address_of(Family::ipv4, std::string(length, 1)), &out), -EINVAL);
  }
  for (const size_t length : {0, 4, 15, 17}) {
    CHECK_EQ(encode(address_of(Family::ipv6, std::string(length, 1)), &out), -EINVAL);
  }
}

TEST("encode refuses families that there are not") {
  Sockaddr out;
  for (const int family : {0, 2, 3, 5, 7, 255}) {
    CHECK_EQ(encode(address_of(static_cast<Family>(family), "abcd"), &out), -EAFNOSUPPORT);
  }
}

TEST("encode ends a path with a NUL that the length counts") {
  for (size_t length = 1; length <= max_unix_path(); ++length) {
    Sockaddr out;
    const std::string path(length, 'p');
    CHECK_EQ(encode_unix(path, &out), 0);
    CHECK_EQ(out.length, kPathOffset + length + 1);
    sockaddr_un un;
    memcpy(&un, &out.storage, sizeof(un));
    CHECK_EQ(un.sun_family, AF_UNIX);
    CHECK_EQ(std::string(un.sun_path), path);
  }
}

TEST("encode never cuts a path") {
  CHECK_EQ(max_unix_path(), sizeof(sockaddr_un::sun_path) - 1);
  Sockaddr out;
  CHECK_EQ(encode_unix(std::string(max_unix_path() + 1, 'p'), &out), -ENAMETOOLONG);
  Address lies = address_of(Family::unix_path, "p");
  for (const uint8_t length : {uint8_t{109}, uint8_t{255}}) {
    lies.length = length;
    CHECK_EQ(encode(lies, &out), -ENAMETOOLONG);
  }
}

TEST("encode refuses a path with a NUL in it") {
  Sockaddr out;
  CHECK_EQ(encode_unix(std::string("a\0b", 3), &out), -EINVAL);
  CHECK_EQ(encode_unix(std::string("a\0", 2), &out), -EINVAL);
}

TEST("encode ends an abstract name where its length says") {
  for (const size_t length : {1, 2, 5, 107, 108}) {
    std::string name(length, 'n');
    name[0] = 0;
    if (length > 3) name[2] = 0;
    Sockaddr out;
    CHECK_EQ(encode_unix(name, &out), 0);
    CHECK_EQ(out.length, kPathOffset + length);
    Address back;
    CHECK_EQ(decode(out, &back), 0);
    CHECK_EQ(bytes_of(back), name);
  }
}

TEST("encode writes an unnamed Unix address as the family alone") {
  Sockaddr out;
  CHECK_EQ(encode_unix("", &out), 0);
  CHECK_EQ(out.length, kPathOffset);
}

TEST("decode reads back what encode wrote, for random addresses") {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    const Family family = std::array{Family::unix_path, Family::ipv4, Family::ipv6}[random() % 3];
    const size_t length = family == Family::ipv4 ? 4 : family == Family::ipv6 ? 16 : random() % 109;
    std::string bytes(length, 0);
    for (char& byte : bytes) byte = static_cast<char>(random());
    const bool is_ip = family != Family::unix_path;
    const Address given =
        address_of(family, bytes, is_ip ? static_cast<uint16_t>(random()) : uint16_t{0},
                   family == Family::ipv6 ? static_cast<uint32_t>(random()) : 0);
    Sockaddr out;
    if (encode(given, &out) != 0) {
      CHECK(!is_ip);
      continue;
    }
    CHECK(out.length <= sizeof(out.storage));
    Address back;
    CHECK_EQ(decode(out, &back), 0);
    CHECK_EQ(back.family, family);
    CHECK_EQ(bytes_of(back), bytes);
    CHECK_EQ(back.port, given.port);
    CHECK_EQ(back.scope, given.scope);
  }
}

TEST("decode takes an address without a family as an unnamed Unix peer") {
  const sa_family_t family = AF_UNIX;
  for (const size_t length : {size_t{0}, size_t{1}, sizeof(family)}) {
    Address out = address_of(Family::ipv4, "abcd", 9, 9);
    CHECK_EQ(decode(written(family, length), &out), 0);
    CHECK_EQ(out.family, Family::unix_path);
    CHECK_EQ(out.length, 0);
    CHECK_EQ(out.port, 0);
    CHECK_EQ(out.scope, 0u);
  }
}

TEST("decode does not read past the length of a Unix address") {
  sockaddr_un un = {};
  un.sun_family = AF_UNIX;
  memset(un.sun_path, 'p', sizeof(un.sun_path));
  Address out;
  for (size_t length = 0; length <= sizeof(un.sun_path); ++length) {
    CHECK_EQ(decode(written(un, kPathOffset + length), &out), 0);
    CHECK_EQ(bytes_of(out), std::string(length, 'p'));
  }
}

TEST("decode takes a path of 108 bytes without a NUL, even if the length tells of more") {
  sockaddr_un un = {};
  un.sun_family = AF_UNIX;
  memset(un.sun_path, 'p', sizeof(un.sun_path));
  Address out;
  CHECK_EQ(decode(written(un, sizeof(un) + 1), &out), 0);
  CHECK_EQ(bytes_of(out), std::string(108, 'p'));
}

TEST("decode refuses IP addresses that were cut") {
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  sockaddr_in6 in6 = {};
  in6.sin6_family = AF_INET6;
  Address out;
  for (size_t length = sizeof(sa_family_t); length < sizeof(in); ++length) {
    CHECK_EQ(decode(written(in, length), &out), -EAFNOSUPPORT);
  }
  for (size_t length = sizeof(sa_family_t); length < sizeof(in6); ++length) {
    CHECK_EQ(decode(written(in6, length), &out), -EAFNOSUPPORT);
  }
}

TEST("decode survives garbage of every family and length") {
  std::mt19937 random(2);
  for (int round = 0; round < 50000; ++round) {
    uint8_t garbage[sizeof(sockaddr_storage)];
    for (uint8_t& byte : garbage) byte = static_cast<uint8_t>(random());
    const sa_family_t family = std::array<sa_family_t, 4>{
        AF_INET, AF_INET6, AF_UNIX, static_cast<sa_family_t>(random())}[random() % 4];
    memcpy(garbage, &family, sizeof(family));
    Address out;
    const int result = decode(written(garbage, random() % 160), &out);
    CHECK(result == 0 || result == -EAFNOSUPPORT);
    CHECK(out.length <= Address::kMaxBytes);
  }
}

}  // namespace sk
