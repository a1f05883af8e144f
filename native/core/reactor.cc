// The reactor's table of sockets and its turn; reading is in reactor_read.cc, writing in
// reactor_write.cc.
#include "core/reactor.h"

#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "core/interfaces.h"

namespace sk {

namespace {
constexpr int kPollBatch = 256;
constexpr size_t kArenaSize = 256 * 1024;

// The number of the interface that has an IPv4 address. 0, or a negative errno.
int interface_of(int address, int* index) {
  std::vector<Interface> all;
  const int result = list_interfaces(&all);
  if (result < 0) return result;
  IpBytes bytes(sizeof(address));
  memcpy(bytes.data(), &address, sizeof(address));
  for (const Interface& each : all) {
    for (const InterfaceAddress& own : each.addresses) {
      if (own.bytes != bytes) continue;
      *index = static_cast<int>(each.index);
      return 0;
    }
  }
  return -EADDRNOTAVAIL;
}

}  // namespace

Reactor::Reactor(std::unique_ptr<Poller> poller, std::unique_ptr<Kernel> kernel, uint8_t* slab,
                 size_t slab_size, Event* events)
    : poller_(std::move(poller)),
      kernel_(std::move(kernel)),
      slab_(slab),
      slab_size_(slab_size),
      events_(events),
      arena_(kArenaSize) {}

Reactor::~Reactor() {
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    Slot& slot = slots_.at(index);
    if (slot.state == State::free || slot.state == State::handed) continue;
    poller_->remove(slot.fd);
    kernel_->close(slot.fd);
  }
}

void Reactor::emit(EventKind kind, uint32_t slot, int64_t a, int64_t b) {
  events_[event_count_++] = {static_cast<int32_t>(kind), static_cast<int32_t>(slot),
                             static_cast<int32_t>(a), static_cast<int32_t>(b)};
}

// --- the turn ---------------------------------------------------------------------------------

uint32_t Reactor::collect() {
  slots_.recycle();
  event_count_ = 0;
  slab_used_ = 0;
  message_count_ = 0;
  PollEvent polled[kPollBatch];
  const int count = poller_->wait(polled, kPollBatch);
  for (int i = 0; i < count; ++i) note_readiness(polled[i]);
  // Each socket that was ready at the start gets one step; what it still has waits for the next
  // batch.
  const size_t end = ready_.size();
  while (ready_head_ < end && room_for_step()) {
    const uint32_t index = ready_[ready_head_++];
    Slot& slot = slots_.at(index);
    if (slot.state == State::free || !slot.has(kQueued)) continue;
    slot.clear(kQueued);
    step(slot, index);
  }
  if (ready_head_ == ready_.size()) {
    ready_.clear();
    ready_head_ = 0;
  } else if (ready_head_ > kEventCapacity) {
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(ready_head_));
    ready_head_ = 0;
  }
  return event_count_;
}

void Reactor::note_readiness(const PollEvent& event) {
  Slot* slot = slots_.find(event.token);
  if (slot == nullptr) return;
  const uint32_t index = slot_of(event.token);
  if ((event.readiness & (kReadable | kHangup)) != 0) slot->set(kMayRead);
  if ((event.readiness & kHangup) != 0) slot->set(kHungUp);
  if ((event.readiness & kUrgent) != 0) slot->set(kMarked);
  if ((event.readiness & kFailed) != 0) slot->set(kFault);
  if ((event.readiness & (kWritable | kHangup)) != 0 && (slot->backlog || slot->has(kBlocked)))
    slot->set(kMayFlush);
  const bool concerns = slot->state == State::connecting || slot->has(kMayFlush) ||
                        (slot->has(kActive) && slot->has(kMayRead)) ||
                        (slot->has(kFault) && slot->has(kReadEnded));
  if (concerns) enqueue(*slot, index);
}

// A step may emit two events for each of a batch of accepted sockets and one more, which is also
// enough for the failures and reports of a socket of messages.
bool Reactor::room_for_step() const {
  return event_count_ + 2 * kAcceptBatch + 1 <= kEventCapacity && message_count_ < kMessageBatch &&
         slab_used_ + kMaxRead <= slab_size_;
}

void Reactor::step(Slot& slot, uint32_t index) {
  switch (slot.state) {
    case State::connecting:
      step_connect(slot, index);
      return;
    case State::listening:
      if (slot.has(kActive)) step_accept(slot, index);
      return;
    case State::connected:
      if (slot.has(kMayFlush)) step_flush(slot, index);
      if (slot.state == State::connected && slot.has(kActive) && slot.has(kMayRead)) {
        step_read(slot, index);
      }
      if (slot.state == State::connected && slot.has(kFault) && slot.has(kReadEnded)) {
        step_fault(slot, index);
      }
      return;
    case State::messaging:
      if (slot.has(kMayFlush)) step_send(slot, index);
      if (slot.state == State::messaging && slot.has(kActive) && slot.has(kMayRead)) {
        step_receive(slot, index);
      }
      return;
    case State::opened:
    case State::handed:
    case State::free:
      return;
  }
}

