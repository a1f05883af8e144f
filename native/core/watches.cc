#include "core/watches.h"

#include <algorithm>

namespace sk {

namespace {
constexpr uint32_t kBatch = 256;
}

int Watches::watch(Id id, int fd, uint32_t interest) {
  const uint32_t slot = slot_of(id);
  if (slot >= watched_.size()) watched_.resize(slot + 1);
  if (watched_[slot] == id) {
    poller_->modify(fd, id, interest);
    return 0;
  }
  const int error = poller_->add(fd, id);
  if (error == 0) watched_[slot] = id;
  return error;
}

void Watches::unwatch(Id id, int fd) {
  const uint32_t slot = slot_of(id);
  if (slot >= watched_.size() || watched_[slot] != id) return;
  watched_[slot] = 0;
  poller_->forget(fd);
}

uint32_t Watches::collect(ReadySlot* out, uint32_t capacity) {
  PollEvent events[kBatch];
  const int count = poller_->wait(events, static_cast<int>(std::min(capacity, kBatch)));
  uint32_t stored = 0;
  for (int i = 0; i < count; ++i) {
    const Id id = events[i].token;
    const uint32_t slot = slot_of(id);
    // One of an earlier life of the slot, collected late.
    if (slot >= watched_.size() || watched_[slot] != id) continue;
    out[stored++] = {static_cast<int32_t>(slot), static_cast<int32_t>(events[i].readiness)};
  }
  return stored;
}

}  // namespace sk
