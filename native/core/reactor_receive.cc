// How messages are received: many with one call, then copied close together, each behind a record
// of what is known of it.
#include <netinet/in.h>
#include <netinet/udp.h>

#include <ctime>
// Needs timespec.
#include <linux/errqueue.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/datagram_record.h"
#include "core/reactor.h"

namespace sk {

namespace {

// Reports of the network that one step reads.
constexpr int kMaxReports = 16;
// Failures of receiving that are somebody else's and are passed over in one step.
constexpr int kMaxPassed = 64;

// What a datagram that was sent earlier has met is left on the socket, and the next call finds it.
bool is_report(int error) {
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
    case EPERM:
    case EINTR:
      return true;
    default:
      return false;
  }
}

// What the network says of one datagram. False if the entry is something else.
bool read_report(const msghdr& message, int* error) {
  auto* header = const_cast<msghdr*>(&message);
  for (cmsghdr* entry = CMSG_FIRSTHDR(header); entry != nullptr;
       entry = CMSG_NXTHDR(header, entry)) {
    const bool is_error = (entry->cmsg_level == IPPROTO_IP && entry->cmsg_type == IP_RECVERR) ||
                          (entry->cmsg_level == IPPROTO_IPV6 && entry->cmsg_type == IPV6_RECVERR);
    if (!is_error || entry->cmsg_len < CMSG_LEN(sizeof(sock_extended_err))) continue;
    sock_extended_err report;
    memcpy(&report, CMSG_DATA(entry), sizeof(report));
    *error = static_cast<int>(report.ee_errno);
    // Errors of this machine's own have been told by the call that met them.
    return report.ee_origin == SO_EE_ORIGIN_ICMP || report.ee_origin == SO_EE_ORIGIN_ICMP6;
  }
  return false;
}

}  // namespace

int Reactor::start_receiving(Id id, uint32_t size, bool owned, uint32_t meta) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->state != State::messaging) return -ENOTCONN;
  if (slot->has(kReadEnded)) return 0;
  if (intake_ == nullptr) intake_ = Intake::create();
  if (intake_ == nullptr) return -ENOMEM;
  const int asked = ask_for_meta(*slot, meta);
  if (asked < 0) return asked;
  const uint32_t index = slot_of(id);
  slot->read_size = std::min(std::max(size, 1u), kMaxMessage);
  slot->set(kActive);
  owned ? slot->set(kOwned) : slot->clear(kOwned);
  const int watched = watch(*slot, index);
  if (watched == 0 && slot->has(kMayRead)) {
    enqueue(*slot, index);
    wake();
  }
  return watched;
}

// What one message may take of the slab.
size_t Reactor::worst_message(const Slot& slot) {
  const size_t most =
      slot.has(kUdp) ? Intake::kData : std::min<size_t>(slot.read_size, kMaxMessage);
  const size_t records =
      slot.has(kTrains) ? Intake::kMaxSegments * (sizeof(DatagramRecord) + 8) : kRecordRoom;
  return most + records;
}

void Reactor::step_receive(Slot& slot, uint32_t index) {
  if (slot.has(kIcmp) && slot.has(kFault)) {
    slot.clear(kFault);
    if (read_reports(slot, index)) return;
  }
  const size_t room = (slab_size_ - slab_used_) / worst_message(slot);
  const auto limit = static_cast<unsigned>(std::min<size_t>(Intake::kCount, room));
  if (limit == 0) {
    enqueue(slot, index);
    return;
  }
  int got = 0;
  for (int passed = 0; passed < kMaxPassed; ++passed) {
    got = kernel_->receive_messages(slot.fd, intake_->prepare(limit), limit);
    if (got >= 0 || !pass_over(slot, -got)) break;
  }
  if (got > 0) {
    take_messages(slot, index, static_cast<unsigned>(got), limit);
  } else if (got == -EAGAIN) {
    drained(slot, index);
  } else if (pass_over(slot, -got)) {
    enqueue(slot, index);
  } else {
    slot.clear(kActive);
    emit(EventKind::receive_failed, index, -got);
  }
}

// Whether a failure leaves what waits behind it to be read.
bool Reactor::pass_over(Slot& slot, int error) {
  if (error == ECONNRESET && slot.has(kSequenced)) {
    // It stands before the packets that came earlier: they come first, and then the end.
    slot.error = error;
    return true;
  }
  if (slot.has(kUdp) && is_report(error)) {
    slot.set(kFault);
    return true;
  }
  return error == EINTR;
}

void Reactor::drained(Slot& slot, uint32_t index) {
  if (slot.has(kIcmp) && slot.has(kFault)) {
    // A report that was met on the way.
    enqueue(slot, index);
    return;
  }
  slot.clear(kMayRead | kHungUp | kFault);
  poller_->modify(slot.fd, id_of(slot, index), kReadable);
}

