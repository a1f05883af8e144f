// Descriptors that come from elsewhere, and those that go there.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "test/harness.h"

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

TEST_BOTH("Reactor.adopt refuses what it cannot use, and leaves it open (F54)") {
  Owner owner(make);
  const Fd plain(::socket(AF_INET, SOCK_STREAM, 0));
  const Fd raw(::socket(AF_NETLINK, SOCK_RAW, 0));
  const Fd file(::open("/dev/null", O_RDONLY));
  for (const bool is_lent : {false, true}) {
    CHECK_EQ(owner.reactor().adopt(-1, is_lent), -EBADF);
    CHECK_EQ(owner.reactor().adopt(plain.get(), is_lent), -ENOTCONN);
    CHECK_EQ(owner.reactor().adopt(raw.get(), is_lent), -ESOCKTNOSUPPORT);
    CHECK_EQ(owner.reactor().adopt(file.get(), is_lent), -ENOTSOCK);
  }
  for (const Fd* fd : {&plain, &raw, &file}) CHECK(::fcntl(fd->get(), F_GETFD) >= 0);
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
  for (int skip = 0; skip < 3; ++skip) {
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

}  // namespace sk
