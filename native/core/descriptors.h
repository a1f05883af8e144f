// Descriptors that somebody looks after, by ids that are never used twice: a late call cannot reach
// a descriptor's number in its next life.
#pragma once

#include <cstdint>
#include <vector>

#include "core/slot.h"

namespace sk {

class Descriptors {
 public:
  Descriptors() = default;
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;
  // Closes what is owned.
  ~Descriptors() { close_all(); }

  // Begins to look after `fd`. An id, or -ENFILE if there are kMaxSlots of them; then an owned one
  // is closed.
  int64_t adopt(int fd, bool is_owned);
  // The descriptor, or -EBADF for an id that is gone.
  int fd(Id id) const;
  // The id in a slot, or -EBADF.
  int64_t id_at(uint32_t slot) const;
  // Gives it up without closing it. The descriptor, or -EBADF.
  int release(Id id);
  // Closes it if it is owned. 0 or -EBADF.
  int close(Id id);
  void close_all();
  uint32_t live() const { return live_; }

 private:
  struct Entry {
    int fd = -1;
    uint32_t generation = 0;
    bool is_owned = false;
  };

  const Entry* find(Id id) const;

  std::vector<Entry> entries_;
  // Freed slots, used again as late as possible: from the front.
  std::vector<uint32_t> free_;
  size_t free_head_ = 0;
  uint32_t live_ = 0;
};

}  // namespace sk
