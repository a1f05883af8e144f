// Messages that wait to be sent, in the order in which they were taken, and how they are handed to
// the kernel: many with one call, and those of equal size to one peer as one train that the kernel
// cuts (UDP_SEGMENT, udp(7)), even if others stand between them. What goes to one peer keeps its
// order; what goes to different ones may overtake.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "core/sockaddr.h"

namespace sk {

// A message as its sender gives it. Nothing of it is kept.
struct OutMessage {
  const uint8_t* bytes = nullptr;
  size_t length = 0;
  // Length 0: to the peer of a connected socket.
  Sockaddr to = {{}, 0};
  // Control messages, ready for the kernel.
  alignas(8) uint8_t control[128];
  size_t control_length = 0;
};

// What one call of sendmmsg(2) takes: the first messages that wait, each in one of the headers.
struct OutBatch {
  static constexpr unsigned kHeaders = 64;
  static constexpr unsigned kParts = 256;
  static constexpr size_t kControl = 128 + 32;

  mmsghdr headers[kHeaders];
  iovec parts[kParts];
  alignas(8) uint8_t control[kHeaders][kControl];
  // How many messages each header stands for.
  uint16_t runs[kHeaders];

  unsigned messages;
  // Of each message: its place in the outbox, and its header.
  size_t places[kParts];
  uint16_t header_of[kParts];
};

class Outbox {
 public:
  // The most messages of one train, and their bytes.
  static constexpr unsigned kMaxRun = 64;
  static constexpr size_t kMaxRunBytes = 65507;

  Outbox() = default;
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  ~Outbox();

  // What a message that waits counts as beside its bytes: MESSAGE_OVERHEAD of src/base/provider.ts.
  static constexpr size_t kOverhead = 256;

  // Messages that wait, their bytes, and what they count as. One that was sent before another that
  // waits still counts.
  uint32_t count() const { return count_; }
  size_t size() const { return size_; }
  size_t amount() const { return size_ + count_ * kOverhead; }
  // The number, counted from 0 and cut to 32 bits, of the first message that waits.
  uint32_t first() const { return first_; }

  // Copies. False if there is no memory; nothing is taken then.
  bool append(const OutMessage& message);
  // Counts a message that does not wait.
  void pass() { ++first_; }
  // Lays out the first messages. Valid until the next append or drop. Returns the headers. The
  // first of them has the first message.
  unsigned prepare(OutBatch* batch);
  // So many of the headers are gone, and their messages with them.
  void drop(const OutBatch& batch, unsigned headers);
  // The first message is gone.
  void drop_first();
  // Where the first message was to go: length 0 for a connected peer. And its bytes.
  size_t first_message(Sockaddr* to) const;

  // Lets equal messages of up to `size` bytes go as trains; 0 for none.
  void allow_runs(size_t size) { run_limit_ = size; }
  // The first header, a train, was refused: its messages are to go one by one, so that each has its
  // own answer.
  void split_first(const OutBatch& batch, int error);

 private:
  enum : uint8_t {
    kSent = 1,
    // Not to be made a train.
    kSingle = 2,
  };
  struct Head {
    uint32_t length;
    uint16_t name_length;
    uint8_t control_length;
    uint8_t state;
  };
  // A header while its messages are chosen: the first of them, all their bytes, and whether more
  // may follow.
  struct Group {
    size_t first;
    size_t bytes;
    uint64_t key;
    bool is_open;
  };
  static size_t padded(size_t length) { return (length + 7) & ~size_t{7}; }
  static size_t total(const Head& head) {
    return sizeof(Head) + padded(head.name_length) + padded(head.control_length) +
           padded(head.length);
  }
  Head* head(size_t at) const { return reinterpret_cast<Head*>(data_ + at); }
  uint8_t* name(size_t at) const { return data_ + at + sizeof(Head); }
  uint8_t* control(size_t at) const { return name(at) + padded(head(at)->name_length); }
  uint8_t* bytes(size_t at) const { return control(at) + padded(head(at)->control_length); }
  uint64_t key_of(size_t at) const;
  bool same_peer(size_t one, size_t other) const;
  bool same_control(size_t one, size_t other) const;
  bool may_run(const Head& head) const;
  bool join(Group* group, unsigned run, size_t at) const;
  unsigned group_for(const OutBatch& batch, Group* groups, unsigned count, size_t at) const;
  unsigned choose(OutBatch* batch) const;
  void lay_out(OutBatch* batch, unsigned headers) const;
  void drop_one();
  bool make_room(size_t length);

  uint8_t* data_ = nullptr;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t size_ = 0;
  uint32_t count_ = 0;
  uint32_t first_ = 0;
  size_t run_limit_ = 0;
};

}  // namespace sk
