#include "core/message.h"

#include <cstring>

#include "core/control.h"
#include "core/linux_names.h"

namespace sk {

namespace {

// Room for entries behind `control_length` bytes of control data, and where it begins.
int64_t entry_start(const MessageRecord& record) {
  return (int64_t{record.control_offset} + record.control_length + 7) / 8 * 8;
}
int64_t entry_room(const MessageRecord& record) {
  const auto header = static_cast<int32_t>(control_header());
  return (int64_t{record.control_length} / header + 1) * static_cast<int64_t>(sizeof(ControlEntry));
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
  if (entry.level != SOL_SOCKET) return false;
#ifdef SCM_PIDFD
  if (entry.type == SCM_PIDFD) return true;
#endif
  return entry.type == SCM_RIGHTS;
}

}  // namespace

MessageRecord MessageBatch::record(uint32_t index) const {
  MessageRecord out;
  memcpy(&out, slab_.data + index * sizeof(MessageRecord), sizeof(out));
  return out;
}

bool MessageBatch::prepare(const Slab& slab, uint32_t count, bool is_receiving) {
  slab_ = slab;
  messages_.assign(count, {});
  parts_.resize(count);
  const auto start = static_cast<int64_t>(count * sizeof(MessageRecord));
  for (uint32_t i = 0; i < count; ++i) {
    const MessageRecord row = record(i);
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

void MessageBatch::finish(uint32_t index, int64_t length, Descriptors* descriptors) {
  MessageRecord row = record(index);
  const msghdr& header = messages_[index].msg_hdr;
  // What the kernel says of a name may be more than it wrote.
  const auto name = static_cast<int32_t>(header.msg_namelen);
  row.name_length = name < row.name_length ? name : row.name_length;
  row.data_length = static_cast<int32_t>(length);
  row.flags = header.msg_flags;
  row.control_count = 0;
  if (row.control_length > 0) {
    auto* entries = reinterpret_cast<ControlEntry*>(slab_.data + entry_start(row));
    const auto capacity = static_cast<size_t>(entry_room(row)) / sizeof(ControlEntry);
    const auto used = static_cast<size_t>(header.msg_controllen);
    const size_t count =
        walk_control(slab_.data + row.control_offset, used, slab_.data, entries, capacity);
    for (size_t i = 0; i < count; ++i) {
      if (carries_descriptors(entries[i])) adopt(entries[i], descriptors);
    }
    row.control_count = static_cast<int32_t>(count);
    row.control_length = static_cast<int32_t>(used);
  }
  memcpy(slab_.data + index * sizeof(MessageRecord), &row, sizeof(row));
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
