// Connecting, accepting and reading; writing and closing are in reactor_write_test.cc.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include "test/harness.h"

namespace sk {

using namespace sk::test;

namespace {

// Sends bytes together with a descriptor.
void send_with_descriptor(const Fd& fd, const std::string& bytes) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  const int lent = fd.get();
  memcpy(CMSG_DATA(head), &lent, sizeof(lent));
  CHECK_EQ(::sendmsg(fd.get(), &message, 0), static_cast<ssize_t>(bytes.size()));
}

void start(Owner& owner, Id id, uint32_t size = Reactor::kMaxRead, bool owned = false) {
  CHECK_EQ(owner.reactor().start_reading(id, size, owned), 0);
}

}  // namespace

TEST_BOTH("Reactor connects and accepts over every family, and echoes") {
  Owner owner(make);
  for (const Address& address : {loopback(), loopback6(), abstract_name()}) {
    const Id listener = owner.listen(address);
    Address bound;
    CHECK_EQ(owner.reactor().local_address(listener, &bound), 0);
    const Id client = owner.connect(bound);
    const Id server = owner.accepted(listener);
    start(owner, server);
    start(owner, client);
    const std::string bytes = pattern(100000);
    write(owner, client, bytes);
    owner.reactor().flush();
    const std::string got = owner.receive(server, bytes.size());
    CHECK(got == bytes);
    write(owner, server, got);
    owner.reactor().flush();
    CHECK(owner.receive(client, bytes.size()) == bytes);
    for (const Id id : {client, server, listener}) CHECK_EQ(owner.reactor().abort(id), 0);
  }
  CHECK_EQ(owner.reactor().live(), 0u);
}

TEST_BOTH("Reactor.connect tells of a refusal once") {
  Owner owner(make);
  Fd listener = tcp_listener();
  const Sockaddr address = sockaddr_of(loopback(port_of(listener.get())));
  listener.close();
  const Id id = owner.socket();
  CHECK_EQ(owner.reactor().connect(id, address), -EINPROGRESS);
  CHECK_EQ(owner.take(EventKind::connected, id).a, ECONNREFUSED);
  for (int i = 0; i < 3; ++i) {
    owner.reactor().wake();
    owner.turn();
  }
  owner.settle();
  CHECK(owner.told.empty());
  CHECK_EQ(write(owner, id, "x"), -ENOTCONN);
  CHECK_EQ(owner.reactor().close(id), 0);
}

TEST_BOTH("Reactor.connect may be tried again on a socket that was refused") {
  Owner owner(make);
  Fd gone = tcp_listener();
  const Sockaddr nobody = sockaddr_of(loopback(port_of(gone.get())));
  gone.close();
  const Fd listener = tcp_listener();
  const Id id = owner.socket();
  CHECK_EQ(owner.reactor().connect(id, nobody), -EINPROGRESS);
  CHECK_EQ(owner.take(EventKind::connected, id).a, ECONNREFUSED);
  const Sockaddr somebody = sockaddr_of(loopback(port_of(listener.get())));
  // Linux answers the first call after a failure with that failure.
  int result = owner.reactor().connect(id, somebody);
  if (result == -ECONNABORTED) result = owner.reactor().connect(id, somebody);
  CHECK_EQ(result, -EINPROGRESS);
  CHECK_EQ(owner.take(EventKind::connected, id).a, 0);
  start(owner, id);
  const Fd far = accept_from(listener);
  send_all(far, "x");
  CHECK_EQ(owner.receive(id, 1), std::string("x"));
  owner.settle();
  CHECK(!owner.has(EventKind::end, id));
}

TEST_BOTH("Reactor.connect goes on after EINTR, and answers other errors at once") {
  Owner owner(make);
  const Fd listener = tcp_listener();
  const Sockaddr address = sockaddr_of(loopback(port_of(listener.get())));
  const Id id = owner.socket();
  owner.faults().add({Call::connect, ENETUNREACH, 0, 1});
  CHECK_EQ(owner.reactor().connect(id, address), -ENETUNREACH);
  CHECK_EQ(owner.reactor().connect(id, address), -EINPROGRESS);
  CHECK_EQ(owner.reactor().connect(id, address), -EALREADY);
  CHECK_EQ(owner.take(EventKind::connected, id).a, 0);
  CHECK_EQ(owner.reactor().connect(id, address), -EISCONN);
}

