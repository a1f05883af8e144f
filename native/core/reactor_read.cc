// What a ready socket does on the receiving side: connect, accept, read.
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/reactor.h"

namespace sk {

namespace {

// Errors of the connection that was to be accepted, not of the listener: accept(2) says to go on.
bool concerns_connection(int error) {
  switch (error) {
    case ECONNABORTED:
    case EINTR:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

void remember_peer(const Sockaddr& from, Peer* peer) {
  Address address;
  if (decode(from, &address) < 0 || address.family == Family::unix_path) return;
  peer->family = address.family;
  peer->port = address.port;
  peer->scope = address.scope;
  memcpy(peer->bytes, address.bytes, sizeof(peer->bytes));
}

}  // namespace

int Reactor::start_reading(Id id, uint32_t size, bool owned) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->state != State::connected) return -ENOTCONN;
  if (slot->has(kReadEnded)) return 0;
  const uint32_t index = slot_of(id);
  slot->read_size = std::min(std::max(size, 1u), kMaxRead);
  slot->set(kActive);
  owned ? slot->set(kOwned) : slot->clear(kOwned);
  const int watched = watch(*slot, index);
  if (watched == 0 && slot->has(kMayRead)) {
    enqueue(*slot, index);
    wake();
  }
  return watched;
}

int Reactor::start_accepting(Id id) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->state != State::listening) return -EINVAL;
  const uint32_t index = slot_of(id);
  slot->set(kActive);
  const int watched = watch(*slot, index);
  if (watched == 0 && slot->has(kMayRead)) {
    enqueue(*slot, index);
    wake();
  }
  return watched;
}

void Reactor::step_connect(Slot& slot, uint32_t index) {
  int error = 0;
  socklen_t length = sizeof(error);
  const int result = kernel_->get_option(slot.fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (result < 0) error = -result;
  if (error == 0) {
    // A poller may report a descriptor before the attempt has ended: then there is no peer yet.
    Sockaddr peer;
    if (kernel_->remote_address(slot.fd, &peer) == -ENOTCONN) {
      if (!slot.has(kHungUp)) {
        poller_->modify(slot.fd, id_of(slot, index), kReadable | kWritable);
        return;
      }
      // It has failed, and somebody else has taken the reason from SO_ERROR.
      error = ENOTCONN;
    }
  }
  slot.state = error == 0 ? State::connected : State::opened;
  emit(EventKind::connected, index, error);
}

void Reactor::step_accept(Slot& slot, uint32_t index) {
  for (uint32_t i = 0; i < kAcceptBatch; ++i) {
    Sockaddr from;
    const int fd = kernel_->accept(slot.fd, &from);
    if (fd == -EAGAIN) {
      slot.clear(kMayRead);
      poller_->modify(slot.fd, id_of(slot, index), kReadable);
      return;
    }
    if (fd < 0) {
      if (concerns_connection(-fd)) continue;
      slot.clear(kActive);
      emit(EventKind::accept_failed, index, -fd);
      return;
    }
    uint32_t accepted;
    Slot* fresh = adopt(fd, State::connected, &accepted);
    if (fresh == nullptr) {
      kernel_->close(fd);
      slot.clear(kActive);
      emit(EventKind::accept_failed, index, EMFILE);
      return;
    }
    fresh->set(slot.flags & kUnix);
    remember_peer(from, &fresh->peer);
    emit(EventKind::accepted, index, accepted, static_cast<int32_t>(fresh->generation));
    if (fresh->peer.family == Family::ipv4) {
      uint32_t bits;
      memcpy(&bits, fresh->peer.bytes, sizeof(bits));
      emit(EventKind::peer, accepted, static_cast<int32_t>(ntohl(bits)), fresh->peer.port);
    }
  }
  enqueue(slot, index);
}

void Reactor::step_read(Slot& slot, uint32_t index) {
  bool is_cut = false;
  ssize_t got = slot.has(kBulk) ? read_block(slot, index) : 0;
  if (!slot.has(kBulk)) got = read_slab(slot, index, &is_cut);
  if (got > 0) {
    const bool is_bulk = static_cast<uint32_t>(got) >= kMinBlock && blocks_ != nullptr &&
                         slot.has(kOwned) && !slot.has(kUnix);
    is_bulk ? slot.set(kBulk) : slot.clear(kBulk);
    // With an edge trigger a short read means drained (epoll(7)), but not when a hangup has been
    // seen, whose FIN or error is still to be read, and not where reads end for another reason. No
    // further edge would tell of what is left.
    if (static_cast<uint32_t>(got) == slot.read_size || slot.has(kHungUp | kMarked) || is_cut ||
        kernel_->reads_short()) {
      enqueue(slot, index);
      return;
    }
  } else if (got == 0 || got != -EAGAIN) {
    slot.clear(kMayRead | kActive);
    slot.set(kReadEnded);
    emit(got == 0 ? EventKind::end : EventKind::read_failed, index, got == 0 ? 0 : -got);
    return;
  }
  slot.clear(kMayRead);
  poller_->modify(slot.fd, id_of(slot, index), kReadable);
}

ssize_t Reactor::read_slab(Slot& slot, uint32_t index, bool* is_cut) {
  uint8_t* room = slab_ + slab_used_;
  ssize_t got;
  do {
    got = slot.has(kUnix) ? kernel_->recv_unix(slot.fd, room, slot.read_size, is_cut)
                          : kernel_->recv(slot.fd, room, slot.read_size, 0);
  } while (got == -EINTR);
  if (got > 0) {
    emit(slot.has(kOwned) ? EventKind::data_owned : EventKind::data_view, index,
         static_cast<int64_t>(slab_used_), got);
    // Chunks begin at multiples of 8, so that a view can be read as any number.
    slab_used_ += (static_cast<size_t>(got) + 7) & ~size_t{7};
  }
  return got;
}

// Reads what is known to be waiting into a block of exactly its size. Clears kBulk, having read
// nothing, where that is not to be had. What comes after the question makes the poller tell of it
// anew, so that a read of all there was means drained, as a short one does.
ssize_t Reactor::read_block(Slot& slot, uint32_t index) {
  const int available = slot.has(kOwned) ? kernel_->available(slot.fd) : 0;
  const uint32_t length = std::min(static_cast<uint32_t>(std::max(available, 0)), slot.read_size);
  uint8_t* room = length < kMinBlock ? nullptr : blocks_->give(length);
  if (room == nullptr) {
    slot.clear(kBulk);
    return 0;
  }
  ssize_t got;
  do {
    got = kernel_->recv(slot.fd, room, length, 0);
  } while (got == -EINTR);
  if (got == static_cast<ssize_t>(length)) {
    emit(EventKind::data_direct, index, 0, got);
    return got;
  }
  // A read that ends before that is a rare one: at a byte that is urgent.
  if (got > 0) {
    memcpy(slab_ + slab_used_, room, static_cast<size_t>(got));
    emit(EventKind::data_owned, index, static_cast<int64_t>(slab_used_), got);
    slab_used_ += (static_cast<size_t>(got) + 7) & ~size_t{7};
  }
  blocks_->take_back();
  return got;
}

}  // namespace sk
