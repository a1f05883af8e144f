// Many sockets, one poller, and events in batches. It runs when its owner calls it and never
// blocks; it knows nothing of the language that its owner speaks.
//
// A turn of the owner: `collect` fills `events()`; the owner handles them, calls in as it likes,
// and ends with `flush`, which sends what was written meanwhile. One socket has at most one event
// of reading in a batch, so stopping it takes effect at once, and no socket starves another.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/intake.h"
#include "core/kernel.h"
#include "core/poller.h"
#include "core/slot.h"

namespace sk {

enum class EventKind : int32_t {
  data_view = 1,      // a: offset in the slab, b: length
  data_owned = 2,     // the same; the bytes are to be copied out
  data_direct = 19,   // b: length; the bytes are in the next block that `Blocks` has given away
  end = 3,            // the peer's FIN
  read_failed = 4,    // a: errno; nothing more can be read
  written = 5,        // a: bytes still unsent (saturated)
  write_failed = 6,   // a: errno, b: bytes that were unsent, and are dropped
  connected = 7,      // a: errno, 0 for success
  accepted = 8,       // a: the new socket's slot, b: its generation
  accept_failed = 9,  // a: errno; accepting has stopped
  peer = 11,          // a: IPv4 address, b: port, of the socket that was just accepted
  closed = 10,        // a: errno, 0 if all was sent, b: bytes that were not; the id is gone
  // Of sockets of messages. Records (DatagramRecord) lie one behind the other, each with its data.
  datagram_view = 12,   // a: offset of the first record in the slab, b: how many
  datagram_owned = 13,  // the same; the bytes are to be copied out
  send_failed = 14,     // a: offset of a record, b: the message's number, as its sender counts
  queued = 15,          // a: bytes unsent, b: messages unsent (both saturated)
  stuck = 16,           // the same; only trying again will tell when there is room
  reported = 17,        // a: offset of a record, b: errno: the network says that it did not arrive
  receive_failed = 18,  // a: errno; receiving has stopped
};

// What can be told of each message that is received.
enum MetaBit : uint32_t {
  kMetaLocal = 1,
  kMetaTtl = 2,
  kMetaTrafficClass = 4,
  kMetaTimestamp = 8,
};

// What a sender chooses for one message.
struct SendChoice {
  enum : uint32_t { kFrom = 2, kInterface = 4, kTtl = 8, kTrafficClass = 16 };
  uint32_t mask = 0;
  int32_t interface_index = 0;
  int32_t ttl = 0;
  int32_t traffic_class = 0;
  Address from;
};

// A multicast group, joined or left.
struct Membership {
  bool joins;
  uint32_t interface_index;
  Address group;
  // Family::none for every source.
  Address source;
};

struct Event {
  int32_t kind;
  int32_t slot;
  int32_t a;
  int32_t b;
};

// Memory of the owner's that a large chunk is read into, to be its receiver's without another copy.
class Blocks {
 public:
  // Exactly `length` bytes, not cleared. Null if there is none now: then the slab is used.
  virtual uint8_t* give(size_t length) = 0;
  // Takes the last one back.
  virtual void take_back() = 0;

 protected:
  ~Blocks() = default;
};

class Reactor {
 public:
  // Most bytes of one read of a stream. Where much is waiting a large read pays, for each costs a
  // call, a block and an acknowledgement; a still larger one does not (docs/design/0007).
  static constexpr uint32_t kMaxRead = 256 * 1024;
  // Most bytes of one write that is gathered.
  static constexpr size_t kMaxGathered = 4 * 1024;
  // From this size on a read of owned chunks goes into a block.
  static constexpr uint32_t kMinBlock = 16 * 1024;
  static constexpr uint32_t kEventCapacity = 1024;
  // Connections that one listener may bring in one batch.
  static constexpr uint32_t kAcceptBatch = 32;
  // Messages after which no further socket receives any in the same batch.
  static constexpr uint32_t kMessageBatch = 1024;
  // Most bytes of one message that is received.
  static constexpr uint32_t kMaxMessage = 64 * 1024;
  // What a slab must have where there are sockets of messages: room for a train with its records,
  // and for reports and failures. Where a read has room, so has this.
  static constexpr size_t kMessageRoom = 2 * kMaxMessage;
  static_assert(kMessageRoom <= kMaxRead);

  // `slab` and `events` are the owner's memory, `kEventCapacity` events and at least kMaxRead
  // bytes.
  Reactor(std::unique_ptr<Poller> poller, std::unique_ptr<Kernel> kernel, uint8_t* slab,
          size_t slab_size, Event* events);
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();

