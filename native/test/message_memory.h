// A slab for messages, and what the tests of them share.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cstring>
#include <string>
#include <vector>

#include "core/message.h"
#include "core/syscalls.h"
#include "test/net.h"

namespace sk::test {

constexpr int32_t kSize = 64 * 1024;
constexpr int32_t kRecord = sizeof(MessageRecord);

// A slab of exactly its size, so that an access past it is noticed.
class Memory {
 public:
  Memory() : bytes_(kSize, uint8_t{0xa5}) { memset(bytes_.data(), 0, 1024 * kRecord); }
  Slab slab() { return {bytes_.data(), bytes_.size()}; }
  void put(uint32_t index, const MessageRecord& record) {
    memcpy(bytes_.data() + index * sizeof(record), &record, sizeof(record));
  }
  MessageRecord record(uint32_t index = 0) const {
    MessageRecord out;
    memcpy(&out, bytes_.data() + index * sizeof(out), sizeof(out));
    return out;
  }
  void write(int32_t offset, const void* data, size_t length) {
    CHECK(static_cast<size_t>(offset) + length <= bytes_.size());
    memcpy(bytes_.data() + offset, data, length);
  }
  void write(int32_t offset, const std::string& text) { write(offset, text.data(), text.size()); }
  std::string read(int32_t offset, int32_t length) const {
    CHECK(offset >= 0 && length >= 0 && offset + length <= kSize);
    return {reinterpret_cast<const char*>(bytes_.data()) + offset, static_cast<size_t>(length)};
  }
  // Entry `i` of a record's control messages: it stands behind the room that was given.
  ControlEntry entry(int32_t control_offset, int32_t room, int32_t i) const {
    ControlEntry out;
    const int32_t start = (control_offset + room + 7) / 8 * 8;
    memcpy(&out, bytes_.data() + start + i * int32_t{sizeof(out)}, sizeof(out));
    return out;
  }
  std::vector<int> words(const ControlEntry& entry) const {
    std::vector<int> out(static_cast<size_t>(entry.length) / sizeof(int));
    memcpy(out.data(), bytes_.data() + entry.offset, out.size() * sizeof(int));
    return out;
  }

 private:
  std::vector<uint8_t> bytes_;
};

// A record whose places are far from each other, and from every edge.
constexpr int32_t kName = 33000;
constexpr int32_t kData = 34000;
constexpr int32_t kControl = 40000;
inline MessageRecord ordinary() { return {kData, 100, kName, 128, kControl, 512, 0, 0}; }

inline Pair datagram_pair(int type = SOCK_DGRAM) {
  int ends[2];
  CHECK_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

// Receives one message by record 0.
inline ssize_t receive_one(Memory& memory, const MessageRecord& record, int fd, Descriptors* table,
                           int flags = 0) {
  memory.put(0, record);
  MessageBatch batch;
  CHECK(batch.prepare(memory.slab(), 1, true));
  CHECK(is_ready(fd, POLLIN));
  const ssize_t got = sys::recvmsg(fd, batch.first(), flags | MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got >= 0) batch.finish(0, got, table);
  return got;
}

}  // namespace sk::test
