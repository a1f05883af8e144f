// How messages are sent. Those of one turn are gathered in the socket's outbox and handed to the
// kernel together; a lone one outside a turn is sent at once; what the kernel does not take stays
// in the outbox until it is writable. Each message succeeds or fails by itself.
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/datagram_record.h"
#include "core/reactor.h"

namespace sk {

namespace {

// What a turn gathers before it is sent within the turn, in messages and as they count: more would
// only grow memory.
constexpr uint32_t kMaxGatheredMessages = 64;
constexpr size_t kMaxGatheredAmount = 64 * 1024;
// Calls of sendmmsg(2) for one socket in one step.
constexpr unsigned kStepCalls = 4;
// Failures that one step may tell.
constexpr size_t kStepFailures = 44;

int32_t saturated(size_t count) { return static_cast<int32_t>(std::min<size_t>(count, INT32_MAX)); }

// What an earlier datagram has met is left on the socket, and the next call finds it in place of
// its own result (udp(7)).
bool may_be_of_another(int error) {
  switch (error) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENONET:
    case ENOPROTOOPT:
    case EPROTO:
    case EOPNOTSUPP:
    case EMSGSIZE:
    case EACCES:
      return true;
    default:
      return false;
  }
}

// ::ffff:a.b.c.d, as an IPv6 socket wants an IPv4 address.
void map_address(const Sockaddr& from, Sockaddr* to) {
  sockaddr_in in;
  memcpy(&in, &from.storage, sizeof(in));
  sockaddr_in6 in6 = {};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = in.sin_port;
  in6.sin6_addr.s6_addr[10] = in6.sin6_addr.s6_addr[11] = 0xff;
  memcpy(&in6.sin6_addr.s6_addr[12], &in.sin_addr, sizeof(in.sin_addr));
  memcpy(&to->storage, &in6, sizeof(in6));
  to->length = sizeof(in6);
}

bool is_mapped(const Sockaddr& to) {
  sockaddr_in6 in6;
  memcpy(&in6, &to.storage, sizeof(in6));
  return in6.sin6_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
}

template <typename T>
void add_control(OutMessage* message, int level, int type, const T& value) {
  auto* entry = reinterpret_cast<cmsghdr*>(message->control + message->control_length);
  memset(entry, 0, CMSG_SPACE(sizeof(T)));
  entry->cmsg_level = level;
  entry->cmsg_type = type;
  entry->cmsg_len = CMSG_LEN(sizeof(T));
  memcpy(CMSG_DATA(entry), &value, sizeof(T));
  message->control_length += CMSG_SPACE(sizeof(T));
}

void choose_ipv4(const SendChoice& choice, OutMessage* message) {
  if ((choice.mask & (SendChoice::kFrom | SendChoice::kInterface)) != 0) {
    in_pktinfo info = {};
    info.ipi_ifindex = choice.interface_index;
    memcpy(&info.ipi_spec_dst, choice.from.bytes, sizeof(info.ipi_spec_dst));
    add_control(message, IPPROTO_IP, IP_PKTINFO, info);
  }
  if ((choice.mask & SendChoice::kTtl) != 0) add_control(message, IPPROTO_IP, IP_TTL, choice.ttl);
  if ((choice.mask & SendChoice::kTrafficClass) != 0) {
    add_control(message, IPPROTO_IP, IP_TOS, choice.traffic_class);
  }
}

void choose_ipv6(const SendChoice& choice, OutMessage* message) {
  if ((choice.mask & (SendChoice::kFrom | SendChoice::kInterface)) != 0) {
    in6_pktinfo info = {};
    info.ipi6_ifindex = static_cast<unsigned>(choice.interface_index);
    memcpy(&info.ipi6_addr, choice.from.bytes, sizeof(info.ipi6_addr));
    add_control(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  if ((choice.mask & SendChoice::kTtl) != 0) {
    add_control(message, IPPROTO_IPV6, IPV6_HOPLIMIT, choice.ttl);
  }
  if ((choice.mask & SendChoice::kTrafficClass) != 0) {
    add_control(message, IPPROTO_IPV6, IPV6_TCLASS, choice.traffic_class);
  }
}

// The address to send from, of the family in which the message goes. False if it cannot be.
bool fit_source(bool goes_over_ipv4, SendChoice* choice) {
  if ((choice->mask & SendChoice::kFrom) == 0) return true;
  Address& from = choice->from;
  constexpr uint8_t kMapping[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (goes_over_ipv4 && from.family == Family::ipv6 && memcmp(from.bytes, kMapping, 12) == 0) {
    memmove(from.bytes, from.bytes + 12, 4);
    from.family = Family::ipv4;
  }
  return from.family == (goes_over_ipv4 ? Family::ipv4 : Family::ipv6);
}

}  // namespace

// Makes the message fit the socket: 0, or a negative errno that is the message's own.
int Reactor::fit_message(const Slot& slot, SendChoice* choice, OutMessage* message) {
  if (slot.has(kIpv6) && message->to.length > 0 && message->to.storage.ss_family == AF_INET) {
    const Sockaddr given = message->to;
    map_address(given, &message->to);
  }
  if (choice == nullptr || choice->mask == 0) return 0;
  if (!slot.has(kUdp)) return -EOPNOTSUPP;
  const bool goes_over_ipv4 = slot.has(kIpv4 | kMapped) || is_mapped(message->to);
  if (!fit_source(goes_over_ipv4, choice)) return -EINVAL;
  goes_over_ipv4 ? choose_ipv4(*choice, message) : choose_ipv6(*choice, message);
  return 0;
}

int64_t Reactor::send_message(Id id, OutMessage* message, SendChoice* choice) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->state != State::messaging) return -ENOTCONN;
  if (slot->has(kClosing)) return -EPIPE;
  const uint32_t index = slot_of(id);
  Outbox& out = slot->messages->out;
  const int fits = fit_message(*slot, choice, message);
  if (fits < 0) return fits;
  const bool is_lone = !gathering_ && slot->sent_turn != turn_ && out.count() == 0;
  if (is_lone) slot->sent_turn = turn_;
  // A Unix socket whose peer has gone tells that once, and then only that it has none: there the
  // first answer must be the one that is told.
  const bool is_repeatable = slot->has(kUdp) && message->control_length == 0;
  if (is_lone && is_repeatable && send_lone(*slot, *message)) return 0;
  if (!out.append(*message)) return -ENOMEM;
  if (slot->has(kBlocked)) {
    mark_changed(*slot, index);
  } else if (is_lone || out.count() >= kMaxGatheredMessages || out.amount() >= kMaxGatheredAmount) {
    flush_messages(*slot, index);
  } else if (!slot->has(kDirty)) {
    slot->set(kDirty);
    dirty_.push_back(index);
  }
  return static_cast<int64_t>(out.amount());
}

// Sends without a detour through the outbox. False if it is to take that way.
bool Reactor::send_lone(Slot& slot, const OutMessage& message) {
  const ssize_t sent = kernel_->send_to(slot.fd, message.bytes, message.length, message.to);
  // Whatever went wrong, trying again from the outbox tells whose failure it is.
  if (sent < 0) return false;
  slot.messages->out.pass();
  return true;
}

// Hands what waits to the kernel, with at most so many calls.
void Reactor::send_queue(Slot& slot, uint32_t index, unsigned calls) {
  Outbox& out = slot.messages->out;
  bool has_tried = false;
  const size_t failed = failures_.size();
  while (out.count() > 0 && calls-- > 0 && failures_.size() - failed < kStepFailures) {
    if (out_batch_ == nullptr) out_batch_ = std::make_unique<OutBatch>();
    const unsigned headers = out.prepare(out_batch_.get());
    const int sent = kernel_->send_messages(slot.fd, out_batch_->headers, headers);
    if (sent > 0) {
      out.drop(*out_batch_, static_cast<unsigned>(sent));
      has_tried = false;
    } else if (sent == -EAGAIN) {
      block(slot, index);
      return;
    } else if (sent != -EINTR) {
      has_tried = fail_first(slot, index, -sent, has_tried);
    }
  }
}

// Sends all that waits, unless the kernel will not have it.
void Reactor::flush_messages(Slot& slot, uint32_t index) {
  while (slot.messages->out.count() > 0 && !slot.has(kBlocked)) send_queue(slot, index, ~0u);
}

// The first message, or the first train, was refused. Returns whether it is to be tried again.
bool Reactor::fail_first(Slot& slot, uint32_t index, int error, bool has_tried) {
  Outbox& out = slot.messages->out;
  if (slot.has(kUdp) && may_be_of_another(error) && !has_tried) return true;
  if (out_batch_->runs[0] > 1) {
    out.split_first(*out_batch_, error);
    return false;
  }
  // The peer has gone with packets unread. Receiving would tell, but this has taken it from there.
  if (slot.has(kSequenced) && error == ECONNRESET) slot.error = error;
  Sockaddr to;
  const size_t length = out.first_message(&to);
  fail_message(index, error, out.first(), to, length);
  out.drop_first();
  return false;
}

void Reactor::fail_message(uint32_t index, int error, uint32_t number, const Sockaddr& to,
                           size_t length) {
  failures_.push_back({index, error, number, length, to});
}

// Tells failures from `first` on, while there is room. Returns how many.
size_t Reactor::tell_failures(size_t first) {
  size_t told = first;
  for (; told < failures_.size(); ++told) {
    if (event_count_ == kEventCapacity || slab_used_ + kRecordRoom > slab_size_) break;
    const Failure& failure = failures_[told];
    const size_t begin = slab_used_;
    store_failure(&failure.to.storage, failure.to.length, failure.length, failure.error);
    emit(EventKind::send_failed, failure.slot, static_cast<int64_t>(begin),
         static_cast<int32_t>(failure.number));
  }
  const auto from = failures_.begin() + static_cast<std::ptrdiff_t>(first);
  failures_.erase(from, from + static_cast<std::ptrdiff_t>(told - first));
  return told - first;
}

// The kernel takes no more for now.
void Reactor::block(Slot& slot, uint32_t index) {
  slot.set(kBlocked);
  mark_changed(slot, index);
  Sockaddr to;
  slot.messages->out.first_message(&to);
  // A Unix socket that is not connected is always writable, whoever's queue is full.
  const bool is_told = !slot.has(kUnix) || slot.has(kSequenced) || to.length == 0;
  if (is_told && watch(slot, index) == 0) {
    poller_->modify(slot.fd, id_of(slot, index), kWritable);
  } else {
    slot.set(kStuck);
  }
}

int Reactor::retry_sending(Id id) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (!slot->has(kBlocked)) return 0;
  slot->set(kMayFlush);
  enqueue(*slot, slot_of(id));
  wake();
  return 0;
}

