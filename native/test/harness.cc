#include "test/harness.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sk::test {

int CountingKernel::socket(int family, int type, int protocol) {
  return faulty.socket(family, type, protocol);
}
int CountingKernel::bind(int fd, const Sockaddr& address) { return faulty.bind(fd, address); }
int CountingKernel::connect(int fd, const Sockaddr& address) { return faulty.connect(fd, address); }
int CountingKernel::listen(int fd, int backlog) { return faulty.listen(fd, backlog); }
int CountingKernel::accept(int fd, Sockaddr* peer) {
  ++accepts;
  return faulty.accept(fd, peer);
}
ssize_t CountingKernel::recv(int fd, void* buffer, size_t length, int flags) {
  ++recvs;
  return faulty.recv(fd, buffer, length, flags);
}
ssize_t CountingKernel::recv_unix(int fd, void* buffer, size_t length, bool* is_cut) {
  ++recvs;
  return faulty.recv_unix(fd, buffer, length, is_cut);
}
ssize_t CountingKernel::send(int fd, const iovec* parts, int count) {
  ++sends;
  return faulty.send(fd, parts, count);
}
ssize_t CountingKernel::send(int fd, const void* buffer, size_t length) {
  ++sends;
  return faulty.send(fd, buffer, length);
}
ssize_t CountingKernel::send_to(int fd, const void* buffer, size_t length, const Sockaddr& to) {
  const ssize_t sent = faulty.send_to(fd, buffer, length, to);
  if (sent >= 0) ++messages_sent;
  return sent;
}
int CountingKernel::send_messages(int fd, mmsghdr* messages, unsigned count) {
  const int sent = faulty.send_messages(fd, messages, count);
  if (sent > 0) messages_sent += sent;
  return sent;
}
int CountingKernel::receive_messages(int fd, mmsghdr* messages, unsigned count) {
  const int got = faulty.receive_messages(fd, messages, count);
  if (got > 0) messages_received += got;
  return got;
}
int CountingKernel::shutdown(int fd, int how) { return faulty.shutdown(fd, how); }
int CountingKernel::get_option(int fd, int level, int name, void* value, socklen_t* length) {
  return faulty.get_option(fd, level, name, value, length);
}
int CountingKernel::set_option(int fd, int level, int name, const void* value, socklen_t length) {
  return faulty.set_option(fd, level, name, value, length);
}
int CountingKernel::close(int fd) { return faulty.close(fd); }

Owner::Owner(MakePoller make, size_t slab_size)
    : kernel_(new CountingKernel),
      slab_(slab_size + kGuard, kGuardByte),
      events_(Reactor::kEventCapacity) {
  int error = 0;
  std::unique_ptr<Poller> poller = make(&error);
  CHECK_EQ(error, 0);
  reactor_ = std::make_unique<Reactor>(std::move(poller), std::unique_ptr<Kernel>(kernel_),
                                       slab_.data(), slab_size, events_.data());
}

void Owner::check_guard() const {
  CHECK(std::all_of(slab_.end() - kGuard, slab_.end(), [](uint8_t b) { return b == kGuardByte; }));
}

uint8_t* GivenBlocks::give(size_t length) {
  if (refuses) return nullptr;
  given.emplace_back(length);
  return given.back().data();
}

void GivenBlocks::take_back() {
  given.pop_back();
  ++taken_back;
}

// Reads one record with its path and bytes, and goes on to the next.
Message Owner::message_at(size_t* at) const {
  const size_t end = slab_.size() - kGuard;
  CHECK(*at % 8 == 0 && *at + sizeof(DatagramRecord) <= end);
  Message message;
  memcpy(&message.record, slab_.data() + *at, sizeof(DatagramRecord));
  const DatagramRecord& record = message.record;
  *at += sizeof(DatagramRecord);
  if (record.family == static_cast<int32_t>(Family::unix_path)) {
    *at += padded_to_8(static_cast<size_t>(record.port));
  }
  const auto size = static_cast<size_t>(record.size);
  CHECK(*at + size <= end);
  message.bytes.assign(reinterpret_cast<const char*>(slab_.data()) + *at, size);
  *at += padded_to_8(size);
  return message;
}

std::vector<Message> Owner::messages_of(const Event& event) const {
  int32_t count = 0;
  switch (static_cast<EventKind>(event.kind)) {
    case EventKind::datagram_view:
    case EventKind::datagram_owned:
      count = event.b;
      CHECK(count > 0);
      break;
    case EventKind::send_failed:
    case EventKind::reported:
      count = 1;
      break;
    default:
      break;
  }
  std::vector<Message> messages;
  auto at = static_cast<size_t>(event.a);
  while (count-- > 0) messages.push_back(message_at(&at));
  return messages;
}