TEST_BOTH("Reactor tells of an accepted IPv4 peer, and remembers any peer after its reset") {
  Owner owner(make);
  const Id listener = owner.listen(loopback());
  Fd far = connect_to(owner.port(listener));
  const uint16_t port = port_of(far.get());
  const Id id = owner.accepted(listener);
  const Told peer = owner.take(EventKind::peer, id);
  CHECK_EQ(static_cast<uint32_t>(peer.a), uint32_t{INADDR_LOOPBACK});
  CHECK_EQ(peer.b, port);
  reset_on_close(far);
  start(owner, id);
  far.close();
  CHECK_EQ(owner.take(EventKind::read_failed, id).a, ECONNRESET);
  Address address;
  CHECK_EQ(owner.reactor().remote_address(id, &address), 0);
  CHECK_EQ(address.family, Family::ipv4);
  CHECK_EQ(address.port, port);
}

TEST_BOTH("Reactor accepts many at once, in bounded batches") {
  Owner owner(make);
  const Id listener = owner.listen(loopback(), 200);
  std::vector<Fd> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(connect_to(owner.port(listener)));
  std::set<Id> ids;
  while (ids.size() < clients.size()) {
    size_t fresh = 0;
    owner.turn([&](const Told& event) {
      if (event.kind != EventKind::accepted) return;
      CHECK(ids.insert(owner.adopted(event)).second);
      ++fresh;
    });
    CHECK(fresh <= Reactor::kAcceptBatch);
  }
  CHECK_EQ(owner.reactor().live(), 101u);
}

TEST_BOTH("Reactor goes on accepting after errors of one connection") {
  Owner owner(make);
  const Id listener = owner.listen(loopback());
  owner.faults().add({Call::accept, EINTR, 0, 3});
  owner.faults().add({Call::accept, EPROTO, 0, 2});
  owner.faults().add({Call::accept, ECONNABORTED, 0, 1});
  const Fd dropped = connect_to(owner.port(listener));
  const Fd kept = connect_to(owner.port(listener));
  const Id id = owner.accepted(listener);
  CHECK_EQ(owner.take(EventKind::peer, id).b, port_of(kept.get()));
  CHECK(!owner.has(EventKind::accept_failed, listener));
  CHECK_EQ(receive_to_end(dropped), std::string());
}

TEST_BOTH("Reactor stops accepting without descriptors, and takes who waits when started again") {
  Owner owner(make);
  const Id listener = owner.listen(loopback());
  owner.faults().add({Call::accept, EMFILE, 0, 1});
  const Fd far = connect_to(owner.port(listener));
  CHECK_EQ(owner.take(EventKind::accept_failed, listener).a, EMFILE);
  const int accepts = owner.kernel().accepts;
  owner.settle();
  CHECK_EQ(owner.kernel().accepts, accepts);
  CHECK_EQ(owner.reactor().start_accepting(listener), 0);
  owner.accepted(listener);
}

TEST_BOTH("Reactor.stop ends accepting, and start_accepting finds who came meanwhile") {
  Owner owner(make);
  const Id listener = owner.listen(loopback());
  CHECK_EQ(owner.reactor().stop(listener), 0);
  const Fd far = connect_to(owner.port(listener));
  owner.settle();
  CHECK_EQ(owner.kernel().accepts, 0);
  CHECK_EQ(owner.reactor().start_accepting(listener), 0);
  owner.accepted(listener);
}

TEST_BOTH("Reactor reads no more at once than it was told to") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  start(owner, link.id, 10);
  send_all(link.far, pattern(95));
  std::string got;
  while (got.size() < 95) {
    owner.turn([&](const Told& event) { CHECK(event.bytes.size() <= 10); });
    got += owner.take_bytes(link.id);
  }
  CHECK(got == pattern(95));
}

TEST_BOTH("Reactor tells of owned chunks as such") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  start(owner, link.id, 100, true);
  send_all(link.far, "one");
  CHECK_EQ(owner.take(EventKind::data_owned, link.id).bytes, std::string("one"));
  start(owner, link.id, 100, false);
  send_all(link.far, "two");
  CHECK_EQ(owner.take(EventKind::data_view, link.id).bytes, std::string("two"));
}