void Reactor::tell_queue(Slot& slot, uint32_t index) {
  slot.clear(kChanged);
  const Outbox& out = slot.messages->out;
  emit(slot.has(kStuck) ? EventKind::stuck : EventKind::queued, index, saturated(out.size()),
       saturated(out.count()));
}

// The poller says that a blocked socket is writable, or its owner that it may be.
void Reactor::step_send(Slot& slot, uint32_t index) {
  slot.clear(kMayFlush | kBlocked | kStuck);
  const size_t first = failures_.size();
  send_queue(slot, index, kStepCalls);
  tell_failures(first);
  if (slot.messages->out.count() == 0 && slot.has(kClosing)) {
    finish_messages(slot, index);
    emit(EventKind::closed, index);
    return;
  }
  if (slot.messages->out.count() > 0 && !slot.has(kBlocked)) {
    slot.set(kMayFlush);
    enqueue(slot, index);
  }
  tell_queue(slot, index);
}

// 0 if it is closed, 1 if it will be when all is sent.
int Reactor::close_messages(Slot& slot, uint32_t index) {
  if (!slot.has(kBlocked)) flush_messages(slot, index);
  if (slot.messages->out.count() > 0) {
    slot.set(kClosing);
    return 1;
  }
  finish_messages(slot, index);
  return 0;
}

void Reactor::finish_messages(Slot& slot, uint32_t index) {
  if (slot.has(kSequenced) && !slot.has(kReadEnded | kLent)) discard_input(slot);
  drop(slot, index);
}

}  // namespace sk