void Reactor::take_messages(Slot& slot, uint32_t index, unsigned got, unsigned limit) {
  const size_t begin = slab_used_;
  uint32_t count = 0;
  bool has_ended = false;
  for (unsigned i = 0; i < got && !has_ended; ++i) {
    const mmsghdr& header = intake_->header(i);
    has_ended = slot.has(kSequenced) && header.msg_len == 0 && header.msg_hdr.msg_controllen == 0;
    if (!has_ended) count += store_message(slot, i);
  }
  if (count > 0) {
    message_count_ += count;
    emit(slot.has(kOwned) ? EventKind::datagram_owned : EventKind::datagram_view, index,
         static_cast<int64_t>(begin), count);
  } else if (has_ended) {
    slot.clear(kMayRead | kActive);
    slot.set(kReadEnded);
    emit(slot.error == 0 ? EventKind::end : EventKind::read_failed, index, slot.error);
    return;
  }
  if (count > got) slot.set(kTrains);
  if (got == limit && slot.has(kUdp) && !slot.has(kTrains)) {
    // It is busy. From now on what the device, or a sender on this machine, has put together comes
    // as one, where the system can do that. Not before: the kernel counts a train that it drops as
    // one message.
    slot.set(kTrains);
    set_flag(slot, SOL_UDP, UDP_GRO, 1);
  }
  // As in step_read: nothing may be left without another edge to tell of it.
  if (got == limit || has_ended || slot.has(kHungUp | kFault) || kernel_->reads_short()) {
    enqueue(slot, index);
    return;
  }
  drained(slot, index);
}

// Copies one message, or those of a train, into the slab. Returns how many.
uint32_t Reactor::store_message(Slot& slot, unsigned at) {
  const mmsghdr& header = intake_->header(at);
  const MessageMeta meta = intake_->read_meta(at, (slot.messages->meta & kMetaTimestamp) != 0);
  const size_t length = header.msg_len;
  const auto segment = static_cast<size_t>(meta.segment_size);
  if (segment == 0 || segment >= length) {
    store_record(slot, header.msg_hdr, meta, intake_->data(at), length);
    return 1;
  }
  // Without having asked for trains there is room for one message: somebody else who has the
  // descriptor has asked, and what finds no room is lost this once.
  const size_t end = slot.has(kTrains) ? slab_size_ : slab_used_ + worst_message(slot);
  uint32_t count = 0;
  for (size_t begin = 0; begin < length && count < Intake::kMaxSegments; begin += segment) {
    const size_t part = std::min(segment, length - begin);
    if (slab_used_ + kRecordRoom + part > end) break;
    store_record(slot, header.msg_hdr, meta, intake_->data(at) + begin, part);
    ++count;
  }
  return count;
}

void Reactor::store_record(const Slot& slot, const msghdr& header, const MessageMeta& meta,
                           const uint8_t* data, size_t length) {
  uint8_t* at = slab_ + slab_used_;
  auto* record = reinterpret_cast<DatagramRecord*>(at);
  const size_t size = std::min<size_t>({length, slot.read_size, Intake::kData});
  record->size = static_cast<int32_t>(size);
  record->length = static_cast<int32_t>(length);
  record->flags = meta.flags | (size < length ? kTruncated : 0);
  record->buffer = -1;
  record->error = 0;
  if (meta.flags != 0) {
    memcpy(record->local, meta.local, sizeof(record->local));
    record->local_size = meta.local_size;
    record->interface_index = meta.interface_index;
    record->ttl = meta.ttl;
    record->traffic_class = meta.traffic_class;
    record->timestamp = meta.timestamp;
  }
  uint8_t* behind = write_peer(header.msg_name, header.msg_namelen, at);
  memcpy(behind, data, size);
  slab_used_ = static_cast<size_t>(behind - slab_) + padded_to_8(size);
}

// Tells what the network reports of datagrams that were sent. True if there may be more.
bool Reactor::read_reports(Slot& slot, uint32_t index) {
  for (int i = 0; i < kMaxReports && slab_used_ + kRecordRoom <= slab_size_; ++i) {
    Sockaddr to;
    uint8_t byte;
    iovec part = {&byte, sizeof(byte)};
    alignas(8) uint8_t control[512];
    msghdr message = {};
    message.msg_name = &to.storage;
    message.msg_namelen = to.length;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const ssize_t got = kernel_->receive_error(slot.fd, &message);
    if (got == -EINTR) continue;
    if (got < 0) return false;
    int error = 0;
    if (!read_report(message, &error)) continue;
    const size_t begin = slab_used_;
    store_failure(message.msg_name, message.msg_namelen, 0, error);
    emit(EventKind::reported, index, static_cast<int64_t>(begin), error);
  }
  slot.set(kFault);
  enqueue(slot, index);
  return true;
}

// Writes a record of what failed: to whom, how long it was, and why.
void Reactor::store_failure(const void* name, socklen_t length, size_t size, int error) {
  uint8_t* at = slab_ + slab_used_;
  auto* record = reinterpret_cast<DatagramRecord*>(at);
  *record = {};
  record->length = static_cast<int32_t>(size);
  record->error = error;
  slab_used_ = static_cast<size_t>(write_peer(name, length, at) - slab_);
}

}  // namespace sk
