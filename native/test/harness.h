// A reactor with an owner that remembers: what the binding and the engine are in a program.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/datagram_record.h"
#include "core/faulty_kernel.h"
#include "core/reactor.h"
#include "test/net.h"

namespace sk::test {

// A kernel that counts its calls; the faults are those of the faulty one.
class CountingKernel final : public Kernel {
 public:
  FaultyKernel faulty;
  int sends = 0;
  int recvs = 0;
  int accepts = 0;
  // Messages, or trains of them, that the system took and gave.
  int messages_sent = 0;
  int messages_received = 0;
  bool reads_short() const override { return faulty.reads_short(); }
  int socket(int family, int type, int protocol) override;
  int bind(int fd, const Sockaddr& address) override;
  int connect(int fd, const Sockaddr& address) override;
  int listen(int fd, int backlog) override;
  int accept(int fd, Sockaddr* peer) override;
  ssize_t recv(int fd, void* buffer, size_t length, int flags) override;
  ssize_t recv_unix(int fd, void* buffer, size_t length, bool* is_cut) override;
  ssize_t send(int fd, const iovec* parts, int count) override;
  ssize_t send(int fd, const void* buffer, size_t length) override;
  ssize_t send_to(int fd, const void* buffer, size_t length, const Sockaddr& to) override;
  int send_messages(int fd, mmsghdr* messages, unsigned count) override;
  int receive_messages(int fd, mmsghdr* messages, unsigned count) override;
  int shutdown(int fd, int how) override;
  int get_option(int fd, int level, int name, void* value, socklen_t* length) override;
  int set_option(int fd, int level, int name, const void* value, socklen_t length) override;
  int close(int fd) override;
};

// A message that came, or the record of one that failed.
struct Message {
  DatagramRecord record;
  std::string bytes;
};

// One event, with the bytes, or the messages, that it brought.
struct Told {
  EventKind kind;
  uint32_t slot;
  int32_t a;
  int32_t b;
  std::string bytes;
  std::vector<Message> messages;
};

// Gives blocks as the binding does, unless it is told to refuse.
class GivenBlocks final : public Blocks {
 public:
  uint8_t* give(size_t length) override;
  void take_back() override;

  bool refuses = false;
  int taken_back = 0;
  // Of the batch at hand.
  std::vector<std::vector<uint8_t>> given;
};

class Owner {
 public:
  explicit Owner(MakePoller make, size_t slab_size = 4 * Reactor::kMaxRead);

  Reactor& reactor() { return *reactor_; }
  CountingKernel& kernel() { return *kernel_; }
  FaultyKernel& faults() { return kernel_->faulty; }

  // One turn: waits for the reactor, collects, lets `handle` see each event, and flushes. What
  // was told stays in `told`.
  void turn(const std::function<void(const Told&)>& handle = nullptr);
  // Does what its owner does in a turn of its own, and flushes; told of what comes of it.
  void turn_of(const std::function<void()>& work);
  // Turns until there is an event of this kind for this socket, from now or before; takes it out.
  Told take(EventKind kind, Id id);
  // Whether one is there already.
  bool has(EventKind kind, Id id) const;
  // The bytes that were told of for this socket, as far as nobody took them; takes them out.
  std::string take_bytes(Id id);
  // Turns until so many bytes have come, and takes them.
  std::string receive(Id id, size_t length);
  // Does what is due without waiting for anything.
  void settle();

  Id socket(Family family = Family::ipv4);
  Id listen(const Address& address, int backlog = 128);
  Id connect(const Address& address);
  // Accepts one connection of a listener of this reactor that is accepting.
  Id accepted(Id listener);
  uint16_t port(Id id);
  Id adopted(const Told& event) const;

  std::vector<Told> told;
  GivenBlocks blocks;

 private:
  void check_guard() const;
  Message message_at(size_t* at) const;
  std::vector<Message> messages_of(const Event& event) const;
  void record(uint32_t count, const std::function<void(const Told&)>& handle);

  // Behind the slab: a read that goes too far is seen here (sanitizers do not see into recv).
  static constexpr size_t kGuard = 4096;
  static constexpr uint8_t kGuardByte = 0xa5;

  CountingKernel* kernel_;
  std::vector<uint8_t> slab_;
  std::vector<Event> events_;
  std::unique_ptr<Reactor> reactor_;
};

// A socket of the reactor, connected to a plain one.
struct Link {
  Id id;
  Fd far;
};
Link tcp_link(Owner& owner);
Link unix_link(Owner& owner);

int write(Owner& owner, Id id, const std::string& bytes);

}  // namespace sk::test
