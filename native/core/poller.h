// What a platform must offer to wait for many descriptors. One implementation is chosen when a
// reactor is made: `poller_epoll.cc` (Linux), `poller_poll.cc` (anywhere; forced in tests).
#pragma once

#include <cstdint>
#include <memory>

namespace sk {

enum Readiness : uint32_t {
  kReadable = 1,
  kWritable = 2,
  // The peer has closed its side, or the descriptor has failed: reading will say which.
  kHangup = 4,
  // There is urgent data: a read ends where it lies, although more may be waiting. Only from
  // pollers that do not tell of the same data again.
  kUrgent = 8,
  // The descriptor has failed. Comes with kHangup.
  kFailed = 16,
};

struct PollEvent {
  uint64_t token;
  uint32_t readiness;
};

// Told once: after a poller has reported that a descriptor is readable or writable it may stay
// silent about that direction until the owner has met "would block" there and called `modify`.
// Reports may be late or repeated; the owner's token tells which registration one belongs to. Not
// thread-safe, but for `wake`.
class Poller {
 public:
  Poller() = default;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  virtual ~Poller() = default;

  // A descriptor that is readable while `wait(…, 0)` would report something, or after `wake`.
  virtual int fd() const = 0;
  // Begins to watch both directions of `fd`. Returns 0 or a negative errno.
  virtual int add(int fd, uint64_t token) = 0;
  // The owner has met "would block" in these directions and wants to hear of them again.
  virtual void modify(int fd, uint64_t token, uint32_t interest) = 0;
  // Ends watching; to be called before the descriptor, of which there is no duplicate, is closed.
  virtual void remove(int fd) = 0;
  // Ends watching a descriptor that stays open, or of which there may be duplicates.
  virtual void forget(int fd) { remove(fd); }
  // Stores up to `capacity` events without blocking. Returns how many, or a negative errno.
  virtual int wait(PollEvent* events, int capacity) = 0;
  // Makes `fd()` readable until the next `wait`. From any thread.
  virtual void wake() = 0;
};

// Both return null and set `*error` to an errno if the system is out of descriptors or threads.
std::unique_ptr<Poller> make_epoll_poller(int* error);
std::unique_ptr<Poller> make_poll_poller(int* error);

}  // namespace sk