void Owner::record(uint32_t count, const std::function<void(const Told&)>& handle) {
  CHECK(count <= Reactor::kEventCapacity);
  check_guard();
  size_t used = 0;
  size_t direct = 0;
  // Copied first: the handler's calls must not be able to change what this batch says.
  const std::vector<Event> batch(events_.begin(), events_.begin() + count);
  for (const Event& event : batch) {
    Told entry = {static_cast<EventKind>(event.kind),
                  static_cast<uint32_t>(event.slot),
                  event.a,
                  event.b,
                  "",
                  messages_of(event)};
    if (entry.kind == EventKind::data_view || entry.kind == EventKind::data_owned) {
      CHECK(event.a >= 0 && event.b > 0);
      const auto begin = static_cast<size_t>(event.a);
      const auto length = static_cast<size_t>(event.b);
      CHECK(begin >= used && begin % 8 == 0 && begin + length <= slab_.size() - kGuard);
      used = begin + length;
      entry.bytes.assign(reinterpret_cast<const char*>(slab_.data()) + begin, length);
    }
    if (entry.kind == EventKind::data_direct) {
      CHECK(direct < blocks.given.size());
      const std::vector<uint8_t>& block = blocks.given[direct++];
      CHECK_EQ(block.size(), static_cast<size_t>(event.b));
      entry.bytes.assign(block.begin(), block.end());
    }
    told.push_back(entry);
    if (handle) handle(entry);
  }
  CHECK_EQ(direct, blocks.given.size());
  blocks.given.clear();
}

void Owner::turn(const std::function<void(const Told&)>& handle) {
  if (!reactor_->has_work()) CHECK(is_ready(reactor_->fd(), POLLIN));
  const uint32_t count = reactor_->collect();
  reactor_->begin_turn();
  record(count, handle);
  record(reactor_->flush(), nullptr);
}

void Owner::turn_of(const std::function<void()>& work) {
  reactor_->begin_turn();
  work();
  record(reactor_->flush(), nullptr);
}

void Owner::settle() {
  while (reactor_->has_work() || is_ready(reactor_->fd(), POLLIN, 0)) turn();
}

bool Owner::has(EventKind kind, Id id) const {
  return std::any_of(told.begin(), told.end(), [=](const Told& event) {
    return event.kind == kind && event.slot == slot_of(id);
  });
}

Told Owner::take(EventKind kind, Id id) {
  for (;;) {
    for (auto event = told.begin(); event != told.end(); ++event) {
      if (event->kind != kind || event->slot != slot_of(id)) continue;
      Told found = std::move(*event);
      told.erase(event);
      return found;
    }
    turn();
  }
}

std::string Owner::take_bytes(Id id) {
  std::string out;
  for (Told& event : told) {
    if (event.slot != slot_of(id)) continue;
    out += event.bytes;
    event.bytes.clear();
  }
  told.erase(std::remove_if(told.begin(), told.end(),
                            [=](const Told& event) {
                              return event.slot == slot_of(id) && event.bytes.empty() &&
                                     (event.kind == EventKind::data_view ||
                                      event.kind == EventKind::data_owned ||
                                      event.kind == EventKind::data_direct);
                            }),
             told.end());
  return out;
}

std::string Owner::receive(Id id, size_t length) {
  std::string out = take_bytes(id);
  while (out.size() < length) {
    CHECK(!has(EventKind::end, id) && !has(EventKind::read_failed, id));
    turn();
    out += take_bytes(id);
  }
  CHECK_EQ(out.size(), length);
  return out;
}

Id Owner::socket(Family family) {
  const int number = family == Family::ipv4 ? AF_INET : family == Family::ipv6 ? AF_INET6 : AF_UNIX;
  const int64_t id = reactor_->socket(number, SOCK_STREAM, 0);
  CHECK(id > 0);
  return static_cast<Id>(id);
}

Id Owner::listen(const Address& address, int backlog) {
  const Id id = socket(address.family);
  CHECK_EQ(reactor_->bind(id, sockaddr_of(address)), 0);
  CHECK_EQ(reactor_->listen(id, backlog), 0);
  CHECK_EQ(reactor_->start_accepting(id), 0);
  return id;
}

Id Owner::connect(const Address& address) {
  const Id id = socket(address.family);
  const int result = reactor_->connect(id, sockaddr_of(address));
  if (result == -EINPROGRESS) {
    CHECK_EQ(take(EventKind::connected, id).a, 0);
  } else {
    CHECK_EQ(result, 0);
  }
  return id;
}

Id Owner::adopted(const Told& event) const {
  CHECK_EQ(event.kind, EventKind::accepted);
  return static_cast<Id>(event.b) << kSlotBits | static_cast<uint32_t>(event.a);
}

Id Owner::accepted(Id listener) { return adopted(take(EventKind::accepted, listener)); }

uint16_t Owner::port(Id id) {
  Address address;
  CHECK_EQ(reactor_->local_address(id, &address), 0);
  return address.port;
}

Link tcp_link(Owner& owner) {
  const Fd listener = tcp_listener();
  const Id id = owner.connect(loopback(port_of(listener.get())));
  return {id, accept_from(listener)};
}

Link unix_link(Owner& owner) {
  const Address name = abstract_name();
  const Sockaddr address = sockaddr_of(name);
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK_EQ(::bind(listener.get(), address.get(), address.length), 0);
  CHECK_EQ(::listen(listener.get(), 8), 0);
  const Id id = owner.connect(name);
  return {id, accept_from(listener)};
}

int write(Owner& owner, Id id, const std::string& bytes) {
  return static_cast<int>(
      owner.reactor().write(id, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
}

}  // namespace sk::test
