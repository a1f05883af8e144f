// Batches, fairness, and the ends of sockets; receiving is in reactor_read_test.cc.
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

void start(Owner& owner, Id id, uint32_t size = Reactor::kMaxRead, bool owned = false) {
  CHECK_EQ(owner.reactor().start_reading(id, size, owned), 0);
}

}  // namespace

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