TEST_BOTH("Reactor tells the end once, after all data") {
  Owner owner(make);
  Link link = tcp_link(owner);
  send_all(link.far, pattern(300000));
  CHECK_EQ(::shutdown(link.far.get(), SHUT_WR), 0);
  start(owner, link.id);
  CHECK(owner.receive(link.id, 300000) == pattern(300000));
  owner.take(EventKind::end, link.id);
  // Whatever happens now, there is nothing more to read: a reset is told as the end of writing.
  reset_on_close(link.far);
  link.far.close();
  owner.take(EventKind::write_failed, link.id);
  start(owner, link.id);
  owner.settle();
  CHECK(owner.told.empty());
}

TEST_BOTH("Reactor's stop leaves data with the kernel until reading starts again") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  start(owner, link.id);
  send_all(link.far, "one");
  CHECK_EQ(owner.receive(link.id, 3), std::string("one"));
  CHECK_EQ(owner.reactor().stop(link.id), 0);
  send_all(link.far, "two");
  CHECK_EQ(::shutdown(link.far.get(), SHUT_WR), 0);
  const int recvs = owner.kernel().recvs;
  owner.settle();
  CHECK_EQ(owner.kernel().recvs, recvs);
  start(owner, link.id);
  CHECK_EQ(owner.receive(link.id, 3), std::string("two"));
  owner.take(EventKind::end, link.id);
}

TEST_BOTH("Reactor retries a read after EINTR and tells of other errors once") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  start(owner, link.id);
  owner.faults().add({Call::recv, EINTR, 0, 5});
  send_all(link.far, "x");
  CHECK_EQ(owner.receive(link.id, 1), std::string("x"));
  owner.settle();
  owner.faults().add({Call::recv, ETIMEDOUT, 0, 1});
  send_all(link.far, "y");
  CHECK_EQ(owner.take(EventKind::read_failed, link.id).a, ETIMEDOUT);
  send_all(link.far, "z");
  owner.settle();
  CHECK(owner.told.empty());
}

TEST_BOTH("Reactor loses nothing when each call moves one byte") {
  Owner owner(make);
  owner.faults().limit(1, 1);
  const Link link = tcp_link(owner);
  start(owner, link.id);
  const std::string bytes = pattern(3000);
  send_all(link.far, bytes);
  CHECK(owner.receive(link.id, bytes.size()) == bytes);
  write(owner, link.id, bytes);
  owner.reactor().flush();
  while (owner.reactor().pending(link.id) > 0) owner.turn();
  CHECK(receive(link.far, bytes.size()) == bytes);
}

TEST_BOTH("Reactor reads on behind urgent data") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  start(owner, link.id);
  owner.settle();
  for (int round = 0; round < 3; ++round) {
    // All of it is there when the reactor looks, and a read stops where the urgent byte was.
    send_all(link.far, "before");
    CHECK_EQ(::send(link.far.get(), "!", 1, MSG_OOB), 1);
    send_all(link.far, "after");
    CHECK_EQ(owner.receive(link.id, 11), std::string("beforeafter"));
  }
}

TEST_BOTH("Reactor reads on behind descriptors that a Unix peer passes, and drops them") {
  Owner owner(make);
  const Link link = unix_link(owner);
  start(owner, link.id);
  owner.settle();
  const int before = open_descriptors();
  for (int round = 0; round < 3; ++round) {
    send_all(link.far, "1");
    send_with_descriptor(link.far, "2");
    send_with_descriptor(link.far, "3");
    send_all(link.far, "4");
    CHECK_EQ(owner.receive(link.id, 4), std::string("1234"));
  }
  CHECK_EQ(open_descriptors(), before);
}

