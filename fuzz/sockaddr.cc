// Socket addresses: the input is what the kernel wrote, and, a second time, an address of ours.
#include "core/sockaddr.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fuzz.h"

namespace {

using sk::Address;
using sk::Family;
using sk::Sockaddr;

bool is_same(const Address& a, const Address& b) {
  return a.family == b.family && a.length == b.length && a.port == b.port && a.scope == b.scope &&
         memcmp(a.bytes, b.bytes, a.length) == 0;
}

// What encoding has made is read back as what it was.
void check_round_trip(const Address& address) {
  Sockaddr out;
  const int result = encode(address, &out);
  if (result != 0) {
    MUST(result == -EINVAL || result == -ENAMETOOLONG || result == -EAFNOSUPPORT);
    return;
  }
  MUST(out.length >= sizeof(sa_family_t) && out.length <= sizeof(out.storage));
  Address back;
  MUST(decode(out, &back) == 0);
  Address wanted = address;
  // Not every family has these.
  if (address.family == Family::unix_path) wanted.port = 0;
  if (address.family != Family::ipv6) wanted.scope = 0;
  MUST(is_same(back, wanted));
}

// Bytes as the kernel may write them; its length may tell of more than there was room for.
void check_decode(const uint8_t* data, size_t size) {
  Sockaddr in;
  memset(&in.storage, 0xa5, sizeof(in.storage));
  memcpy(&in.storage, data, std::min(size, sizeof(in.storage)));
  in.length = static_cast<socklen_t>(size);
  Address out;
  const int result = decode(in, &out);
  MUST(result == 0 || result == -EAFNOSUPPORT);
  if (result != 0) return;
  MUST(out.length <= Address::kMaxBytes);
  if (out.family == Family::ipv4) MUST(out.length == 4);
  if (out.family == Family::ipv6) MUST(out.length == 16);
  check_round_trip(out);
}

void check_encode(const uint8_t* data, size_t size) {
  Address address;
  constexpr size_t kHead = 8;
  if (size < kHead) return;
  address.family = static_cast<Family>(data[0]);
  address.length = data[1];
  memcpy(&address.port, data + 2, sizeof(address.port));
  memcpy(&address.scope, data + 4, sizeof(address.scope));
  memcpy(address.bytes, data + kHead, std::min(size - kHead, sizeof(address.bytes)));
  check_round_trip(address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  check_decode(data, size);
  check_encode(data, size);
  return 0;
}
