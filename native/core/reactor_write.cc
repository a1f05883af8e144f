// The sending side. Small writes of one turn are copied to an arena and sent by `flush`, one call a
// socket; larger ones, and lone ones outside a turn, are sent at once; what the kernel does not
// take is kept in the socket's backlog until it is writable.
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/reactor.h"

namespace sk {

namespace {
constexpr int kMaxParts = 64;

// As much of a count as an event can carry.
int64_t saturated(size_t count) { return static_cast<int64_t>(std::min<size_t>(count, INT32_MAX)); }

// The most unread input that an orderly close reads away.
constexpr ssize_t kMaxDiscard = 4 * 1024 * 1024;
}  // namespace

int64_t Reactor::write(Id id, const uint8_t* bytes, size_t length) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->state != State::connected) return -ENOTCONN;
  if (slot->has(kShutdownWanted | kClosing | kWriteFailed)) return -EPIPE;
  if (length == 0) return static_cast<int64_t>(slot->pending());
  const uint32_t index = slot_of(id);
  if (slot->backlog) {
    keep(*slot, index, bytes, length);
  } else if (!gather(*slot, index, bytes, length)) {
    send_segments(*slot, index);
    // What was gathered before may have met a full buffer or a failure.
    if (slot->backlog) {
      keep(*slot, index, bytes, length);
    } else if (!slot->has(kWriteFailed)) {
      send_now(*slot, index, bytes, length);
    }
  }
  return static_cast<int64_t>(slot->pending());
}

// Copies a small write to the arena if it is one of a turn. False: send it at once.
bool Reactor::gather(Slot& slot, uint32_t index, const uint8_t* bytes, size_t length) {
  if (!gathering_ && slot.sent_turn != turn_) return false;
  if (length > kMaxGathered || arena_used_ + length > arena_.size()) return false;
  uint8_t* copy = arena_.data() + arena_used_;
  memcpy(copy, bytes, length);
  arena_used_ += length;
  slot.gathered += length;
  if (slot.last_segment != kNoSegment) {
    Segment& last = segments_[slot.last_segment];
    if (last.bytes + last.length == copy) {
      last.length += length;
      return true;
    }
    last.next = static_cast<uint32_t>(segments_.size());
  } else {
    slot.first_segment = static_cast<uint32_t>(segments_.size());
  }
  slot.last_segment = static_cast<uint32_t>(segments_.size());
  segments_.push_back({copy, length, kNoSegment});
  if (!slot.has(kDirty)) {
    slot.set(kDirty);
    dirty_.push_back(index);
  }
  return true;
}

void Reactor::send_now(Slot& slot, uint32_t index, const uint8_t* bytes, size_t length) {
  slot.sent_turn = turn_;
  ssize_t sent;
  do {
    sent = kernel_->send(slot.fd, bytes, length);
  } while (sent == -EINTR);
  if (sent == -EAGAIN) sent = 0;
  if (sent < 0) {
    fail_write(slot, index, static_cast<int>(-sent), length);
  } else if (static_cast<size_t>(sent) < length) {
    keep(slot, index, bytes + sent, length - static_cast<size_t>(sent));
    // A short write may have met "would block" or not: only another try can tell.
    if (sent > 0) {
      slot.set(kMayFlush);
      enqueue(slot, index);
      wake();
    }
  }
}