TEST_BOTH("Reactor reads on behind descriptors on accepted sockets as well") {
  Owner owner(make);
  const Address name = abstract_name();
  const Id listener = owner.listen(name);
  const Sockaddr address = sockaddr_of(name);
  const Fd far(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK_EQ(::connect(far.get(), address.get(), address.length), 0);
  send_with_descriptor(far, "a");
  send_all(far, "b");
  const Id id = owner.accepted(listener);
  start(owner, id);
  CHECK_EQ(owner.receive(id, 2), std::string("ab"));
}

TEST_BOTH("Reactor gives each ready socket one read in a batch, however much one has") {
  Owner owner(make, 64 * Reactor::kMaxRead);
  std::vector<Link> links;
  std::map<uint32_t, size_t> missing;
  for (int i = 0; i < 10; ++i) {
    links.push_back(tcp_link(owner));
    start(owner, links.back().id, 1000);
    missing[slot_of(links.back().id)] = i == 0 ? 200000 : 1000;
  }
  owner.settle();
  send_all(links[0].far, pattern(200000));
  for (size_t i = 1; i < links.size(); ++i) send_all(links[i].far, pattern(1000));
  bool is_first = true;
  while (!missing.empty()) {
    std::set<uint32_t> seen;
    owner.turn([&](const Told& event) {
      if (event.kind != EventKind::data_view) return;
      CHECK(seen.insert(event.slot).second);
      size_t& left = missing[event.slot];
      left -= event.bytes.size();
      if (left == 0) missing.erase(event.slot);
    });
    // The quiet ones need not wait for the chatty one. (The poll poller's thread may wake us for
    // the first of them alone.)
    if (is_first && make == &make_epoll_poller) CHECK(seen.size() == links.size());
    is_first = false;
  }
}

TEST_BOTH("Reactor fills a slab of any size in order, and never beyond") {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{7}, size_t{5000}}) {
    // The owner checks where each chunk lies, and what is behind the slab.
    Owner owner(make, 2 * Reactor::kMaxRead + size);
    std::vector<Link> links;
    for (size_t i = 0; i < 6; ++i) {
      links.push_back(unix_link(owner));
      start(owner, links.back().id, i % 2 == 0 ? Reactor::kMaxRead : 999);
      send_all(links.back().far, pattern(100000, i));
    }
    size_t left = links.size() * 100000;
    while (left > 0) owner.turn([&](const Told& event) { left -= event.bytes.size(); });
    for (size_t i = 0; i < links.size(); ++i) {
      CHECK(owner.take_bytes(links[i].id) == pattern(100000, i));
    }
  }
}

TEST_BOTH("Reactor takes part in a batch with less than the room for its events") {
  // More sockets than a batch has events for: the others come with the next one.
  Owner owner(make, 2048 * 8 + Reactor::kMaxRead);
  std::vector<Link> links;
  for (int i = 0; i < 1500; ++i) {
    links.push_back(unix_link(owner));
    start(owner, links.back().id, 8);
  }
  owner.settle();
  for (const Link& link : links) send_all(link.far, "x");
  size_t got = 0;
  while (got < links.size()) owner.turn([&](const Told& event) { got += event.bytes.size(); });
  CHECK_EQ(got, links.size());
}

TEST_BOTH("Reactor has work left when a batch was full, and ends it without new readiness") {
  Owner owner(make, Reactor::kMaxRead);
  std::vector<Link> links;
  for (int i = 0; i < 5; ++i) {
    links.push_back(unix_link(owner));
    send_all(links.back().far, "x");
    start(owner, links.back().id);
  }
  size_t got = 0;
  int turns = 0;
  while (got < links.size()) {
    owner.turn([&](const Told&) { ++got; });
    ++turns;
  }
  CHECK(turns >= 2);
  owner.settle();
  CHECK(!owner.reactor().has_work());
}

TEST_BOTH("Reactor does not know ids that are gone") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  Reactor& reactor = owner.reactor();
  CHECK_EQ(reactor.close(link.id), 0);
  const Sockaddr address = sockaddr_of(loopback());
  Address out;
  int value;
  CHECK_EQ(reactor.bind(link.id, address), -EBADF);
  CHECK_EQ(reactor.connect(link.id, address), -EBADF);
  CHECK_EQ(reactor.listen(link.id, 1), -EBADF);
  CHECK_EQ(reactor.start_reading(link.id, 1, false), -EBADF);
  CHECK_EQ(reactor.start_accepting(link.id), -EBADF);
  CHECK_EQ(reactor.stop(link.id), -EBADF);
  CHECK_EQ(write(owner, link.id, "x"), -EBADF);
  CHECK_EQ(reactor.pending(link.id), int64_t{-EBADF});
  CHECK_EQ(reactor.shut_write(link.id), -EBADF);
  CHECK_EQ(reactor.close(link.id), -EBADF);
  CHECK_EQ(reactor.abort(link.id), -EBADF);
  CHECK_EQ(reactor.set_option(link.id, SOL_SOCKET, SO_KEEPALIVE, 1), -EBADF);
  CHECK_EQ(reactor.get_option(link.id, SOL_SOCKET, SO_KEEPALIVE, &value), -EBADF);
  CHECK_EQ(reactor.local_address(link.id, &out), -EBADF);
  CHECK_EQ(reactor.remote_address(link.id, &out), -EBADF);
  CHECK_EQ(reactor.reference(link.id, true), -EBADF);
  CHECK_EQ(reactor.descriptor(link.id), -EBADF);
}

