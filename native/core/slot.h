// One socket of a reactor, and the table that holds them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/backlog.h"
#include "core/outbox.h"
#include "core/sockaddr.h"

namespace sk {

// Names one socket for ever: the index of its slot in the low 20 bits, the slot's generation above.
// 51 bits in all, so that a JavaScript number holds it, and a signed word of an event the
// generation. 0 is nobody's.
using Id = uint64_t;
constexpr int kSlotBits = 20;
constexpr uint32_t kMaxSlots = 1u << kSlotBits;
constexpr uint32_t kMaxGeneration = 0x7fffffff;
constexpr uint32_t slot_of(Id id) { return static_cast<uint32_t>(id & (kMaxSlots - 1)); }
constexpr uint32_t generation_of(Id id) { return static_cast<uint32_t>(id >> kSlotBits); }

// `handed`: somebody else reads, writes and closes the descriptor.
enum class State : uint8_t { free, opened, connecting, connected, listening, messaging, handed };

// What a socket does and what is known of its descriptor; several at once.
enum Flag : uint32_t {
  kRegistered = 1u << 0,      // the poller watches it
  kActive = 1u << 1,          // its owner wants data, or connections
  kOwned = 1u << 2,           // chunks are copied out for their receiver
  kMayRead = 1u << 3,         // not known to be drained
  kHungUp = 1u << 4,          // the poller saw a hangup: a short read does not mean drained
  kReadEnded = 1u << 5,       // end of stream or a read error has been told
  kMayFlush = 1u << 6,        // the backlog should be tried
  kShutdownWanted = 1u << 7,  // send FIN when all is sent
  kShutdownDone = 1u << 8,
  kClosing = 1u << 9,       // close when all is sent
  kQueued = 1u << 10,       // in the ready list
  kDirty = 1u << 11,        // has segments gathered in this turn
  kChanged = 1u << 12,      // blocked or failed since the last flush was told
  kWriteFailed = 1u << 13,  // `error` says why; nothing more can be sent
  kReferenced = 1u << 14,   // keeps the loop alive
  kMarked = 1u << 15,       // has had urgent data: reads stop there, and come short
  kUnix = 1u << 16,
  kFault = 1u << 17,  // the poller has seen the descriptor fail
  kUdp = 1u << 18,
  kIpv6 = 1u << 19,
  kSequenced = 1u << 20,  // a socket of sequenced packets
  kMapped = 1u << 21,     // an IPv6 socket whose one peer is an IPv4 address
  kBlocked = 1u << 22,    // the kernel takes no more messages for now
  kStuck = 1u << 23,      // and will not tell when it does
  kIcmp = 1u << 24,       // its owner wants to hear what the network reports
  kIpv4 = 1u << 25,
  kTrains = 1u << 27,   // messages may come as trains (UDP_GRO)
  kBulk = 1u << 26,     // its last read was a large one
  kForeign = 1u << 28,  // it had an owner before
  kLent = 1u << 29,     // and has one still, who goes on using it
  kShown = 1u << 30,    // its descriptor was told to somebody, who may have duplicated it
};

constexpr uint32_t kNoSegment = ~0u;

// The peer of an accepted connection, kept because the kernel forgets it when the peer resets.
struct Peer {
  Family family = Family::none;
  uint16_t port = 0;
  uint32_t scope = 0;
  uint8_t bytes[16] = {};
};

// What only a socket of messages has.
struct Messages {
  Outbox out;
  // What is asked for of each message that is received: MetaBit.
  uint32_t meta = 0;
};

struct Slot {
  std::unique_ptr<Backlog> backlog;
  std::unique_ptr<Messages> messages;
  size_t gathered = 0;  // bytes in segments of this turn
  size_t lost = 0;      // bytes that a failure kept from being sent
  int fd = -1;
  uint32_t generation = 0;
  uint32_t flags = 0;
  uint32_t read_size = 0;
  uint32_t first_segment = kNoSegment;
  uint32_t last_segment = kNoSegment;
  uint32_t sent_turn = 0;  // the turn in which it last sent at once
  int error = 0;
  Peer peer;
  State state = State::free;

  bool has(uint32_t mask) const { return (flags & mask) != 0; }
  void set(uint32_t mask) { flags |= mask; }
  void clear(uint32_t mask) { flags &= ~mask; }
  size_t pending() const { return gathered + (backlog ? backlog->size() : 0); }
};

// Slots live in pages that never move. A freed slot is used again as late as possible, and never
// before `recycle`, so that events of one batch cannot meet a successor.
class SlotTable {
 public:
  // A slot with a new generation, or null when all are taken.
  Slot* allocate(uint32_t* index);
  void release(uint32_t index);
  // Lets slots that were released earlier be used again.
  void recycle();
  // The slot of a living socket, or null.
  Slot* find(Id id);
  Slot& at(uint32_t index) { return pages_[index >> kPageBits][index & (kPageSize - 1)]; }
  uint32_t size() const { return size_; }
  uint32_t live() const { return live_; }

 private:
  static constexpr int kPageBits = 8;
  static constexpr uint32_t kPageSize = 1u << kPageBits;

  std::vector<std::unique_ptr<Slot[]>> pages_;
  std::vector<uint32_t> free_;
  size_t free_head_ = 0;
  std::vector<uint32_t> released_;
  uint32_t size_ = 0;
  uint32_t live_ = 0;
};

}  // namespace sk