  int fd() const { return poller_->fd(); }
  // Without, everything is read into the slab.
  void set_blocks(Blocks* blocks) { blocks_ = blocks; }

  // --- one turn -------------------------------------------------------------------------------
  // Fills the events of one batch and returns their number. Events and slab stay as they are until
  // the next call of collect or flush.
  uint32_t collect();
  // Whether another collect would find work without the poller saying so.
  bool has_work() const { return ready_head_ < ready_.size(); }
  // Makes fd() readable, so that the owner collects again.
  void wake() { poller_->wake(); }
  // From here to the next flush, writes are gathered.
  void begin_turn() { gathering_ = true; }
  bool in_turn() const { return gathering_; }
  // Sends what was gathered. Fills events `written` (for sockets that are blocked) and
  // `write_failed`, and returns their number: a socket without one has nothing unsent. If they are
  // kEventCapacity, more come with the next call.
  uint32_t flush();

  // --- making sockets: each answers an id, or a negative errno ---------------------------------
  int64_t socket(int family, int type, int protocol);
  int bind(Id id, const Sockaddr& address);
  // 0: connected; -EINPROGRESS: event `connected` follows; else failed.
  int connect(Id id, const Sockaddr& address);
  int listen(Id id, int backlog);
  // Takes a socket that there is already, or, if it is only lent, works on a duplicate, and then
  // does nothing to the connection in closing. Streams and sequenced packets must be connected or
  // listening; datagrams are of IPv4, IPv6 or Unix. One of messages is then to be opened as such.
  // It is made close-on-exec and non-blocking. After a failure it is its owner's still: -ENOTSOCK,
  // -ENOTCONN (neither connected nor listening), -ESOCKTNOSUPPORT, -EAFNOSUPPORT,
  // -EPROTONOSUPPORT, -EEXIST (it is this reactor's already) …
  int64_t adopt(int fd, bool is_lent);

  // --- using them: each answers 0 or a negative errno; -EBADF for an id that is gone ------------
  // Nothing happens when the end, or a failure, has been told.
  int start_reading(Id id, uint32_t size, bool owned);
  int start_accepting(Id id);
  // Ends reading or accepting.
  int stop(Id id);
  // The bytes unsent after taking these, or a negative errno; -EPIPE after a failure or closing.
  int64_t write(Id id, const uint8_t* bytes, size_t length);
  // Bytes unsent; of a socket of messages what those that are unsent count as.
  int64_t pending(Id id);
  // FIN after what was written.
  int shut_write(Id id);
  // Closes after what was written: 0 if it is done, 1 if event `closed` follows.
  int close(Id id);
  // Closes now; a TCP peer sees a reset.
  int abort(Id id);
  // Of IP_MULTICAST_IF the value is the interface's number. Where it was set by that, and not by an
  // address, the system answers 0.
  int set_option(Id id, int level, int name, int value);
  int get_option(Id id, int level, int name, int* value);

  // --- messages ---------------------------------------------------------------------------------
  // Makes a socket of datagrams or sequenced packets, bound or connected, one of messages: the
  // calls of streams are none of its any more, but for stop, pending, close and abort. One that was
  // adopted loses what would have been told with each message, and what made others of one.
  int open_messages(Id id, bool wants_icmp);
  // `meta` is of MetaBit. Called again, it changes what is told of each message.
  int start_receiving(Id id, uint32_t size, bool owned, uint32_t meta);
  // What all that is unsent counts as, with the message; a negative errno, and then it is not taken
  // and not counted. What goes wrong later is told by `send_failed`. `message` and `choice` are
  // changed.
  int64_t send_message(Id id, OutMessage* message, SendChoice* choice);
  // Tries to send what is `stuck`.
  int retry_sending(Id id);
  int membership(Id id, const Membership& wanted);
  // Messages that the kernel has dropped because nobody read them in time.
  int64_t drops(Id id);

  int local_address(Id id, Address* out);
  int remote_address(Id id, Address* out);
  int reference(Id id, bool on);
  // The descriptor itself, lent: it stays the reactor's to close.
  int descriptor(Id id);
  // Gives the descriptor up: it is the caller's, and the id is gone. -EBUSY if bytes are unsent.
  int detach(Id id);
  // Lets the owner of the loop read from, write to and close a connection's descriptor by itself:
  // the reactor never will again. Options and addresses can still be asked for, so the id must be
  // closed before the descriptor is; an abort makes that close a reset. -EBUSY if bytes are unsent,
  // -EPERM if the connection was only lent.
  int hand_over(Id id);

  // Sockets that should keep the owner's loop alive.
  uint32_t referenced() const { return referenced_; }
  uint32_t live() const { return slots_.live(); }