TEST_BOTH("Reactor tells nothing of a closed socket, nor of its successor in its name") {
  Owner owner(make);
  std::vector<Link> links;
  for (int i = 0; i < 20; ++i) {
    links.push_back(tcp_link(owner));
    start(owner, links.back().id);
    send_all(links.back().far, "old");
  }
  // Ready, told of by the poller, and closed before the reactor comes to them.
  for (const Link& link : links) owner.reactor().abort(link.id);
  owner.told.clear();
  std::vector<Id> fresh;
  for (int i = 0; i < 20; ++i) fresh.push_back(owner.socket());
  owner.settle();
  CHECK(owner.told.empty());
  for (const Id id : fresh) CHECK_EQ(owner.reactor().abort(id), 0);
  CHECK_EQ(owner.reactor().live(), 0u);
}

TEST_BOTH("Reactor does what a handler says about a socket whose turn has not come") {
  Owner owner(make, Reactor::kMaxRead);
  std::vector<Link> links;
  for (int i = 0; i < 4; ++i) {
    links.push_back(unix_link(owner));
    start(owner, links.back().id);
  }
  owner.settle();
  for (const Link& link : links) send_all(link.far, "x");
  // The slab has room for one read a batch: the others are still in the list then.
  std::set<uint32_t> told;
  owner.turn([&](const Told& event) {
    told.insert(event.slot);
    for (const Link& link : links) {
      if (slot_of(link.id) != event.slot) owner.reactor().abort(link.id);
    }
  });
  owner.settle();
  CHECK_EQ(told.size(), 1u);
  CHECK_EQ(owner.told.size(), 1u);
  CHECK_EQ(owner.reactor().live(), 1u);
}

TEST_BOTH("Reactor counts who keeps the loop alive") {
  Owner owner(make);
  const Id first = owner.socket();
  const Id second = owner.socket();
  CHECK_EQ(owner.reactor().referenced(), 2u);
  for (int i = 0; i < 2; ++i) CHECK_EQ(owner.reactor().reference(first, false), 0);
  CHECK_EQ(owner.reactor().referenced(), 1u);
  for (int i = 0; i < 2; ++i) CHECK_EQ(owner.reactor().reference(first, true), 0);
  CHECK_EQ(owner.reactor().referenced(), 2u);
  owner.reactor().reference(first, false);
  owner.reactor().close(first);
  CHECK_EQ(owner.reactor().referenced(), 1u);
  owner.reactor().close(second);
  CHECK_EQ(owner.reactor().referenced(), 0u);
}

TEST_BOTH("Reactor serves 2000 connections, and lets all of them go") {
  const int before = open_descriptors();
  Owner owner(make);
  const int own = open_descriptors() - before;
  const Id listener = owner.listen(abstract_name(), 4096);
  Address name;
  CHECK_EQ(owner.reactor().local_address(listener, &name), 0);
  std::vector<Id> clients;
  size_t accepted = 0;
  const auto accept = [&](const Told& event) {
    if (event.kind != EventKind::accepted) return;
    start(owner, owner.adopted(event), 64);
    ++accepted;
  };
  for (int i = 0; i < 2000; ++i) {
    clients.push_back(owner.connect(name));
    write(owner, clients.back(), "hello");
  }
  owner.reactor().flush();
  size_t bytes = 0;
  while (accepted < 2000 || bytes < 2000 * 5) {
    owner.turn([&](const Told& event) {
      accept(event);
      bytes += event.bytes.size();
    });
    owner.told.clear();
  }
  CHECK_EQ(owner.reactor().live(), 4001u);
  for (const Id id : clients) CHECK_EQ(owner.reactor().close(id), 0);
  size_t ended = 0;
  while (ended < 2000) {
    owner.turn([&](const Told& event) { ended += event.kind == EventKind::end ? 1 : 0; });
    owner.told.clear();
  }
  // The accepting sides, which only the reactor's end closes, and the listener.
  CHECK_EQ(owner.reactor().live(), 2001u);
  CHECK_EQ(open_descriptors(), before + own + 2001);
}

}  // namespace sk
