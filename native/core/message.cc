#include "core/message.h"

#include <cstring>

#include "core/linux_names.h"
#include "core/options.h"

namespace sk {

namespace {

// The most messages that so many bytes can hold, cut ones included.
size_t most_entries(size_t length) { return length / control_header() + 1; }

// Where the entries of a record's control messages stand, and the room that they may need.
int64_t entry_start(const MessageRecord& record) {
  return (int64_t{record.control_offset} + record.control_length + 7) / 8 * 8;
}
int64_t entry_room(const MessageRecord& record) {
  return static_cast<int64_t>(most_entries(static_cast<size_t>(record.control_length)) *
                              sizeof(ControlEntry));
}

bool fits(const Slab& slab, int64_t start, const MessageRecord& record, bool is_receiving) {
  const auto inside = [&](int64_t offset, int64_t length) {
    return length == 0 || (offset >= start && slab.holds(offset, length));
  };
  if (record.data_length < 0 || record.control_length < 0 || record.name_length < 0 ||
      record.name_length > MessageBatch::kMaxName || record.control_offset % 8 != 0) {
    return false;
  }
  return inside(record.data_offset, record.data_length) &&
         inside(record.name_offset, record.name_length) &&
         inside(record.control_offset, record.control_length) &&
         (!is_receiving || record.control_length == 0 ||
          inside(entry_start(record), entry_room(record)));
}

bool carries_descriptors(const ControlEntry& entry) {
  return entry.level == SOL_SOCKET && (entry.type == SCM_RIGHTS || entry.type == SCM_PIDFD);
}

}  // namespace

bool MessageBatch::prepare(const Slab& slab, uint32_t count, bool is_receiving) {
  slab_ = slab;
  records_.resize(count);
  memcpy(records_.data(), slab.data, count * sizeof(MessageRecord));
  messages_.assign(count, {});
  parts_.resize(count);
  const auto start = static_cast<int64_t>(count * sizeof(MessageRecord));
  for (uint32_t i = 0; i < count; ++i) {
    const MessageRecord& row = records_[i];
    if (!fits(slab, start, row, is_receiving)) return false;
    msghdr& header = messages_[i].msg_hdr;
    if (row.name_length > 0) {
      header.msg_name = slab.data + row.name_offset;
      header.msg_namelen = static_cast<socklen_t>(row.name_length);
    }
    parts_[i] = {row.data_length > 0 ? slab.data + row.data_offset : nullptr,
                 static_cast<size_t>(row.data_length)};
    header.msg_iov = &parts_[i];
    header.msg_iovlen = 1;
    if (row.control_length > 0) {
      header.msg_control = slab.data + row.control_offset;
      header.msg_controllen = static_cast<size_t>(row.control_length);
    }
  }
  return true;
}

bool MessageBatch::holds_address() {
  for (const mmsghdr& message : messages_) {
    const msghdr& header = message.msg_hdr;
    const size_t count = walk(header.msg_control, header.msg_controllen);
    for (size_t i = 0; i < count; ++i) {
      if (control_holds_address(entries_[i].level, entries_[i].type)) return true;
    }
  }
  return false;
}

void MessageBatch::finish(uint32_t index, int64_t length, Descriptors* descriptors) {
  MessageRecord row = records_[index];
  const msghdr& header = messages_[index].msg_hdr;
  // What the kernel says of a name may be more than it wrote.
  const auto name = static_cast<int32_t>(header.msg_namelen);
  row.name_length = name < row.name_length ? name : row.name_length;
  row.data_length = static_cast<int32_t>(length);
  row.flags = header.msg_flags;
  row.control_count = 0;
  if (row.control_length > 0) {
    const auto used = static_cast<size_t>(header.msg_controllen);
    const size_t count = walk(header.msg_control, used);
    for (size_t i = 0; i < count; ++i) {
      if (carries_descriptors(entries_[i])) adopt(entries_[i], descriptors);
    }
    memcpy(slab_.data + entry_start(row), entries_.data(), count * sizeof(ControlEntry));
    row.control_count = static_cast<int32_t>(count);
    row.control_length = static_cast<int32_t>(used);
  }
  memcpy(slab_.data + index * sizeof(MessageRecord), &row, sizeof(row));
}

size_t MessageBatch::walk(const void* data, size_t length) {
  const size_t most = most_entries(length);
  if (entries_.size() < most) entries_.resize(most);
  return walk_control(static_cast<const uint8_t*>(data), length, slab_.data, entries_.data(), most);
}

void MessageBatch::adopt(const ControlEntry& entry, Descriptors* descriptors) {
  uint8_t* at = slab_.data + entry.offset;
  const auto count = static_cast<size_t>(entry.length) / sizeof(int);
  for (size_t i = 0; i < count; ++i, at += sizeof(int)) {
    int fd;
    memcpy(&fd, at, sizeof(fd));
    // The kernel tells of one that it could not install by its error.
    const int64_t id = fd < 0 ? -1 : descriptors->adopt(fd, true);
    const int slot = id < 0 ? -1 : static_cast<int>(slot_of(static_cast<Id>(id)));
    memcpy(at, &slot, sizeof(slot));
  }
}

}  // namespace sk
