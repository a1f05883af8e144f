// Which descriptors a poller watches for somebody who waits.
#pragma once

#include <cstdint>
#include <memory>
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

  int fd() const { return poller_->fd(); }
  // To be called after the descriptor has met "would block" in these directions. What changes from
  // then on is collected; what is ready already may be, too. 0 or a negative errno.
  int watch(Id id, int fd, uint32_t interest);
  // To be called before the descriptor is closed or given up; does nothing if it is not watched.
  void unwatch(Id id, int fd);
  // Stores up to `capacity`, without blocking, and returns how many. There may be more then.
  uint32_t collect(ReadySlot* out, uint32_t capacity);

 private:
  std::unique_ptr<Poller> poller_;
  // The id that is watched in each slot, or 0.
  std::vector<Id> watched_;
};

}  // namespace sk
