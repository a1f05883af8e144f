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
// Headers among which one to the same peer is looked for.
constexpr unsigned kLookBack = 32;

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
                     static_cast<uint8_t>(message.control_length), 0};
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

bool Outbox::same_peer(size_t one, size_t other) const {
  const size_t length = head(one)->name_length;
  return length == head(other)->name_length && memcmp(name(one), name(other), length) == 0;
}

// The beginning of the peer's name: different ones are different peers.
uint64_t Outbox::key_of(size_t at) const {
  uint64_t key = 0;
  memcpy(&key, name(at), std::min<size_t>(head(at)->name_length, sizeof(key)));
  return key;
}

bool Outbox::same_control(size_t one, size_t other) const {
  const size_t length = head(one)->control_length;
  return length == head(other)->control_length && memcmp(control(one), control(other), length) == 0;
}

bool Outbox::may_run(const Head& head) const {
  return (head.state & kSingle) == 0 && head.length > 0 && head.length <= run_limit_;
}

// Takes a message to the same peer into the group, if that can be. Only the last message of a train
// may be shorter than the others.
bool Outbox::join(Group* group, unsigned run, size_t at) const {
  const uint32_t size = head(group->first)->length;
  const uint32_t length = head(at)->length;
  const bool fits = run < kMaxRun && length <= size && group->bytes + length <= kMaxRunBytes;
  if (!group->is_open || !fits || !may_run(*head(at)) || !same_control(group->first, at)) {
    return false;
  }
  group->bytes += length;
  group->is_open = length == size;
  return true;
}

// The header that the message joins, of the last few; `count` if it needs one of its own. The last
// one to its peer decides: an older one would be before its turn.
unsigned Outbox::group_for(const OutBatch& batch, Group* groups, unsigned count, size_t at) const {
  const unsigned oldest = count < kLookBack ? 0 : count - kLookBack;
  const uint64_t key = key_of(at);
  for (unsigned i = count; may_run(*head(at)) && i-- > oldest;) {
    if (groups[i].key == key && same_peer(groups[i].first, at))
      return join(&groups[i], batch.runs[i], at) ? i : count;
  }
  return count;
}

// Finds a header for each of the first messages.
unsigned Outbox::choose(OutBatch* batch) const {
  Group groups[OutBatch::kHeaders];
  unsigned headers = 0;
  batch->messages = 0;
  for (size_t at = begin_; at < end_ && batch->messages < OutBatch::kParts;
       at += total(*head(at))) {
    if ((head(at)->state & kSent) != 0) continue;
    const unsigned group = group_for(*batch, groups, headers, at);
    if (group == OutBatch::kHeaders) break;
    if (group == headers) {
      groups[headers] = {at, head(at)->length, key_of(at), may_run(*head(at))};
      batch->runs[headers++] = 0;
    }
    ++batch->runs[group];
    batch->places[batch->messages] = at;
    batch->header_of[batch->messages++] = static_cast<uint16_t>(group);
  }
  return headers;
}

// Puts the parts of each header one behind the other.
void Outbox::lay_out(OutBatch* batch, unsigned headers) const {
  unsigned parts = 0;
  for (unsigned i = 0; i < headers; ++i) {
    msghdr& header = batch->headers[i].msg_hdr;
    header = {};
    header.msg_iov = &batch->parts[parts];
    parts += batch->runs[i];
  }
  for (unsigned i = 0; i < batch->messages; ++i) {
    msghdr& header = batch->headers[batch->header_of[i]].msg_hdr;
    const size_t at = batch->places[i];
    header.msg_iov[header.msg_iovlen++] = {bytes(at), head(at)->length};
    if (header.msg_iovlen > 1) continue;
    header.msg_name = head(at)->name_length > 0 ? name(at) : nullptr;
    header.msg_namelen = head(at)->name_length;
    header.msg_controllen = head(at)->control_length;
    if (header.msg_controllen > 0) header.msg_control = control(at);
  }
}

unsigned Outbox::prepare(OutBatch* batch) {
  const unsigned headers = choose(batch);
  lay_out(batch, headers);
  for (unsigned i = 0; i < headers; ++i) {
    msghdr& header = batch->headers[i].msg_hdr;
    if (batch->runs[i] == 1) continue;
    uint8_t* room = batch->control[i];
    if (header.msg_controllen > 0) memcpy(room, header.msg_control, header.msg_controllen);
    add_segment_size(&header, room, header.msg_iov[0].iov_len);
  }
  return headers;
}

void Outbox::drop(const OutBatch& batch, unsigned headers) {
  for (unsigned i = 0; i < batch.messages; ++i) {
    if (batch.header_of[i] < headers) head(batch.places[i])->state |= kSent;
  }
  while (count_ > 0 && (head(begin_)->state & kSent) != 0) drop_one();
}

void Outbox::drop_first() {
  drop_one();
  while (count_ > 0 && (head(begin_)->state & kSent) != 0) drop_one();
}

void Outbox::drop_one() {
  size_ -= head(begin_)->length;
  begin_ += total(*head(begin_));
  ++first_;
  --count_;
  if (count_ > 0) return;
  begin_ = end_ = 0;
  if (capacity_ <= kKept) return;
  free(data_);
  data_ = nullptr;
  capacity_ = 0;
}

size_t Outbox::first_message(Sockaddr* to) const {
  to->length = head(begin_)->name_length;
  memcpy(&to->storage, name(begin_), to->length);
  return head(begin_)->length;
}

void Outbox::split_first(const OutBatch& batch, int error) {
  for (unsigned i = 0; i < batch.messages; ++i) {
    if (batch.header_of[i] == 0) head(batch.places[i])->state |= kSingle;
  }
  // The device, or the system, cannot do it; or it cannot for messages that do not fit into one
  // packet. Any other error is about the peer, and comes again.
  if (error == EIO || error == EOPNOTSUPP || error == ENOPROTOOPT) run_limit_ = 0;
  if (error == EINVAL || error == EMSGSIZE) run_limit_ = batch.parts[0].iov_len - 1;
}

}  // namespace sk
