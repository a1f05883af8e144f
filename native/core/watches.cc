#include "core/watches.h"

#include <algorithm>

#include "core/syscalls.h"

namespace sk {

namespace {
constexpr uint32_t kBatch = 256;
}  // namespace

Watches::~Watches() {
  // It may be waiting for them.
  poller_.reset();
  for (const Watch& watch : watches_) {
    if (watch.is_duplicate) sys::close(watch.fd);
  }
}

Watches::Watch* Watches::find(Id id) {
  const uint32_t slot = slot_of(id);
  return id != 0 && slot < watches_.size() && watches_[slot].id == id ? &watches_[slot] : nullptr;
}

int Watches::watch(Id id, int fd, uint32_t interest) {
  if (const Watch* found = find(id)) {
    poller_->modify(found->fd, id, interest);
    return 0;
  }
  // Pollers tell registrations apart by the number, so a second one needs a number of its own.
  const bool is_duplicate = numbers_.count(fd) != 0;
  const int number = is_duplicate ? sys::duplicate(fd) : fd;
  if (number < 0) return number;
  const int error = poller_->add(number, id);
  if (error != 0) {
    if (is_duplicate) sys::close(number);
    return error;
  }
  const uint32_t slot = slot_of(id);
  if (slot >= watches_.size()) watches_.resize(slot + 1);
  watches_[slot] = {id, number, is_duplicate};
  if (!is_duplicate) numbers_.insert(number);
  return 0;
}

void Watches::unwatch(Id id) {
  Watch* found = find(id);
  if (found == nullptr) return;
  poller_->forget(found->fd);
  if (found->is_duplicate) {
    sys::close(found->fd);
  } else {
    numbers_.erase(found->fd);
  }
  *found = {};
}

uint32_t Watches::collect(ReadySlot* out, uint32_t capacity) {
  PollEvent events[kBatch];
  const int count = poller_->wait(events, static_cast<int>(std::min(capacity, kBatch)));
  uint32_t stored = 0;
  for (int i = 0; i < count; ++i) {
    const Id id = events[i].token;
    const uint32_t slot = slot_of(id);
    // One of an earlier life of the slot, collected late.
    if (find(id) == nullptr) continue;
    out[stored++] = {static_cast<int32_t>(slot), static_cast<int32_t>(events[i].readiness)};
  }
  return stored;
}

}  // namespace sk