// Sends what the turn gathered for one socket; the rest goes to the backlog.
void Reactor::send_segments(Slot& slot, uint32_t index) {
  uint32_t next = slot.first_segment;
  if (next == kNoSegment) return;
  slot.first_segment = slot.last_segment = kNoSegment;
  while (next != kNoSegment && !slot.has(kWriteFailed)) {
    if (slot.backlog) {
      slot.gathered -= segments_[next].length;
      keep(slot, index, segments_[next].bytes, segments_[next].length);
      next = segments_[next].next;
      continue;
    }
    iovec parts[kMaxParts];
    int count = 0;
    uint32_t after = next;
    for (; after != kNoSegment && count < kMaxParts; after = segments_[after].next) {
      parts[count++] = {const_cast<uint8_t*>(segments_[after].bytes), segments_[after].length};
    }
    ssize_t sent;
    do {
      sent = count == 1 ? kernel_->send(slot.fd, parts[0].iov_base, parts[0].iov_len)
                        : kernel_->send(slot.fd, parts, count);
    } while (sent == -EINTR);
    if (sent < 0 && sent != -EAGAIN) {
      fail_write(slot, index, static_cast<int>(-sent), 0);
      return;
    }
    size_t taken = sent < 0 ? 0 : static_cast<size_t>(sent);
    for (int i = 0; i < count; ++i) {
      const size_t skip = std::min(taken, parts[i].iov_len);
      taken -= skip;
      slot.gathered -= parts[i].iov_len;
      if (skip < parts[i].iov_len) {
        keep(slot, index, static_cast<uint8_t*>(parts[i].iov_base) + skip, parts[i].iov_len - skip);
      }
    }
    if (slot.backlog && sent > 0) {
      slot.set(kMayFlush);
      enqueue(slot, index);
      wake();
    }
    next = after;
  }
}

// Adds to the backlog, and has the poller tell when it can be sent.
void Reactor::keep(Slot& slot, uint32_t index, const uint8_t* bytes, size_t length) {
  if (slot.has(kWriteFailed)) return;
  const bool first = !slot.backlog;
  if (first) slot.backlog = std::make_unique<Backlog>();
  if (!slot.backlog->append(bytes, length)) {
    fail_write(slot, index, ENOMEM, length);
    return;
  }
  mark_changed(slot, index);
  if (!first) return;
  const int watched = watch(slot, index);
  if (watched < 0) {
    fail_write(slot, index, -watched, 0);
  } else {
    poller_->modify(slot.fd, id_of(slot, index), kWritable);
  }
}

// `refused` bytes, beside those that were waiting, will never be sent.
void Reactor::fail_write(Slot& slot, uint32_t index, int error, size_t refused) {
  slot.lost = slot.pending() + refused;
  slot.set(kWriteFailed);
  slot.clear(kMayFlush);
  slot.error = error;
  slot.backlog.reset();
  slot.gathered = 0;
  slot.first_segment = slot.last_segment = kNoSegment;
  mark_changed(slot, index);
}

void Reactor::mark_changed(Slot& slot, uint32_t index) {
  if (slot.has(kChanged)) return;
  slot.set(kChanged);
  changed_.push_back(index);
}

uint32_t Reactor::flush() {
  gathering_ = false;
  ++turn_;
  event_count_ = 0;
  for (const uint32_t index : dirty_) {
    Slot& slot = slots_.at(index);
    if (slot.state == State::free || !slot.has(kDirty)) continue;
    slot.clear(kDirty);
    if (slot.messages != nullptr) {
      if (!slot.has(kBlocked)) flush_messages(slot, index);
      continue;
    }
    send_segments(slot, index);
    finish_shutdown(slot);
  }
  dirty_.clear();
  segments_.clear();
  arena_used_ = 0;
  slab_used_ = 0;
  tell_failures(0);
  size_t told = 0;
  for (; told < changed_.size() && event_count_ < kEventCapacity; ++told) {
    const uint32_t index = changed_[told];
    Slot& slot = slots_.at(index);
    if (slot.state == State::free || !slot.has(kChanged)) continue;
    slot.clear(kChanged);
    if (slot.messages != nullptr) {
      tell_queue(slot, index);
    } else if (slot.has(kWriteFailed)) {
      emit(EventKind::write_failed, index, slot.error, saturated(slot.lost));
    } else {
      emit(EventKind::written, index, saturated(slot.pending()));
    }
  }
  changed_.erase(changed_.begin(), changed_.begin() + static_cast<std::ptrdiff_t>(told));
  return event_count_;
}

