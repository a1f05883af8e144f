#include "core/slot.h"

#include <new>

namespace sk {

Slot* SlotTable::allocate(uint32_t* index) {
  if (free_head_ < free_.size()) {
    *index = free_[free_head_++];
  } else {
    if (size_ == kMaxSlots) return nullptr;
    if ((size_ & (kPageSize - 1)) == 0) {
      std::unique_ptr<Slot[]> page(new (std::nothrow) Slot[kPageSize]);
      if (page == nullptr) return nullptr;
      pages_.push_back(std::move(page));
    }
    *index = size_++;
  }
  Slot& slot = at(*index);
  // Generation 0 is never given, so that no id is 0.
  const uint32_t generation = slot.generation == kMaxGeneration ? 1 : slot.generation + 1;
  slot = Slot{};
  slot.generation = generation;
  ++live_;
  return &slot;
}

void SlotTable::release(uint32_t index) {
  Slot& slot = at(index);
  slot.state = State::free;
  slot.fd = -1;
  slot.backlog.reset();
  slot.messages.reset();
  released_.push_back(index);
  --live_;
}

void SlotTable::recycle() {
  if (released_.empty()) return;
  if (free_head_ > 1024 && free_head_ * 2 > free_.size()) {
    free_.erase(free_.begin(), free_.begin() + static_cast<std::ptrdiff_t>(free_head_));
    free_head_ = 0;
  }
  free_.insert(free_.end(), released_.begin(), released_.end());
  released_.clear();
}

Slot* SlotTable::find(Id id) {
  const uint32_t index = slot_of(id);
  if (index >= size_) return nullptr;
  Slot& slot = at(index);
  return slot.state != State::free && id >> kSlotBits == slot.generation ? &slot : nullptr;
}

}  // namespace sk