 private:
  struct Segment {
    const uint8_t* bytes;
    size_t length;
    uint32_t next;
  };
  // A message that could not be sent.
  struct Failure {
    uint32_t slot;
    int error;
    uint32_t number;
    size_t length;
    Sockaddr to;
  };

  Id id_of(const Slot& slot, uint32_t index) const {
    return static_cast<Id>(slot.generation) << kSlotBits | index;
  }
  void emit(EventKind kind, uint32_t slot, int64_t a = 0, int64_t b = 0);
  Slot* adopt(int fd, State state, uint32_t* index);
  bool owns(int fd);
  int watch(Slot& slot, uint32_t index);
  void enqueue(Slot& slot, uint32_t index);
  void drop(Slot& slot, uint32_t index);

  void note_readiness(const PollEvent& event);
  bool room_for_step() const;
  void step(Slot& slot, uint32_t index);
  void step_connect(Slot& slot, uint32_t index);
  void step_accept(Slot& slot, uint32_t index);
  void step_flush(Slot& slot, uint32_t index);
  void step_read(Slot& slot, uint32_t index);
  ssize_t read_slab(Slot& slot, uint32_t index, bool* is_cut);
  ssize_t read_block(Slot& slot, uint32_t index);
  void step_fault(Slot& slot, uint32_t index);

  int set_flag(const Slot& slot, int level, int name, int value);
  int unset(const Slot& slot, int level, int name);
  int unset_meta(const Slot& slot);
  int take_over(Slot& slot, bool wants_icmp);
  int recognize(Slot& slot);
  int ask_for_meta(Slot& slot, uint32_t meta);
  static size_t worst_message(const Slot& slot);
  void step_receive(Slot& slot, uint32_t index);
  bool pass_over(Slot& slot, int error);
  void drained(Slot& slot, uint32_t index);
  void take_messages(Slot& slot, uint32_t index, unsigned got, unsigned limit);
  uint32_t store_message(Slot& slot, unsigned at);
  void store_record(const Slot& slot, const msghdr& header, const MessageMeta& meta,
                    const uint8_t* data, size_t length);
  bool read_reports(Slot& slot, uint32_t index);
  void store_failure(const void* name, socklen_t length, size_t size, int error);

  static int fit_message(const Slot& slot, SendChoice* choice, OutMessage* message);
  bool send_lone(Slot& slot, const OutMessage& message);
  void send_queue(Slot& slot, uint32_t index, unsigned calls);
  bool fail_first(Slot& slot, uint32_t index, int error, bool has_tried);
  void fail_message(uint32_t index, int error, uint32_t number, const Sockaddr& to, size_t length);
  size_t tell_failures(size_t first);
  void block(Slot& slot, uint32_t index);
  void flush_messages(Slot& slot, uint32_t index);
  void tell_queue(Slot& slot, uint32_t index);
  void step_send(Slot& slot, uint32_t index);
  int close_messages(Slot& slot, uint32_t index);
  void finish_messages(Slot& slot, uint32_t index);

  bool gather(Slot& slot, uint32_t index, const uint8_t* bytes, size_t length);
  void send_now(Slot& slot, uint32_t index, const uint8_t* bytes, size_t length);
  void send_segments(Slot& slot, uint32_t index);
  void keep(Slot& slot, uint32_t index, const uint8_t* bytes, size_t length);
  void fail_write(Slot& slot, uint32_t index, int error, size_t refused);
  void tell_write_failed(Slot& slot, uint32_t index, int error);
  void mark_changed(Slot& slot, uint32_t index);
  void finish_shutdown(Slot& slot);
  int finish_close(Slot& slot, uint32_t index);
  void discard_input(Slot& slot);

  std::unique_ptr<Poller> poller_;
  std::unique_ptr<Kernel> kernel_;
  Blocks* blocks_ = nullptr;
  uint8_t* slab_;
  size_t slab_size_;
  size_t slab_used_ = 0;
  Event* events_;
  uint32_t event_count_ = 0;

  SlotTable slots_;
  std::vector<uint32_t> ready_;
  size_t ready_head_ = 0;
  uint32_t referenced_ = 0;

  bool gathering_ = false;
  uint32_t turn_ = 1;
  std::vector<uint8_t> arena_;
  size_t arena_used_ = 0;
  std::vector<Segment> segments_;
  std::vector<uint32_t> dirty_;
  std::vector<uint32_t> changed_;

  std::unique_ptr<Intake> intake_;
  std::unique_ptr<OutBatch> out_batch_;
  std::vector<Failure> failures_;
  // Messages in the events of this batch.
  uint32_t message_count_ = 0;
};

}  // namespace sk
