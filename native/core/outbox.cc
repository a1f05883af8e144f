#include "core/outbox.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace sk {

namespace {

constexpr size_t kFirstCapacity = 4 * 1024;
// What an empty outbox keeps.
constexpr size_t kKept = 256 * 1024;

// Adds the control message that has the kernel cut a train into messages of `size` bytes.
void add_segment_size(msghdr* header, uint8_t* room, size_t size) {
  auto* entry = reinterpret_cast<cmsghdr*>(room + header->msg_controllen);
  const auto segment = static_cast<uint16_t>(size);
  memset(entry, 0, CMSG_SPACE(sizeof(segment)));
  entry->cmsg_level = SOL_UDP;
  entry->cmsg_type = UDP_SEGMENT;
  entry->cmsg_len = CMSG_LEN(sizeof(segment));
  memcpy(CMSG_DATA(entry), &segment, sizeof(segment));
  header->msg_control = room;
  header->msg_controllen += CMSG_SPACE(sizeof(segment));
}

}  // namespace

Outbox::~Outbox() { free(data_); }

bool Outbox::make_room(size_t length) {
  if (end_ + length <= capacity_) return true;
  if (begin_ >= capacity_ / 2 && end_ - begin_ + length <= capacity_) {
    memmove(data_, data_ + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    return true;
  }
  size_t capacity = std::max(capacity_, kFirstCapacity);
  while (capacity < end_ - begin_ + length) capacity *= 2;
  auto* grown = static_cast<uint8_t*>(malloc(capacity));
  if (grown == nullptr) return false;
  if (data_ != nullptr) memcpy(grown, data_ + begin_, end_ - begin_);
  free(data_);
  data_ = grown;
  capacity_ = capacity;
  end_ -= begin_;
  begin_ = 0;
  return true;
}

bool Outbox::append(const OutMessage& message) {
  const Head head = {static_cast<uint32_t>(message.length),
                     static_cast<uint16_t>(message.to.length),
                     static_cast<uint16_t>(message.control_length)};
  if (message.length > UINT32_MAX || !make_room(total(head))) return false;
  memcpy(data_ + end_, &head, sizeof(head));
  memcpy(name(end_), &message.to.storage, head.name_length);
  memcpy(control(end_), message.control, head.control_length);
  if (head.length > 0) memcpy(bytes(end_), message.bytes, head.length);
  end_ += total(head);
  size_ += head.length;
  ++count_;
  return true;
}

bool Outbox::same_envelope(size_t one, size_t other) const {
  const Head* a = head(one);
  const Head* b = head(other);
  return a->name_length == b->name_length && a->control_length == b->control_length &&
         memcmp(name(one), name(other), a->name_length) == 0 &&
         memcmp(control(one), control(other), a->control_length) == 0;
}

unsigned Outbox::prepare(OutBatch* batch) {
  unsigned headers = 0;
  unsigned parts = 0;
  uint32_t left = count_;
  unsigned single = single_;
  size_t at = begin_;
  while (left > 0 && headers < OutBatch::kHeaders && parts < OutBatch::kParts) {
    const size_t start = at;
    const size_t size = head(start)->length;
    const bool may_run = single == 0 && size > 0 && size <= run_limit_;
    if (single > 0) --single;
    unsigned run = 0;
    size_t sum = 0;
    bool goes_on = true;
    // Only the last message of a train may be shorter than the others.
    while (goes_on) {
      const size_t length = head(at)->length;
      batch->parts[parts + run] = {bytes(at), length};
      sum += length;
      ++run;
      --left;
      at += total(*head(at));
      goes_on = may_run && left > 0 && run < kMaxRun && parts + run < OutBatch::kParts &&
                length == size && head(at)->length > 0 && head(at)->length <= size &&
                sum + head(at)->length <= kMaxRunBytes && same_envelope(start, at);
    }
    msghdr& header = batch->headers[headers].msg_hdr;
    header = {};
    header.msg_name = head(start)->name_length > 0 ? name(start) : nullptr;
    header.msg_namelen = head(start)->name_length;
    header.msg_iov = &batch->parts[parts];
    header.msg_iovlen = run;
    header.msg_controllen = head(start)->control_length;
    if (header.msg_controllen > 0) header.msg_control = control(start);
    if (run > 1) {
      uint8_t* room = batch->control[headers];
      memcpy(room, control(start), header.msg_controllen);
      add_segment_size(&header, room, size);
    }
    batch->runs[headers++] = static_cast<uint16_t>(run);
    parts += run;
  }
  return headers;
}

void Outbox::drop_first() {
  size_ -= head(begin_)->length;
  begin_ += total(*head(begin_));
  ++first_;
  --count_;
  if (single_ > 0) --single_;
  if (count_ > 0) return;
  begin_ = end_ = 0;
  if (capacity_ <= kKept) return;
  free(data_);
  data_ = nullptr;
  capacity_ = 0;
}

void Outbox::drop(unsigned count) {
  for (unsigned i = 0; i < count; ++i) drop_first();
}

size_t Outbox::first_message(Sockaddr* to) const {
  to->length = head(begin_)->name_length;
  memcpy(&to->storage, name(begin_), to->length);
  return head(begin_)->length;
}

void Outbox::split_run(unsigned messages, size_t size, int error) {
  single_ = messages;
  // The device, or the system, cannot do it; or it cannot for messages that do not fit into one
  // packet. Any other error is about the peer, and comes again.
  if (error == EIO || error == EOPNOTSUPP || error == ENOPROTOOPT) run_limit_ = 0;
  if (error == EINVAL || error == EMSGSIZE) run_limit_ = size - 1;
}

}  // namespace sk
