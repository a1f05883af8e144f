#include "core/descriptors.h"

#include <cerrno>

#include "core/syscalls.h"

namespace sk {

const Descriptors::Entry* Descriptors::find(Id id) const {
  const uint32_t slot = slot_of(id);
  if (slot >= entries_.size()) return nullptr;
  const Entry& entry = entries_[slot];
  return entry.fd >= 0 && id >> kSlotBits == entry.generation ? &entry : nullptr;
}

int64_t Descriptors::adopt(int fd, bool is_owned) {
  uint32_t slot;
  if (free_head_ < free_.size()) {
    slot = free_[free_head_++];
    if (free_head_ * 2 > free_.size()) {
      free_.erase(free_.begin(), free_.begin() + static_cast<std::ptrdiff_t>(free_head_));
      free_head_ = 0;
    }
  } else if (entries_.size() < kMaxSlots) {
    slot = static_cast<uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    if (is_owned) sys::close(fd);
    return -ENFILE;
  }
  Entry& entry = entries_[slot];
  // Generation 0 is never given, so that no id is 0.
  entry.generation = entry.generation == kMaxGeneration ? 1 : entry.generation + 1;
  entry.fd = fd;
  entry.is_owned = is_owned;
  ++live_;
  return id_at(slot);
}

int Descriptors::fd(Id id) const {
  const Entry* entry = find(id);
  return entry == nullptr ? -EBADF : entry->fd;
}

int64_t Descriptors::id_at(uint32_t slot) const {
  if (slot >= entries_.size() || entries_[slot].fd < 0) return -EBADF;
  return static_cast<int64_t>(Id{entries_[slot].generation} << kSlotBits | slot);
}

int Descriptors::release(Id id) {
  const Entry* entry = find(id);
  if (entry == nullptr) return -EBADF;
  const int fd = entry->fd;
  entries_[slot_of(id)].fd = -1;
  free_.push_back(slot_of(id));
  --live_;
  return fd;
}

int Descriptors::close(Id id) {
  const Entry* entry = find(id);
  if (entry == nullptr) return -EBADF;
  const bool is_owned = entry->is_owned;
  const int fd = release(id);
  // What close(2) reports is about data that nobody can do anything for any more.
  if (is_owned) sys::close(fd);
  return 0;
}

void Descriptors::close_all() {
  for (uint32_t slot = 0; slot < entries_.size(); ++slot) {
    const int64_t id = id_at(slot);
    if (id >= 0) close(static_cast<Id>(id));
  }
}

}  // namespace sk
