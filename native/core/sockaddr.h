// Socket addresses between the kernel's form and a flat one that any language can carry.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

namespace sk {

enum class Family : uint8_t { none = 0, unix_path = 1, ipv4 = 4, ipv6 = 6 };

// An address without padding or platform layout. `bytes` holds 4 or 16 bytes of an IP address, or a
// Unix path: empty for an unnamed socket, with a leading NUL for an abstract name.
struct Address {
  static constexpr size_t kMaxBytes = 108;
  Family family = Family::none;
  uint8_t length = 0;
  uint16_t port = 0;
  uint32_t scope = 0;
  uint8_t bytes[kMaxBytes] = {};
};

struct Sockaddr {
  sockaddr_storage storage = {};
  socklen_t length = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// The longest path that fits: one byte of sun_path is kept for the terminating NUL.
size_t max_unix_path();

// Fills `out`. Returns 0, -EINVAL if the lengths do not fit the family or a file's path contains a
// NUL, or -ENAMETOOLONG for a Unix path that does not fit (it is never cut).
int encode(const Address& address, Sockaddr* out);

// Reads what the kernel wrote, never past `in.length`. Returns 0, or -EAFNOSUPPORT.
int decode(const Sockaddr& in, Address* out);

}  // namespace sk
