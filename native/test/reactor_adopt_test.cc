// Descriptors that come from elsewhere, and those that go there.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "test/messages_kit.h"

namespace sk {

using namespace sk::test;

namespace {

bool has_flags(int fd) {
  return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 && (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

Id adopted(Owner& owner, int fd, bool is_lent) {
  const int64_t id = owner.reactor().adopt(fd, is_lent);
  CHECK(id > 0);
  return static_cast<Id>(id);
}

void check_text(Owner& owner, Id id, const Fd& far, const std::string& text) {
  send_all(far, text);
  CHECK_EQ(owner.reactor().start_reading(id, 100, false), 0);
  CHECK(owner.receive(id, text.size()) == text);
}

}  // namespace

TEST_BOTH("Reactor.adopt takes a connected socket, and closes it with the id") {
  Owner owner(make);
  Pair pair = tcp_pair();
  const int fd = ::dup(pair.near.get());
  pair.near.close();
  const Id id = adopted(owner, fd, false);
  CHECK_EQ(owner.reactor().descriptor(id), fd);
  CHECK(has_flags(fd));
  check_text(owner, id, pair.far, "hello");
  CHECK_EQ(owner.reactor().abort(id), 0);
  CHECK_EQ(::fcntl(fd, F_GETFD), -1);
}

TEST_BOTH("Reactor.adopt works on a duplicate of what it is lent") {
  Owner owner(make);
  Pair pair = unix_pair();
  const Id id = adopted(owner, pair.near.get(), true);
  CHECK(owner.reactor().descriptor(id) != pair.near.get());
  CHECK(has_flags(owner.reactor().descriptor(id)));
  check_text(owner, id, pair.far, "lent");
  CHECK_EQ(owner.reactor().close(id), 0);
  send_all(pair.near, "still open");
  CHECK(receive(pair.far, 10) == "still open");
}

TEST_BOTH("Reactor.adopt takes a listening socket") {
  Owner owner(make);
  const Fd listener = tcp_listener();
  const Id id = adopted(owner, listener.get(), true);
  CHECK_EQ(owner.reactor().start_accepting(id), 0);
  const Fd client = connect_to(port_of(listener.get()));
  const Id server = owner.accepted(id);
  check_text(owner, server, client, "through it");
}

TEST_BOTH("Reactor.adopt takes sockets of messages, which are then opened as such") {
  Owner owner(make);
  for (const Address& any : {loopback(), loopback6()}) {
    const Fd near = plain(any);
    const Fd far = plain(any);
    const Id id = adopted(owner, near.get(), true);
    CHECK_EQ(owner.reactor().open_messages(id, false), 0);
    CHECK(has_flags(owner.reactor().descriptor(id)));
    Address here;
    CHECK_EQ(owner.reactor().local_address(id, &here), 0);
    throw_at(far, "one", here);
    start(owner, id);
    check_bytes(received(owner, id, 1), {"one"});
    CHECK_EQ(owner.reactor().close(id), 0);
  }
  int fds[2];
  CHECK_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
  const Fd far(fds[1]);
  const Id id = adopted(owner, fds[0], false);
  CHECK_EQ(owner.reactor().open_messages(id, false), 0);
  CHECK_EQ(send(owner, id, "packet"), 0);
  CHECK(catch_one(far) == "packet");
  CHECK_EQ(owner.reactor().detach(id), -EBUSY);
}

TEST_BOTH("Reactor tells no more of a train that nobody asked for than there is room for") {
  // A slab that has to be shared out, behind which the harness has its guard.
  Owner owner(make, Reactor::kMaxRead);
  const Fd near = plain(loopback());
  const Fd far = plain(loopback());
  const Id id = adopted(owner, near.get(), true);
  CHECK_EQ(owner.reactor().open_messages(id, false), 0);
  const int on = 1;
  const int size = 512;
  CHECK_EQ(::setsockopt(near.get(), SOL_UDP, UDP_GRO, &on, sizeof(on)), 0);
  CHECK_EQ(::setsockopt(far.get(), SOL_UDP, UDP_SEGMENT, &size, sizeof(size)), 0);
  std::vector<std::string> all;
  std::string whole;
  for (size_t i = 0; i < 127; ++i) all.push_back(pattern(size, i));
  for (const std::string& each : all) whole += each;
  start(owner, id);
  const Address to = loopback(owner.port(id));
  throw_at(far, whole, to);
  const std::vector<Message> first = owner.take(EventKind::datagram_view, id).messages;
  CHECK(first.size() > 100 && first.size() < all.size());
  check_bytes(first, {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(first.size())});
  // From then on it is known.
  throw_at(far, whole, to);
  check_bytes(received(owner, id, all.size()), all);
}

TEST_BOTH("Reactor.close of what it is lent ends nothing for the owner") {
  Owner owner(make);
  for (const bool aborts : {false, true}) {
    const Pair pair = tcp_pair();
    const Id id = adopted(owner, pair.near.get(), true);
    send_all(pair.far, "unread");
    CHECK_EQ(aborts ? owner.reactor().abort(id) : owner.reactor().close(id), 0);
    CHECK(receive(pair.near, 6) == "unread");
    send_all(pair.near, "still open");
    CHECK(receive(pair.far, 10) == "still open");
    linger value = {};
    socklen_t length = sizeof(value);
    CHECK_EQ(::getsockopt(pair.near.get(), SOL_SOCKET, SO_LINGER, &value, &length), 0);
    CHECK_EQ(value.l_onoff, 0);
  }
}

TEST_BOTH("Reactor.adopt refuses what it cannot use, and leaves it open (F54)") {
  Owner owner(make);
  const Fd plain(::socket(AF_INET, SOCK_STREAM, 0));
  const Fd raw(::socket(AF_NETLINK, SOCK_RAW, 0));
  const Fd unbound(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
  const Fd link(::socket(AF_NETLINK, SOCK_DGRAM, 0));
  const Fd file(::open("/dev/null", O_RDONLY));
  for (const bool is_lent : {false, true}) {
    CHECK_EQ(owner.reactor().adopt(-1, is_lent), -EBADF);
    CHECK_EQ(owner.reactor().adopt(plain.get(), is_lent), -ENOTCONN);
    CHECK_EQ(owner.reactor().adopt(raw.get(), is_lent), -ESOCKTNOSUPPORT);
    CHECK_EQ(owner.reactor().adopt(unbound.get(), is_lent), -ENOTCONN);
    CHECK_EQ(owner.reactor().adopt(link.get(), is_lent), -EAFNOSUPPORT);
    CHECK_EQ(owner.reactor().adopt(file.get(), is_lent), -ENOTSOCK);
  }
  for (const Fd* fd : {&plain, &raw, &unbound, &link, &file})
    CHECK(::fcntl(fd->get(), F_GETFD) >= 0);
  CHECK_EQ(owner.reactor().live(), 0u);
}

TEST_BOTH("Reactor.adopt refuses its own descriptor (F54)") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  CHECK_EQ(owner.reactor().adopt(owner.reactor().descriptor(link.id), false), -EEXIST);
  CHECK_EQ(owner.reactor().live(), 1u);
}

TEST_BOTH("Reactor.adopt leaves nothing when the system fails it") {
  Owner owner(make);
  const Pair pair = unix_pair();
  for (int skip = 0; skip < 4; ++skip) {
    owner.faults().add({Call::get_option, ENOBUFS, skip, 1});
    CHECK_EQ(owner.reactor().adopt(pair.near.get(), true), -ENOBUFS);
    owner.faults().clear();
  }
  CHECK_EQ(owner.reactor().live(), 0u);
}

TEST_BOTH("Reactor.detach gives the descriptor up, with what is unread") {
  Owner owner(make);
  const Link link = unix_link(owner);
  check_text(owner, link.id, link.far, "read");
  owner.reactor().stop(link.id);
  send_all(link.far, "unread");
  const Fd fd(owner.reactor().detach(link.id));
  CHECK(fd.get() >= 0);
  CHECK_EQ(owner.reactor().live(), 0u);
  CHECK_EQ(owner.reactor().referenced(), 0u);
  owner.settle();
  CHECK(!owner.has(EventKind::data_view, link.id));
  CHECK(receive(fd, 6) == "unread");
}

TEST_BOTH("Reactor lets go of a socket that lives on elsewhere, and may have it again (F52)") {
  Owner owner(make);
  Pair pair = unix_pair();
  const Fd elsewhere(::dup(pair.near.get()));
  int fd = ::dup(pair.near.get());
  pair.near.close();
  for (const bool detaches : {false, true, false}) {
    const Id id = adopted(owner, fd, false);
    check_text(owner, id, pair.far, "known");
    if (detaches) {
      owner.reactor().stop(id);
      CHECK_EQ(owner.reactor().detach(id), fd);
      continue;
    }
    CHECK_EQ(owner.reactor().close(id), 0);
    owner.settle();
    // Nothing of it is heard any more.
    send_all(pair.far, "x");
    CHECK(!is_ready(owner.reactor().fd(), POLLIN, 0));
    CHECK(receive(elsewhere, 1) == "x");
    CHECK_EQ(::dup2(elsewhere.get(), fd), fd);
  }
  ::close(fd);
}

TEST_BOTH("Reactor lets go of a socket whose descriptor it has told") {
  Owner owner(make);
  const Link link = unix_link(owner);
  check_text(owner, link.id, link.far, "known");
  const Fd elsewhere(::dup(owner.reactor().descriptor(link.id)));
  CHECK_EQ(owner.reactor().close(link.id), 0);
  owner.settle();
  send_all(link.far, "x");
  CHECK(!is_ready(owner.reactor().fd(), POLLIN, 0));
}

TEST_BOTH("Reactor.detach refuses while bytes are unsent") {
  Owner owner(make);
  const Link link = unix_link(owner);
  owner.reactor().begin_turn();
  write(owner, link.id, "gathered");
  CHECK_EQ(owner.reactor().detach(link.id), -EBUSY);
  owner.reactor().flush();
  CHECK(receive(link.far, 8) == "gathered");
  const Fd fd(owner.reactor().detach(link.id));
  CHECK(fd.get() >= 0);
  CHECK_EQ(owner.reactor().detach(link.id), -EBADF);
}

TEST_BOTH("Reactor.hand_over leaves reading, writing and closing to somebody else") {
  Owner owner(make);
  const Link link = unix_link(owner);
  check_text(owner, link.id, link.far, "read");
  const Fd fd(owner.reactor().descriptor(link.id));
  CHECK_EQ(owner.reactor().hand_over(link.id), 0);
  send_all(link.far, "unread");
  owner.settle();
  CHECK(!owner.has(EventKind::data_view, link.id));
  const uint8_t byte = 0;
  CHECK_EQ(owner.reactor().start_reading(link.id, 100, false), -ENOTCONN);
  CHECK_EQ(owner.reactor().write(link.id, &byte, 1), -ENOTCONN);
  CHECK_EQ(owner.reactor().shut_write(link.id), -ENOTCONN);
  CHECK_EQ(owner.reactor().hand_over(link.id), -ENOTCONN);
  int value = 0;
  CHECK_EQ(owner.reactor().get_option(link.id, SOL_SOCKET, SO_TYPE, &value), 0);
  CHECK_EQ(value, static_cast<int>(SOCK_STREAM));
  CHECK_EQ(owner.reactor().close(link.id), 0);
  CHECK_EQ(owner.reactor().live(), 0u);
  CHECK_EQ(owner.reactor().referenced(), 0u);
  CHECK(receive(fd, 6) == "unread");
}

TEST_BOTH("Reactor.hand_over and abort make the other's close a reset") {
  Owner owner(make);
  Pair pair = tcp_pair();
  const int fd = ::dup(pair.near.get());
  pair.near.close();
  const Id id = adopted(owner, fd, false);
  CHECK_EQ(owner.reactor().hand_over(id), 0);
  CHECK_EQ(owner.reactor().abort(id), 0);
  CHECK_EQ(::close(fd), 0);
  uint8_t byte;
  CHECK_EQ(::recv(pair.far.get(), &byte, 1, 0), -1);
  CHECK_EQ(errno, ECONNRESET);
}

TEST_BOTH("Reactor.hand_over refuses what it cannot give") {
  Owner owner(make);
  const Link link = unix_link(owner);
  owner.reactor().begin_turn();
  write(owner, link.id, "gathered");
  CHECK_EQ(owner.reactor().hand_over(link.id), -EBUSY);
  owner.reactor().flush();
  CHECK(receive(link.far, 8) == "gathered");
  const Fd listener = tcp_listener();
  CHECK_EQ(owner.reactor().hand_over(adopted(owner, listener.get(), true)), -ENOTCONN);
  const Pair pair = tcp_pair();
  CHECK_EQ(owner.reactor().hand_over(adopted(owner, pair.near.get(), true)), -EPERM);
  CHECK_EQ(owner.reactor().hand_over(1), -EBADF);
}

TEST_BOTH("Reactor closes nothing that it has handed over") {
  Fd fd;
  {
    Owner owner(make);
    Pair pair = tcp_pair();
    fd = Fd(::dup(pair.near.get()));
    CHECK_EQ(owner.reactor().hand_over(adopted(owner, fd.get(), false)), 0);
  }
  CHECK(::fcntl(fd.get(), F_GETFD) >= 0);
}

}  // namespace sk
