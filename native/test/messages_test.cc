// Sockets of messages: sending, receiving, and failures of single messages. Their peers are in
// messages_peers_test.cc.
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "test/messages_kit.h"

namespace sk {

using namespace sk::test;

namespace {

// Messages that make no train: each is longer than the one before.
std::vector<std::string> growing(size_t count) {
  std::vector<std::string> all;
  for (size_t i = 0; i < count; ++i) all.push_back(pattern(i + 1, i));
  return all;
}

// Messages that make one train, the last of which is shorter.
std::vector<std::string> train(size_t count, size_t size, size_t last) {
  std::vector<std::string> all;
  for (size_t i = 0; i + 1 < count; ++i) all.push_back(pattern(size, i));
  all.push_back(pattern(last, count));
  return all;
}

// Brings so much at once that the receiver takes trains from then on.
void make_busy(Owner& owner, Id id) {
  const Fd from = plain(loopback());
  const std::vector<std::string> all = growing(Intake::kCount + 1);
  for (const std::string& each : all) throw_at(from, each, loopback(owner.port(id)));
  check_bytes(received(owner, id, all.size()), all);
  int value = 0;
  CHECK_EQ(owner.reactor().get_option(id, SOL_UDP, UDP_GRO, &value), 0);
  CHECK_EQ(value, 1);
}

}  // namespace

TEST_BOTH("Reactor receives many messages in their order, whole, and says who sent them") {
  Owner owner(make);
  for (const Address& any : {loopback(), loopback6()}) {
    const Id id = opened(owner, any);
    Address to;
    CHECK_EQ(owner.reactor().local_address(id, &to), 0);
    const Fd from = plain(any);
    const std::vector<std::string> all = growing(100);
    for (const std::string& each : all) throw_at(from, each, to);
    start(owner, id);
    const std::vector<Message> got = received(owner, id, all.size());
    check_bytes(got, all);
    for (const Message& each : got) {
      CHECK_EQ(each.record.family, static_cast<int32_t>(any.family));
      CHECK_EQ(each.record.port, port_of(from.get()));
      CHECK_EQ(each.record.error, 0);
    }
    CHECK_EQ(owner.reactor().close(id), 0);
  }
  CHECK_EQ(owner.reactor().live(), 0u);
}

TEST_BOTH("Reactor cuts a message to the size asked for, and tells its true length (F22)") {
  Owner owner(make);
  const Id id = opened(owner, loopback());
  start(owner, id, 10);
  const Fd from = plain(loopback());
  for (const size_t size : {5, 10, 11, 60000}) {
    throw_at(from, pattern(size), loopback(owner.port(id)));
    const Message got = received(owner, id, 1)[0];
    CHECK(got.bytes == pattern(std::min<size_t>(size, 10)));
    CHECK_EQ(static_cast<size_t>(got.record.length), size);
    CHECK_EQ(got.record.flags, size > 10 ? kTruncated : 0);
  }
}

TEST_BOTH("Reactor sends and receives empty messages among others (F23)") {
  Owner owner(make);
  const Id from = opened(owner, loopback());
  const Id to = opened(owner, loopback());
  start(owner, to);
  const std::vector<std::string> all = {"", "one", "", "", "two", ""};
  send_all(owner, from, all, loopback(owner.port(to)));
  check_bytes(received(owner, to, all.size()), all);
  // Also a lone one, outside a turn.
  CHECK_EQ(send(owner, from, "", loopback(owner.port(to))), 0);
  check_bytes(received(owner, to, 1), {""});
}

TEST_BOTH(
    "Reactor sends equal messages as a train, and takes one apart, the last one shorter (F29)") {
  Owner owner(make);
  const Id from = opened(owner, loopback());
  const Id to = opened(owner, loopback());
  start(owner, to);
  make_busy(owner, to);
  for (const size_t last : {size_t{1}, size_t{99}, size_t{100}}) {
    CountingKernel& kernel = owner.kernel();
    kernel.messages_sent = kernel.messages_received = 0;
    const std::vector<std::string> all = train(31, 100, last);
    send_all(owner, from, all, loopback(owner.port(to)));
    check_bytes(received(owner, to, all.size()), all);
    CHECK_EQ(kernel.messages_sent, 1);
    CHECK_EQ(kernel.messages_received, 1);
  }
}

TEST_BOTH("Reactor cuts each message of a train to the size asked for (F22, F29)") {
  Owner owner(make);
  const Id from = opened(owner, loopback());
  const Id to = opened(owner, loopback());
  start(owner, to);
  make_busy(owner, to);
  start(owner, to, 64);
  send_all(owner, from, train(10, 100, 3), loopback(owner.port(to)));
  const std::vector<Message> got = received(owner, to, 10);
  for (size_t i = 0; i < 9; ++i) {
    CHECK(got[i].bytes == pattern(64, i));
    CHECK_EQ(got[i].record.length, 100);
    CHECK_EQ(got[i].record.flags, kTruncated);
  }
  CHECK(got[9].bytes == pattern(3, 10));
  CHECK_EQ(got[9].record.flags, 0);
}

TEST_BOTH("Reactor sends one by one where trains are refused, and loses none (F29)") {
  for (const int error : {EIO, EINVAL, EMSGSIZE}) {
    Owner owner(make);
    const Id from = opened(owner, loopback());
    const Id to = opened(owner, loopback());
    start(owner, to);
    // EMSGSIZE may be an earlier message's: it is met twice.
    owner.faults().add({Call::sendmsg, error, 0, error == EMSGSIZE ? 2 : 1});
    const std::vector<std::string> all = train(31, 100, 7);
    for (int round = 0; round < 2; ++round) {
      owner.kernel().messages_sent = 0;
      send_all(owner, from, all, loopback(owner.port(to)));
      check_bytes(received(owner, to, all.size()), all);
      // Nor is it tried again with such messages.
      CHECK_EQ(owner.kernel().messages_sent, 31);
    }
    CHECK(!owner.has(EventKind::send_failed, from));
    owner.kernel().messages_sent = 0;
    const std::vector<std::string> smaller = train(31, 50, 7);
    send_all(owner, from, smaller, loopback(owner.port(to)));
    check_bytes(received(owner, to, smaller.size()), smaller);
    CHECK_EQ(owner.kernel().messages_sent, error == EIO ? 31 : 1);
  }
}

// Sends all of them to each of two peers in turn, within one turn.
void send_to_both(Owner& owner, Id id, const std::vector<std::string>& all, const Fd (&to)[2]) {
  owner.turn_of([&] {
    for (const std::string& each : all) {
      for (const Fd& fd : to) CHECK(send(owner, id, each, loopback(port_of(fd.get()))) > 0);
    }
  });
}

TEST_BOTH(
    "Reactor sends to two peers in turn by trains, and each gets its own in their order (F29)") {
  Owner owner(make);
  const Id from = opened(owner, loopback());
  const Fd to[2] = {plain(loopback()), plain(loopback())};
  std::vector<std::string> all = train(10, 100, 100);
  send_to_both(owner, from, all, to);
  CHECK_EQ(owner.kernel().messages_sent, 2);
  // A longer one cannot join, and a shorter one ends its train: five of each peer.
  const std::vector<std::string> more = {pattern(200), pattern(100, 1), pattern(100, 2),
                                         "",           pattern(100, 3), pattern(150)};
  send_to_both(owner, from, more, to);
  CHECK_EQ(owner.kernel().messages_sent, 2 + 2 * 5);
  all.insert(all.end(), more.begin(), more.end());
  for (const Fd& fd : to) {
    for (const std::string& each : all) CHECK(catch_one(fd) == each);
    CHECK(!is_ready(fd.get(), POLLIN, 0));
  }
}

TEST_BOTH("Reactor keeps a train behind one that is sent, and sends it once") {
  Owner owner(make);
  const Id from = opened(owner, loopback());
  const Fd to[2] = {plain(loopback()), plain(loopback())};
  owner.faults().add({Call::sendmsg, EAGAIN, 1, 1});
  const std::vector<std::string> all = train(5, 100, 100);
  send_to_both(owner, from, all, to);
  const Told full = owner.take(EventKind::queued, from);
  CHECK_EQ(full.a, 900);
  CHECK_EQ(full.b, 9);
  const Told sent = owner.take(EventKind::queued, from);
  CHECK_EQ(sent.a, 0);
  CHECK_EQ(sent.b, 0);
  CHECK_EQ(owner.kernel().messages_sent, 2);
  for (const Fd& fd : to) {
    for (const std::string& each : all) CHECK(catch_one(fd) == each);
    CHECK(!is_ready(fd.get(), POLLIN, 0));
  }
}

TEST_BOTH("Reactor tells of the message that failed behind a train that is sent (F26, F29)") {
  Owner owner(make);
  const Id from = opened(owner, loopback());
  const Fd to[2] = {plain(loopback()), plain(loopback())};
  // The second train, and then the first of its messages.
  owner.faults().add({Call::sendmsg, ENOBUFS, 1, 2});
  std::vector<std::string> all = train(5, 100, 100);
  send_to_both(owner, from, all, to);
  Told failed = owner.take(EventKind::send_failed, from);
  CHECK_EQ(failed.b, 1);
  CHECK_EQ(failed.messages[0].record.port, port_of(to[1].get()));
  CHECK_EQ(owner.reactor().pending(from), 0);
  // And those that follow are still numbered right.
  owner.faults().add({Call::sendmsg, ENOBUFS, 0, 1});
  send_all(owner, from, {pattern(7)}, loopback(port_of(to[0].get())));
  failed = owner.take(EventKind::send_failed, from);
  CHECK_EQ(failed.b, 10);
  for (const std::string& each : all) CHECK(catch_one(to[0]) == each);
  all.erase(all.begin());
  for (const std::string& each : all) CHECK(catch_one(to[1]) == each);
  for (const Fd& fd : to) CHECK(!is_ready(fd.get(), POLLIN, 0));
}

TEST_BOTH("Reactor tells of the one of 45 messages that failed, and sends the others (F26)") {
  Owner owner(make);
  const Id from = opened(owner, loopback());
  const Id to = opened(owner, loopback());
  start(owner, to);
  owner.faults().add({Call::sendmsg, ENOBUFS, 20, 1});
  std::vector<std::string> all = growing(45);
  send_all(owner, from, all, loopback(owner.port(to)));
  all.erase(all.begin() + 20);
  check_bytes(received(owner, to, all.size()), all);
  const Told failed = owner.take(EventKind::send_failed, from);
  CHECK_EQ(failed.b, 20);
  const DatagramRecord& record = failed.messages[0].record;
  CHECK_EQ(record.error, ENOBUFS);
  CHECK_EQ(record.length, 21);
  CHECK_EQ(record.port, owner.port(to));
  CHECK(!owner.has(EventKind::send_failed, from));
  CHECK_EQ(owner.reactor().pending(from), 0);
}

TEST_BOTH("Reactor sends each once when calls take one message, or are interrupted (F26)") {
  Owner owner(make);
  const Id from = opened(owner, loopback());
  const Id to = opened(owner, loopback());
  start(owner, to);
  owner.faults().limit(0, 1);
  owner.faults().add({Call::sendmsg, EINTR, 3, 9});
  owner.faults().add({Call::recvmsg, EINTR, 0, 9});
  const std::vector<std::string> all = growing(45);
  send_all(owner, from, all, loopback(owner.port(to)));
  check_bytes(received(owner, to, all.size()), all);
  CHECK_EQ(owner.kernel().messages_sent, 45);
  CHECK(!owner.has(EventKind::send_failed, from));
}

TEST_BOTH("Reactor keeps what the kernel does not take, and sends it when it is writable") {
  Owner owner(make);
  const Id from = opened(owner, loopback());
  const Fd to = plain(loopback());
  owner.faults().add({Call::sendmsg, EAGAIN, 5, 1});
  const std::vector<std::string> all = growing(10);
  send_all(owner, from, all, loopback(port_of(to.get())));
  const Told full = owner.take(EventKind::queued, from);
  CHECK_EQ(full.a, 6 + 7 + 8 + 9 + 10);
  CHECK_EQ(full.b, 5);
  const Told sent = owner.take(EventKind::queued, from);
  CHECK_EQ(sent.a, 0);
  CHECK_EQ(sent.b, 0);
  for (const std::string& each : all) CHECK(catch_one(to) == each);
}

TEST_BOTH("Reactor.close sends what waits first, and abort drops it") {
  Owner owner(make);
  const int before = open_descriptors();
  const Fd to = plain(loopback());
  const std::vector<std::string> all = growing(10);
  for (const bool closes : {true, false}) {
    const Id from = opened(owner, loopback());
    owner.faults().clear();
    owner.faults().add({Call::sendmsg, EAGAIN, 5, 1});
    send_all(owner, from, all, loopback(port_of(to.get())));
    for (size_t i = 0; i < 5; ++i) CHECK(catch_one(to) == all[i]);
    if (!closes) {
      CHECK_EQ(owner.reactor().abort(from), 0);
      continue;
    }
    CHECK_EQ(owner.reactor().close(from), 1);
    CHECK_EQ(send(owner, from, "late", loopback(port_of(to.get()))), -EPIPE);
    CHECK_EQ(owner.take(EventKind::closed, from).a, 0);
    for (size_t i = 5; i < 10; ++i) CHECK(catch_one(to) == all[i]);
  }
  owner.settle();
  CHECK(!is_ready(to.get(), POLLIN, 0));
  CHECK_EQ(owner.reactor().live(), 0u);
  CHECK_EQ(open_descriptors(), before + 1);
}

TEST_BOTH("Reactor.close sends what was gathered in the turn") {
  Owner owner(make);
  const Id from = opened(owner, loopback());
  const Fd to = plain(loopback());
  owner.turn_of([&] {
    CHECK(send(owner, from, "last words", loopback(port_of(to.get()))) > 0);
    CHECK_EQ(owner.reactor().close(from), 0);
  });
  CHECK(catch_one(to) == "last words");
}

TEST_BOTH("Reactor tells what was asked for of each message, and sends as was chosen") {
  Owner owner(make);
  const uint32_t all = kMetaLocal | kMetaTtl | kMetaTrafficClass | kMetaTimestamp;
  for (const Address& any : {loopback(), loopback6()}) {
    const Id from = opened(owner, any);
    const Id to = opened(owner, any);
    start(owner, to, kWhole, all);
    SendChoice choice;
    choice.mask = SendChoice::kTtl | SendChoice::kTrafficClass | SendChoice::kFrom;
    choice.ttl = 9;
    choice.traffic_class = 0x28;
    choice.from = any;
    Address there;
    CHECK_EQ(owner.reactor().local_address(to, &there), 0);
    CHECK_EQ(send(owner, from, "chosen", there, choice), 0);
    const Message got = received(owner, to, 1)[0];
    CHECK_EQ(got.record.flags, kHasLocal | kHasTtl | kHasTrafficClass | kHasTimestamp);
    CHECK_EQ(got.record.ttl, 9);
    CHECK_EQ(got.record.traffic_class, 0x28);
    CHECK_EQ(got.record.local_size, any.family == Family::ipv4 ? 4 : 16);
    CHECK_EQ(memcmp(got.record.local, any.bytes, got.record.local_size), 0);
    CHECK(got.record.interface_index > 0);
    CHECK(got.record.timestamp > 0);
    // And no more when it is no longer asked for.
    start(owner, to);
    CHECK_EQ(send(owner, from, "plain", there), 0);
    CHECK_EQ(received(owner, to, 1)[0].record.flags, 0);
  }
}

TEST_BOTH("Reactor's calls for messages refuse other sockets") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  CHECK_EQ(owner.reactor().open_messages(link.id, false), -ESOCKTNOSUPPORT);
  CHECK_EQ(owner.reactor().start_receiving(link.id, 1, false, 0), -ENOTCONN);
  CHECK_EQ(send(owner, link.id, "x"), -ENOTCONN);
  const Id id = opened(owner, loopback());
  CHECK_EQ(owner.reactor().open_messages(id, false), -EINVAL);
  CHECK_EQ(owner.reactor().close(id), 0);
  CHECK_EQ(send(owner, id, "x", loopback(1)), -EBADF);
  CHECK_EQ(owner.reactor().start_receiving(id, 1, false, 0), -EBADF);
  CHECK_EQ(owner.reactor().retry_sending(id), -EBADF);
  CHECK_EQ(owner.reactor().drops(id), -EBADF);
}

TEST_BOTH("Reactor.drops counts what found no room, and the rest is received") {
  Owner owner(make);
  const Id id = opened(owner, loopback());
  CHECK_EQ(owner.reactor().set_option(id, SOL_SOCKET, SO_RCVBUF, 1), 0);
  const Fd from = plain(loopback());
  for (int i = 0; i < 100; ++i) throw_at(from, pattern(1000), loopback(owner.port(id)));
  const int64_t drops = owner.reactor().drops(id);
  CHECK(drops > 0 && drops < 100);
  start(owner, id);
  received(owner, id, static_cast<size_t>(100 - drops));
  owner.settle();
  CHECK(owner.told.empty());
}

}  // namespace sk
