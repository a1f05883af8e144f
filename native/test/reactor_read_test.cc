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

// How many events of this kind there are, and that all bytes are those of the pattern.
int count_kind(Owner& owner, EventKind kind) {
  return static_cast<int>(std::count_if(owner.told.begin(), owner.told.end(),
                                        [kind](const Told& told) { return told.kind == kind; }));
}

TEST_BOTH("Reactor reads large owned chunks into blocks of exactly their size") {
  Owner owner(make);
  owner.reactor().set_blocks(&owner.blocks);
  const Link link = tcp_link(owner);
  start(owner, link.id, Reactor::kMaxRead, true);
  const std::string bytes = pattern(1'000'000);
  std::string got;
  int direct = 0;
  size_t sent = 0;
  while (got.size() < bytes.size()) {
    const ssize_t more = ::send(link.far.get(), bytes.data() + sent,
                                std::min<size_t>(bytes.size() - sent, 100'000), MSG_DONTWAIT);
    if (more > 0) sent += static_cast<size_t>(more);
    owner.turn();
    direct += count_kind(owner, EventKind::data_direct);
    got += owner.take_bytes(link.id);
  }
  CHECK(got == bytes);
  CHECK(direct > 5);
  // Small ones are copied, and the next large one finds that out by itself.
  send_all(link.far, "small");
  std::string small;
  while (small.size() < 5) {
    owner.turn();
    CHECK_EQ(count_kind(owner, EventKind::data_direct), 0);
    small += owner.take_bytes(link.id);
  }
  CHECK_EQ(small, std::string("small"));
}

TEST_BOTH("Reactor reads into the slab where there is no block, and where views are wanted") {
  Owner owner(make);
  owner.reactor().set_blocks(&owner.blocks);
  owner.blocks.refuses = true;
  const Link link = tcp_link(owner);
  start(owner, link.id, Reactor::kMaxRead, true);
  const std::string bytes = pattern(150'000);
  send_all(link.far, bytes);
  CHECK(owner.receive(link.id, bytes.size()) == bytes);
  owner.blocks.refuses = false;
  start(owner, link.id, Reactor::kMaxRead, false);
  send_all(link.far, bytes);
  CHECK(owner.receive(link.id, bytes.size()) == bytes);
  CHECK_EQ(owner.blocks.taken_back, 0);
}

TEST_BOTH("Reactor takes a block back when less is read than was waiting, or nothing") {
  Owner owner(make);
  owner.reactor().set_blocks(&owner.blocks);
  const Link link = tcp_link(owner);
  start(owner, link.id, 50'000, true);
  const std::string bytes = pattern(150'000);
  send_all(link.far, bytes);
  owner.turn();
  owner.faults().limit(5000, 0);
  std::string got = owner.take_bytes(link.id);
  owner.turn();
  owner.faults().limit(0, 0);
  got += owner.take_bytes(link.id);
  CHECK_EQ(owner.blocks.taken_back, 1);
  CHECK(got + owner.receive(link.id, bytes.size() - got.size()) == bytes);
  send_all(link.far, bytes);
  owner.turn();
  owner.faults().add({Call::recv, ETIMEDOUT, 0, 1});
  CHECK_EQ(owner.take(EventKind::read_failed, link.id).a, ETIMEDOUT);
  CHECK_EQ(owner.blocks.taken_back, 2);
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

}  // namespace sk
