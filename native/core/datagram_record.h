// What the owner reads of a message, in memory that both share. 4-byte words, in the byte order of
// the machine; the order of the fields is part of the interface to the owner.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/sockaddr.h"

namespace sk {

enum RecordFlag : int32_t {
  kTruncated = 1,
  kHasLocal = 2,
  kHasTtl = 4,
  kHasTrafficClass = 8,
  kHasTimestamp = 16,
};

struct DatagramRecord {
  int32_t size;        // bytes that are here
  int32_t length;      // bytes that were sent
  int32_t flags;       // RecordFlag
  int32_t buffer;      // the owner's, for what it copies out
  int32_t family;      // of the peer: Family
  int32_t port;        // of a Unix peer: bytes of its path, which follow the record
  int32_t host;        // an IPv4 address's bits, or an IPv6 scope
  int32_t error;       // errno, of a message that failed
  uint8_t peer[16];    // an IPv6 peer
  uint8_t local[16];   // where it was sent to
  int32_t local_size;  // bytes of `local`: 4, 16, or 0
  int32_t interface_index;
  int32_t ttl;
  int32_t traffic_class;
  int64_t timestamp;  // nanoseconds
};
static_assert(sizeof(DatagramRecord) == 88, "the owner knows its size");

// Room that one record and a path may take beside the data.
constexpr size_t kRecordRoom = sizeof(DatagramRecord) + 112 + 8;
constexpr size_t padded_to_8(size_t length) { return (length + 7) & ~size_t{7}; }

// Writes the peer's address into the record at `at`, and a path behind it. Returns where the data
// goes. `name` is as the kernel wrote it; without one it is that of a Unix socket.
uint8_t* write_peer(const void* name, socklen_t length, uint8_t* at);

}  // namespace sk
