// Messages as records of words in memory that the owner shares (the slab), and as the kernel wants
// them. Records name places in the slab by their distance from its start; none that is outside is
// ever used. Places that overlap garble each other, and lose descriptors.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/control.h"
#include "core/descriptors.h"

namespace sk {

// All lengths and offsets in bytes. The order of the fields is part of the interface to the owner.
struct MessageRecord {
  int32_t data_offset;
  int32_t data_length;  // after receiving: what the call answered
  int32_t name_offset;
  int32_t name_length;     // in and, after receiving, out
  int32_t control_offset;  // a multiple of 8
  int32_t control_length;  // in and, after receiving, out
  int32_t flags;           // out: msg_flags
  int32_t control_count;   // out: entries, which stand behind the room for control data
};

struct Slab {
  uint8_t* data;
  size_t size;

  bool holds(int64_t offset, int64_t length) const {
    return offset >= 0 && length >= 0 && offset + length <= static_cast<int64_t>(size);
  }
};

// One call's messages. Prepared, handed to the kernel, and, after receiving, read back.
class MessageBatch {
 public:
  static constexpr uint32_t kMaxMessages = 1024;
  static constexpr int32_t kMaxName = sizeof(sockaddr_storage);

  // Reads the first `count` records of the slab. False if one of them names a place outside of it,
  // or one that overlaps the records.
  bool prepare(const Slab& slab, uint32_t count, bool is_receiving);
  mmsghdr* messages() { return messages_.data(); }
  msghdr* first() { return &messages_[0].msg_hdr; }
  // Whether one that is to be sent has control data which the kernel would follow to an address.
  bool holds_address();
  // Writes what the kernel told of message `index` into its record, and adopts the descriptors that
  // came with it: each is replaced in its place by its slot, or by -1 if it had to be closed. What
  // stands in the record by now is not asked: others may see the slab.
  void finish(uint32_t index, int64_t length, Descriptors* descriptors);

 private:
  // Finds the control messages in `length` bytes at `data`: that many of `entries_`.
  size_t walk(const void* data, size_t length);
  void adopt(const ControlEntry& entry, Descriptors* descriptors);

  Slab slab_ = {};
  // The records as they were when they were judged.
  std::vector<MessageRecord> records_;
  std::vector<mmsghdr> messages_;
  std::vector<iovec> parts_;
  std::vector<ControlEntry> entries_;
};

}  // namespace sk