void Reactor::enqueue(Slot& slot, uint32_t index) {
  if (slot.has(kQueued)) return;
  slot.set(kQueued);
  ready_.push_back(index);
}

// --- the table --------------------------------------------------------------------------------

Slot* Reactor::adopt(int fd, State state, uint32_t* index) {
  Slot* slot = slots_.allocate(index);
  if (slot == nullptr) return nullptr;
  slot->fd = fd;
  slot->state = state;
  slot->flags = kReferenced;
  ++referenced_;
  return slot;
}

int Reactor::watch(Slot& slot, uint32_t index) {
  if (slot.has(kRegistered)) return 0;
  const int result = poller_->add(slot.fd, id_of(slot, index));
  if (result == 0) slot.set(kRegistered);
  return result;
}

void Reactor::drop(Slot& slot, uint32_t index) {
  if (slot.has(kRegistered)) {
    slot.has(kForeign | kShown) ? poller_->forget(slot.fd) : poller_->remove(slot.fd);
  }
  if (slot.state != State::handed) kernel_->close(slot.fd);
  if (slot.has(kReferenced)) --referenced_;
  slots_.release(index);
}

int64_t Reactor::socket(int family, int type, int protocol) {
  const int fd = kernel_->socket(family, type, protocol);
  if (fd < 0) return fd;
  uint32_t index;
  Slot* slot = adopt(fd, State::opened, &index);
  if (slot == nullptr) {
    kernel_->close(fd);
    return -EMFILE;
  }
  if (family == AF_UNIX) slot->set(kUnix);
  return static_cast<int64_t>(id_of(*slot, index));
}

int Reactor::bind(Id id, const Sockaddr& address) {
  Slot* slot = slots_.find(id);
  return slot == nullptr ? -EBADF : kernel_->bind(slot->fd, address);
}

int Reactor::connect(Id id, const Sockaddr& address) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->state == State::connecting) return -EALREADY;
  if (slot->state != State::opened) return -EISCONN;
  int result = kernel_->connect(slot->fd, address);
  // After EINTR the attempt goes on by itself, as after EINPROGRESS (connect(2)).
  if (result == -EINTR) result = -EINPROGRESS;
  if (result == 0) slot->state = State::connected;
  if (result != -EINPROGRESS) return result;
  slot->state = State::connecting;
  // What an attempt that failed has left.
  slot->clear(kHungUp | kMayRead);
  if (slot->has(kRegistered)) poller_->modify(slot->fd, id, kReadable | kWritable);
  const int watched = watch(*slot, slot_of(id));
  return watched < 0 ? watched : result;
}

int Reactor::listen(Id id, int backlog) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->state != State::opened && slot->state != State::listening) return -EINVAL;
  const int result = kernel_->listen(slot->fd, backlog);
  if (result == 0) slot->state = State::listening;
  return result;
}

int Reactor::stop(Id id) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  slot->clear(kActive);
  return 0;
}

int Reactor::set_option(Id id, int level, int name, int value) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (level == IPPROTO_IP && name == IP_MULTICAST_IF) {
    // As an int it would be an address.
    ip_mreqn request = {};
    request.imr_ifindex = value;
    return kernel_->set_option(slot->fd, level, name, &request, sizeof(request));
  }
  return kernel_->set_option(slot->fd, level, name, &value, sizeof(value));
}

int Reactor::get_option(Id id, int level, int name, int* value) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  socklen_t length = sizeof(*value);
  const int result = kernel_->get_option(slot->fd, level, name, value, &length);
  const bool is_address = level == IPPROTO_IP && name == IP_MULTICAST_IF;
  return result == 0 && is_address && *value != 0 ? interface_of(*value, value) : result;
}

int Reactor::local_address(Id id, Address* out) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  Sockaddr address;
  const int result = kernel_->local_address(slot->fd, &address);
  return result < 0 ? result : decode(address, out);
}

int Reactor::remote_address(Id id, Address* out) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->peer.family != Family::none) {
    *out = Address{};
    out->family = slot->peer.family;
    out->length = out->family == Family::ipv4 ? 4 : 16;
    out->port = slot->peer.port;
    out->scope = slot->peer.scope;
    memcpy(out->bytes, slot->peer.bytes, out->length);
    return 0;
  }
  Sockaddr address;
  const int result = kernel_->remote_address(slot->fd, &address);
  return result < 0 ? result : decode(address, out);
}

int Reactor::reference(Id id, bool on) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->has(kReferenced) == on) return 0;
  slot->flags ^= kReferenced;
  referenced_ += on ? 1 : ~0u;
  return 0;
}

int Reactor::descriptor(Id id) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  slot->set(kShown);
  return slot->fd;
}

int Reactor::abort(Id id) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  const bool is_connection = slot->state == State::connected || slot->state == State::handed;
  if (is_connection && !slot->has(kLent)) {
    // Zero linger makes close(2) drop what is unsent and reset a TCP connection (socket(7)). Other
    // kinds ignore it, and a connection that is gone already refuses it.
    const linger reset = {1, 0};
    kernel_->set_option(slot->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  }
  drop(*slot, slot_of(id));
  return 0;
}

}  // namespace sk