// The poller says that a blocked socket is writable.
void Reactor::step_flush(Slot& slot, uint32_t index) {
  slot.clear(kMayFlush);
  if (!slot.backlog) return;
  iovec parts[kMaxParts];
  const int count = slot.backlog->front(parts, kMaxParts);
  ssize_t sent;
  do {
    sent = kernel_->send(slot.fd, parts, count);
  } while (sent == -EINTR);
  if (sent == -EAGAIN) {
    poller_->modify(slot.fd, id_of(slot, index), kWritable);
    return;
  }
  if (sent < 0) {
    tell_write_failed(slot, index, static_cast<int>(-sent));
    return;
  }
  slot.backlog->consume(static_cast<size_t>(sent));
  if (slot.backlog->empty()) {
    slot.backlog.reset();
    finish_shutdown(slot);
    if (slot.has(kClosing)) {
      const int error = finish_close(slot, index);
      emit(EventKind::closed, index, error);
      return;
    }
  } else {
    slot.set(kMayFlush);
    enqueue(slot, index);
  }
  emit(EventKind::written, index, saturated(slot.pending()));
}

// A reset behind the peer's FIN. Nobody reads any more, so only this tells that writing is over
// too.
void Reactor::step_fault(Slot& slot, uint32_t index) {
  slot.clear(kFault);
  if (slot.has(kWriteFailed)) return;
  int error = 0;
  socklen_t length = sizeof(error);
  const int result = kernel_->get_option(slot.fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (result < 0 || error == 0) error = ECONNRESET;
  tell_write_failed(slot, index, error);
}

// In a step: the owner hears of it in this batch, and of the end of a close that was under way.
void Reactor::tell_write_failed(Slot& slot, uint32_t index, int error) {
  const bool closing = slot.has(kClosing);
  fail_write(slot, index, error, 0);
  const int64_t lost = saturated(slot.lost);
  slot.clear(kChanged);
  if (closing) finish_close(slot, index);
  emit(closing ? EventKind::closed : EventKind::write_failed, index, error, lost);
}

int64_t Reactor::pending(Id id) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  return static_cast<int64_t>(slot->messages ? slot->messages->out.amount() : slot->pending());
}

int Reactor::shut_write(Id id) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->state != State::connected) return -ENOTCONN;
  slot->set(kShutdownWanted);
  finish_shutdown(*slot);
  return 0;
}

void Reactor::finish_shutdown(Slot& slot) {
  if (!slot.has(kShutdownWanted) || slot.has(kShutdownDone | kWriteFailed) || slot.pending() > 0) {
    return;
  }
  slot.set(kShutdownDone);
  // Fails only where the connection is gone, and then reading tells.
  kernel_->shutdown(slot.fd, SHUT_WR);
}

int Reactor::close(Id id) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  const uint32_t index = slot_of(id);
  slot->clear(kActive);
  if (slot->state == State::messaging) return close_messages(*slot, index);
  if (slot->state == State::connected && !slot->has(kWriteFailed)) {
    send_segments(*slot, index);
    if (slot->pending() > 0) {
      slot->set(slot->has(kLent) ? kClosing : kClosing | kShutdownWanted);
      return 1;
    }
  }
  const int error = finish_close(*slot, index);
  return error != 0 ? -error : 0;
}

// Closes a socket whose bytes are all with the kernel. Returns the error that kept some from it, or
// 0.
int Reactor::finish_close(Slot& slot, uint32_t index) {
  const int error = slot.has(kWriteFailed) ? slot.error : 0;
  if (slot.state == State::connected && !slot.has(kReadEnded | kLent)) discard_input(slot);
  drop(slot, index);
  return error;
}

// close(2) with unread input resets a TCP connection, and with it bytes that the peer has not read
// yet (RFC 2525, 2.17). So the FIN goes first and the input is read away.
void Reactor::discard_input(Slot& slot) {
  uint8_t sink[32 * 1024];
  ssize_t total = 0;
  while (total < kMaxDiscard) {
    const ssize_t got = kernel_->recv(slot.fd, sink, sizeof(sink), MSG_TRUNC);
    if (got == -EINTR) continue;
    if (got <= 0) return;
    if (total == 0 && !slot.has(kShutdownDone)) kernel_->shutdown(slot.fd, SHUT_WR);
    total += got;
  }
}

}  // namespace sk
