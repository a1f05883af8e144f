// Sockets of messages and those who are not there, are full, send descriptors, or end.
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "test/messages_kit.h"

namespace sk {

using namespace sk::test;

namespace {

// A port of the loopback on which nobody listens.
uint16_t free_port() { return port_of(plain(loopback()).get()); }

// A socket of the reactor for sequenced packets, connected to a plain one.
Link packets_link(Owner& owner) {
  const Address name = abstract_name();
  const Sockaddr at = sockaddr_of(name);
  const Fd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  CHECK_EQ(::bind(listener.get(), at.get(), at.length), 0);
  CHECK_EQ(::listen(listener.get(), 1), 0);
  const int64_t made = owner.reactor().socket(AF_UNIX, SOCK_SEQPACKET, 0);
  CHECK(made > 0);
  const Id id = static_cast<Id>(made);
  CHECK_EQ(owner.reactor().connect(id, at), 0);
  CHECK_EQ(owner.reactor().open_messages(id, false), 0);
  return {id, accept_from(listener)};
}

// Sends a message together with two descriptors.
void throw_descriptors(const Fd& fd, const std::string& bytes, const Sockaddr* to) {
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message = {};
  if (to != nullptr) {
    message.msg_name = const_cast<sockaddr_storage*>(&to->storage);
    message.msg_namelen = to->length;
  }
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(2 * sizeof(int));
  const int lent[2] = {fd.get(), fd.get()};
  memcpy(CMSG_DATA(head), lent, sizeof(lent));
  CHECK_EQ(::sendmsg(fd.get(), &message, 0), static_cast<ssize_t>(bytes.size()));
}

}  // namespace

TEST_BOTH("Reactor does not take an earlier message's refusal for one of the next (F24)") {
  Owner owner(make);
  const uint16_t port = free_port();
  const Id id = static_cast<Id>(owner.reactor().socket(AF_INET, SOCK_DGRAM, 0));
  CHECK_EQ(owner.reactor().connect(id, sockaddr_of(loopback(port))), 0);
  CHECK_EQ(owner.reactor().open_messages(id, false), 0);
  start(owner, id);
  // What the network says of it waits on the socket now.
  CHECK_EQ(send(owner, id, "to nobody"), 0);
  const Fd far = plain(loopback(port));
  send_all(owner, id, {"to somebody"}, {});
  CHECK(catch_one(far) == "to somebody");
  throw_at(far, "answer", loopback(owner.port(id)));
  check_bytes(received(owner, id, 1), {"answer"});
  owner.settle();
  CHECK(owner.told.empty());
}

TEST_BOTH("Reactor passes over a refusal that it meets in receiving (F24)") {
  Owner owner(make);
  Fd far = plain(loopback());
  const uint16_t port = port_of(far.get());
  const Id id = static_cast<Id>(owner.reactor().socket(AF_INET, SOCK_DGRAM, 0));
  CHECK_EQ(owner.reactor().connect(id, sockaddr_of(loopback(port))), 0);
  CHECK_EQ(owner.reactor().open_messages(id, false), 0);
  start(owner, id);
  throw_at(far, "before", loopback(owner.port(id)));
  far.close();
  CHECK_EQ(send(owner, id, "to nobody"), 0);
  check_bytes(received(owner, id, 1), {"before"});
  owner.settle();
  CHECK(owner.told.empty());
  const Fd again = plain(loopback(port));
  throw_at(again, "after", loopback(owner.port(id)));
  check_bytes(received(owner, id, 1), {"after"});
}

TEST_BOTH("Reactor tells what the network reports, where it is asked to (F24)") {
  Owner owner(make);
  for (const bool is6 : {false, true}) {
    const Address any = is6 ? loopback6() : loopback();
    const Id id = opened(owner, any, true);
    start(owner, id);
    Fd far = plain(any);
    Address gone = any;
    gone.port = port_of(far.get());
    far.close();
    CHECK_EQ(send(owner, id, "to nobody", gone), 0);
    const Told report = owner.take(EventKind::reported, id);
    CHECK_EQ(report.b, ECONNREFUSED);
    CHECK_EQ(report.messages[0].record.error, ECONNREFUSED);
    CHECK_EQ(report.messages[0].record.port, gone.port);
    // The socket is as good as before.
    const Fd there = plain(any);
    Address to = any;
    to.port = port_of(there.get());
    send_all(owner, id, {"to somebody"}, to);
    CHECK(catch_one(there) == "to somebody");
    owner.settle();
    CHECK(owner.told.empty());
  }
}

TEST_BOTH("Reactor is told when a connected Unix peer has room, and asked when another has (F28)") {
  for (const bool is_connected : {true, false}) {
    Owner owner(make);
    const Address name = abstract_name();
    const Fd far = plain(name);
    const Id id = static_cast<Id>(owner.reactor().socket(AF_UNIX, SOCK_DGRAM, 0));
    if (is_connected) CHECK_EQ(owner.reactor().connect(id, sockaddr_of(name)), 0);
    CHECK_EQ(owner.reactor().open_messages(id, false), 0);
    const Address to = is_connected ? Address{} : name;
    const EventKind kind = is_connected ? EventKind::queued : EventKind::stuck;
    std::vector<std::string> all;
    while (!owner.has(kind, id)) {
      all.push_back(pattern(10, all.size()));
      send_all(owner, id, {all.back()}, to);
    }
    CHECK_EQ(owner.take(kind, id).b, 1);
    all.emplace_back("behind it");
    send_all(owner, id, {all.back()}, to);
    CHECK_EQ(owner.take(kind, id).b, 2);
    owner.settle();
    CHECK(owner.told.empty());
    size_t at = 0;
    while (at + 2 < all.size()) CHECK(catch_one(far) == all[at++]);
    if (!is_connected) CHECK_EQ(owner.reactor().retry_sending(id), 0);
    while (owner.reactor().pending(id) > 0) owner.turn();
    while (at < all.size()) CHECK(catch_one(far) == all[at++]);
    CHECK(!owner.has(EventKind::send_failed, id));
  }
}

TEST_BOTH("Reactor counts what waits in messages too, so that empty ones are not free (F23, F28)") {
  Owner owner(make);
  const Address name = abstract_name();
  const Fd far = plain(name);
  const Id id = static_cast<Id>(owner.reactor().socket(AF_UNIX, SOCK_DGRAM, 0));
  CHECK_EQ(owner.reactor().connect(id, sockaddr_of(name)), 0);
  CHECK_EQ(owner.reactor().open_messages(id, false), 0);
  size_t taken = 0;
  for (; owner.reactor().pending(id) == 0; ++taken) send_all(owner, id, {""}, {});
  CHECK_EQ(owner.take(EventKind::queued, id).b, 1);
  int64_t waits = Outbox::kOverhead;
  CHECK_EQ(owner.reactor().pending(id), waits);
  for (const std::string& each : {std::string(), pattern(10), std::string()}) {
    waits += static_cast<int64_t>(Outbox::kOverhead + each.size());
    CHECK_EQ(send(owner, id, each), waits);
    CHECK_EQ(owner.reactor().pending(id), waits);
  }
  // Events tell both apart.
  owner.turn_of([] {});
  const Told queued = owner.take(EventKind::queued, id);
  CHECK_EQ(queued.a, 10);
  CHECK_EQ(queued.b, 4);
  for (size_t i = 0; i + 1 < taken; ++i) CHECK(catch_one(far).empty());
  while (owner.reactor().pending(id) > 0) owner.turn();
  for (const size_t size : {0, 0, 10, 0}) CHECK_EQ(catch_one(far).size(), size);
}

TEST_BOTH("Reactor tells of messages to a Unix peer that is gone (F28)") {
  Owner owner(make);
  const Address name = abstract_name();
  Fd far = plain(name);
  const Id id = static_cast<Id>(owner.reactor().socket(AF_UNIX, SOCK_DGRAM, 0));
  CHECK_EQ(owner.reactor().open_messages(id, false), 0);
  send_all(owner, id, {"heard"}, name);
  CHECK(catch_one(far) == "heard");
  far.close();
  send_all(owner, id, {"not heard"}, name);
  const Told failed = owner.take(EventKind::send_failed, id);
  CHECK_EQ(failed.b, 1);
  CHECK_EQ(failed.messages[0].record.error, ECONNREFUSED);
  CHECK_EQ(failed.messages[0].record.family, static_cast<int32_t>(Family::unix_path));
}

TEST_BOTH("Reactor tells an empty packet from the end of sequenced packets (F23)") {
  Owner owner(make);
  Link link = packets_link(owner);
  start(owner, link.id);
  for (const char* each : {"a", "", "b", ""}) {
    CHECK_EQ(::send(link.far.get(), each, strlen(each), 0), static_cast<ssize_t>(strlen(each)));
  }
  check_bytes(received(owner, link.id, 4), {"a", "", "b", ""});
  owner.settle();
  CHECK(owner.told.empty());
  send_all(owner, link.id, {"", "c"}, {});
  CHECK(catch_one(link.far).empty());
  CHECK(catch_one(link.far) == "c");
  link.far.close();
  CHECK_EQ(owner.take(EventKind::end, link.id).a, 0);
  CHECK_EQ(owner.reactor().close(link.id), 0);
}

TEST_BOTH("Reactor tells the packets first, and then that the peer left others unread (F10)") {
  Owner owner(make);
  Link link = packets_link(owner);
  start(owner, link.id);
  send_all(owner, link.id, {"unread"}, {});
  CHECK_EQ(::send(link.far.get(), "one", 3, 0), 3);
  CHECK_EQ(::send(link.far.get(), "two", 3, 0), 3);
  link.far.close();
  check_bytes(received(owner, link.id, 2), {"one", "two"});
  CHECK_EQ(owner.take(EventKind::read_failed, link.id).a, ECONNRESET);
  owner.settle();
  CHECK(owner.told.empty());
}

TEST_BOTH("Reactor closes descriptors that come with messages (F32)") {
  Owner owner(make);
  const Address name = abstract_name();
  const Sockaddr to = sockaddr_of(name);
  const Id datagrams = opened(owner, name);
  const Link link = packets_link(owner);
  const Fd from(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  start(owner, datagrams);
  start(owner, link.id);
  owner.settle();
  const int before = open_descriptors();
  for (int round = 0; round < 3; ++round) {
    throw_descriptors(from, "one", &to);
    throw_descriptors(from, "", &to);
    check_bytes(received(owner, datagrams, 2), {"one", ""});
    throw_descriptors(link.far, "two", nullptr);
    check_bytes(received(owner, link.id, 1), {"two"});
  }
  CHECK_EQ(open_descriptors(), before);
}

}  // namespace sk
