// Which descriptors a poller watches for somebody who waits.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

#include "core/poller.h"
#include "core/slot.h"

namespace sk {

// A slot, and how its descriptor is ready.
struct ReadySlot {
  int32_t slot;
  int32_t readiness;
};

class Watches {
 public:
  explicit Watches(std::unique_ptr<Poller> poller) : poller_(std::move(poller)) {}

  Watches(const Watches&) = delete;
  Watches& operator=(const Watches&) = delete;
  ~Watches();

  int fd() const { return poller_->fd(); }
  // To be called after the descriptor has met "would block" in these directions. What changes from
  // then on is collected; what is ready already may be, too. 0 or a negative errno.
  int watch(Id id, int fd, uint32_t interest);
  // To be called before the descriptor is closed or given up; does nothing if it is not watched.
  void unwatch(Id id);
  // Stores up to `capacity`, without blocking, and returns how many. There may be more then.
  uint32_t collect(ReadySlot* out, uint32_t capacity);

 private:
  struct Watch {
    Id id = 0;  // 0 for none
    int fd = -1;
    bool is_duplicate = false;
  };

  Watch* find(Id id);

  std::unique_ptr<Poller> poller_;
  // By slot.
  std::vector<Watch> watches_;
  // The numbers of descriptors that are with the poller, duplicates aside. One that was lent may be
  // closed by its owner without a word, and its number be the next one's.
  std::unordered_set<int> numbers_;
};

}  // namespace sk
