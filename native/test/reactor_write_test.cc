// Writing and closing; the rest is in reactor_read_test.cc and reactor_turn_test.cc.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "test/harness.h"

namespace sk {

using namespace sk::test;

namespace {

// More than both ends' kernel buffers hold.
constexpr size_t kMuch = 12 * 1024 * 1024;

// Writes until the socket is blocked; tells what was written.
std::string block(Owner& owner, Id id) {
  std::string all = pattern(kMuch);
  CHECK(write(owner, id, all) > 0);
  owner.reactor().flush();
  return all;
}

// Reads at the plain end while the reactor goes on, until so many bytes have come.
std::string pump(Owner& owner, const Fd& far, size_t length) {
  std::string out;
  char part[256 * 1024];
  while (out.size() < length) {
    const ssize_t count = ::recv(far.get(), part, sizeof(part), MSG_DONTWAIT);
    if (count > 0) {
      out.append(part, static_cast<size_t>(count));
    } else {
      CHECK_EQ(errno, EAGAIN);
      pollfd items[] = {{owner.reactor().fd(), POLLIN, 0}, {far.get(), POLLIN, 0}};
      CHECK(owner.reactor().has_work() || ::poll(items, 2, kPatience) > 0);
    }
    if (owner.reactor().has_work() || is_ready(owner.reactor().fd(), POLLIN, 0)) owner.turn();
  }
  return out;
}

int count_of(const Owner& owner, EventKind kind) {
  int count = 0;
  for (const Told& event : owner.told) count += event.kind == kind ? 1 : 0;
  return count;
}

// A turn that has nothing to wait for.
void in_turn(Owner& owner, const std::function<void()>& work) {
  owner.reactor().wake();
  owner.reactor().collect();
  owner.reactor().begin_turn();
  work();
  owner.reactor().flush();
}

}  // namespace

TEST_BOTH("Reactor sends the small writes of a turn in one call for each socket") {
  Owner owner(make);
  const Link one = tcp_link(owner);
  const Link two = tcp_link(owner);
  owner.settle();
  owner.kernel().sends = 0;
  std::string wanted;
  in_turn(owner, [&] {
    for (int i = 0; i < 100; ++i) {
      wanted += pattern(11, static_cast<size_t>(i));
      CHECK_EQ(write(owner, one.id, pattern(11, static_cast<size_t>(i))), 11 * (i + 1));
    }
    CHECK_EQ(owner.kernel().sends, 0);
    CHECK_EQ(write(owner, two.id, "x"), 1);
  });
  CHECK_EQ(owner.kernel().sends, 2);
  CHECK_EQ(owner.reactor().pending(one.id), 0);
  CHECK(receive(one.far, wanted.size()) == wanted);
  CHECK_EQ(receive(two.far, 1), std::string("x"));
}

TEST_BOTH("Reactor gathers writes that take turns with another socket's") {
  Owner owner(make);
  const Link one = tcp_link(owner);
  const Link two = tcp_link(owner);
  owner.settle();
  owner.kernel().sends = 0;
  std::string wanted;
  in_turn(owner, [&] {
    // Twenty parts each: none lies behind its predecessor.
    for (size_t i = 0; i < 20; ++i) {
      write(owner, one.id, pattern(5, i));
      write(owner, two.id, pattern(5, i));
      wanted += pattern(5, i);
    }
  });
  CHECK_EQ(owner.kernel().sends, 2);
  CHECK(receive(one.far, wanted.size()) == wanted);
  CHECK(receive(two.far, wanted.size()) == wanted);
}

TEST_BOTH("Reactor keeps the order of more parts than one call takes") {
  Owner owner(make);
  const Link one = tcp_link(owner);
  const Link two = tcp_link(owner);
  std::string wanted;
  in_turn(owner, [&] {
    for (size_t i = 0; i < 1000; ++i) {
      write(owner, one.id, pattern(1 + i % 7, i));
      write(owner, two.id, "-");
      wanted += pattern(1 + i % 7, i);
    }
  });
  CHECK(receive(one.far, wanted.size()) == wanted);
}

TEST_BOTH("Reactor keeps the order of small and large writes") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  std::string wanted;
  in_turn(owner, [&] {
    for (const size_t length : {10, 5000, 4096, 4097, 1, 20000, 3}) {
      write(owner, link.id, pattern(length, length));
      wanted += pattern(length, length);
    }
  });
  CHECK(receive(link.far, wanted.size()) == wanted);
}

TEST_BOTH("Reactor sends what does not fit the arena of a turn at once, in order") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  std::string wanted;
  in_turn(owner, [&] {
    for (size_t i = 0; i < 150; ++i) {
      write(owner, link.id, pattern(4000, i));
      wanted += pattern(4000, i);
    }
  });
  CHECK(pump(owner, link.far, wanted.size()) == wanted);
}

TEST_BOTH("Reactor sends a lone write outside a turn at once, and gathers the next ones") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  owner.settle();
  owner.reactor().flush();
  owner.kernel().sends = 0;
  CHECK_EQ(write(owner, link.id, "a"), 0);
  CHECK_EQ(owner.kernel().sends, 1);
  CHECK_EQ(write(owner, link.id, "b"), 1);
  CHECK_EQ(write(owner, link.id, "c"), 2);
  CHECK_EQ(owner.kernel().sends, 1);
  CHECK_EQ(owner.reactor().flush(), 0u);
  CHECK_EQ(owner.kernel().sends, 2);
  CHECK_EQ(receive(link.far, 3), std::string("abc"));
}

TEST_BOTH("Reactor.write of nothing sends nothing") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  owner.kernel().sends = 0;
  CHECK_EQ(owner.reactor().write(link.id, nullptr, 0), 0);
  CHECK_EQ(owner.kernel().sends, 0);
}

TEST_BOTH("Reactor keeps what the kernel does not take, and tells when it is sent") {
  for (const bool is_tcp : {true, false}) {
    Owner owner(make);
    const Link link = is_tcp ? tcp_link(owner) : unix_link(owner);
    const std::string all = block(owner, link.id);
    CHECK(owner.reactor().pending(link.id) > 0);
    CHECK(pump(owner, link.far, all.size()) == all);
    while (owner.reactor().pending(link.id) > 0) owner.turn();
    CHECK(owner.has(EventKind::written, link.id));
    Told last = owner.take(EventKind::written, link.id);
    while (owner.has(EventKind::written, link.id)) last = owner.take(EventKind::written, link.id);
    CHECK_EQ(last.a, 0);
  }
}

TEST_BOTH("Reactor.flush tells of each socket that is blocked, and of no other") {
  Owner owner(make);
  const Link blocked = tcp_link(owner);
  const Link free = tcp_link(owner);
  owner.settle();
  write(owner, blocked.id, pattern(kMuch));
  write(owner, free.id, "x");
  write(owner, free.id, "y");
  CHECK_EQ(owner.reactor().flush(), 1u);
  CHECK_EQ(owner.reactor().flush(), 0u);
}

TEST_BOTH("Reactor.flush tells of more sockets than there is room for when asked again") {
  Owner owner(make);
  std::vector<Link> links;
  for (uint32_t i = 0; i < Reactor::kEventCapacity + 10; ++i) links.push_back(unix_link(owner));
  owner.faults().add({Call::send, EPIPE, 0, 5000});
  for (const Link& link : links) write(owner, link.id, "x");
  CHECK_EQ(owner.reactor().flush(), Reactor::kEventCapacity);
  CHECK_EQ(owner.reactor().flush(), 10u);
  CHECK_EQ(owner.reactor().flush(), 0u);
}

TEST_BOTH("Reactor sends the rest of every short write") {
  for (const size_t limit : {1, 2, 3, 1000}) {
    Owner owner(make);
    const Link link = tcp_link(owner);
    owner.faults().limit(0, limit);
    std::string wanted;
    in_turn(owner, [&] {
      for (const size_t length : {1, 2, 3, 4, 5, 600, 5000}) {
        write(owner, link.id, pattern(length, length));
        wanted += pattern(length, length);
      }
    });
    CHECK(pump(owner, link.far, wanted.size()) == wanted);
  }
}

TEST_BOTH("Reactor retries a write after EINTR, at once and from the backlog") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  owner.faults().add({Call::send, EINTR, 0, 3});
  CHECK_EQ(write(owner, link.id, "a"), 0);
  const std::string all = block(owner, link.id);
  owner.faults().add({Call::send, EINTR, 0, 3});
  CHECK(pump(owner, link.far, 1 + all.size()) == "a" + all);
}

TEST_BOTH("Reactor tells of a failed write once, and takes no more") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  owner.settle();
  owner.faults().add({Call::send, ECONNRESET, 0, 1});
  in_turn(owner, [&] { CHECK_EQ(write(owner, link.id, "x"), 1); });
  owner.told.clear();
  CHECK_EQ(write(owner, link.id, "y"), -EPIPE);
  CHECK_EQ(owner.reactor().pending(link.id), 0);
  owner.settle();
  CHECK_EQ(count_of(owner, EventKind::write_failed), 0);
  // Reading is another matter.
  CHECK_EQ(owner.reactor().start_reading(link.id, 10, false), 0);
  send_all(link.far, "z");
  CHECK_EQ(owner.receive(link.id, 1), std::string("z"));
}

TEST_BOTH("Reactor tells of a write that fails when the peer resets a blocked connection") {
  Owner owner(make);
  Link link = tcp_link(owner);
  block(owner, link.id);
  reset_on_close(link.far);
  link.far.close();
  owner.take(EventKind::write_failed, link.id);
  CHECK_EQ(owner.reactor().pending(link.id), 0);
  owner.settle();
  CHECK_EQ(count_of(owner, EventKind::write_failed), 0);
}

TEST_BOTH("Reactor.shut_write ends the stream after what was written") {
  Owner owner(make);
  const Link small = tcp_link(owner);
  owner.settle();
  in_turn(owner, [&] {
    write(owner, small.id, "bye");
    CHECK_EQ(owner.reactor().shut_write(small.id), 0);
    CHECK_EQ(write(owner, small.id, "more"), -EPIPE);
  });
  CHECK_EQ(receive_to_end(small.far), std::string("bye"));
  const Link large = tcp_link(owner);
  const std::string all = block(owner, large.id);
  CHECK_EQ(owner.reactor().shut_write(large.id), 0);
  CHECK(pump(owner, large.far, all.size()) == all);
  while (owner.reactor().pending(large.id) > 0) owner.turn();
  CHECK_EQ(receive_to_end(large.far), std::string());
  // The other direction is open still.
  CHECK_EQ(owner.reactor().start_reading(large.id, 10, false), 0);
  send_all(large.far, "late");
  CHECK_EQ(owner.receive(large.id, 4), std::string("late"));
}

TEST_BOTH("Reactor.close sends what a turn has gathered") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  owner.settle();
  in_turn(owner, [&] {
    write(owner, link.id, "bye");
    CHECK_EQ(owner.reactor().close(link.id), 0);
  });
  CHECK_EQ(receive_to_end(link.far), std::string("bye"));
}

TEST_BOTH("Reactor.close waits for the backlog, then tells") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  const std::string all = block(owner, link.id);
  CHECK_EQ(owner.reactor().close(link.id), 1);
  CHECK_EQ(owner.reactor().close(link.id), 1);
  CHECK_EQ(write(owner, link.id, "more"), -EPIPE);
  CHECK(pump(owner, link.far, all.size()) == all);
  CHECK_EQ(owner.take(EventKind::closed, link.id).a, 0);
  CHECK_EQ(owner.reactor().close(link.id), -EBADF);
  CHECK_EQ(receive_to_end(link.far), std::string());
}

TEST_BOTH("Reactor.close tells if the backlog could not be sent") {
  Owner owner(make);
  Link link = tcp_link(owner);
  block(owner, link.id);
  CHECK_EQ(owner.reactor().close(link.id), 1);
  reset_on_close(link.far);
  link.far.close();
  CHECK(owner.take(EventKind::closed, link.id).a != 0);
  CHECK_EQ(owner.reactor().live(), 0u);
  owner.settle();
  CHECK_EQ(count_of(owner, EventKind::write_failed), 0);
}

TEST_BOTH("Reactor.close of a socket that reads no more does not reset the peer's unread bytes") {
  Owner owner(make);
  for (const size_t unread : {1, 100, 300000}) {
    for (const int interrupted : {0, 3}) {
      const Link link = tcp_link(owner);
      std::string much = pattern(unread);
      send_all(link.far, much);
      CHECK(is_ready(owner.reactor().descriptor(link.id), POLLIN));
      CHECK_EQ(write(owner, link.id, "answer"), 0);
      owner.faults().clear();
      if (interrupted > 0) owner.faults().add({Call::recv, EINTR, 0, interrupted});
      CHECK_EQ(owner.reactor().close(link.id), 0);
      owner.reactor().flush();
      CHECK_EQ(receive_to_end(link.far), std::string("answer"));
    }
  }
}

TEST_BOTH("Reactor.abort resets a TCP connection and drops what is unsent") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  block(owner, link.id);
  CHECK_EQ(owner.reactor().abort(link.id), 0);
  int error = 0;
  CHECK(receive_to_end(link.far, &error).size() < kMuch);
  CHECK_EQ(error, ECONNRESET);
  CHECK_EQ(owner.reactor().abort(link.id), -EBADF);
  owner.settle();
  CHECK_EQ(count_of(owner, EventKind::closed), 0);
}

TEST_BOTH("Reactor.abort in the middle of a turn forgets what was gathered") {
  Owner owner(make);
  const Link gone = tcp_link(owner);
  const Link kept = tcp_link(owner);
  owner.settle();
  in_turn(owner, [&] {
    write(owner, gone.id, "never");
    write(owner, kept.id, "sent");
    CHECK_EQ(owner.reactor().abort(gone.id), 0);
    // Its slot is not given to another before the next batch.
    CHECK(slot_of(owner.socket()) != slot_of(gone.id));
  });
  int error = 0;
  CHECK_EQ(receive_to_end(gone.far, &error), std::string());
  CHECK_EQ(error, ECONNRESET);
  CHECK_EQ(receive(kept.far, 4), std::string("sent"));
}

TEST_BOTH("Reactor ends sockets in every state when it ends") {
  const int before = open_descriptors();
  std::vector<Fd> peers;
  {
    Owner owner(make);
    owner.socket();
    owner.listen(loopback());
    Link blocked = tcp_link(owner);
    block(owner, blocked.id);
    Link closing = tcp_link(owner);
    block(owner, closing.id);
    CHECK_EQ(owner.reactor().close(closing.id), 1);
    Link gathered = tcp_link(owner);
    owner.reactor().begin_turn();
    write(owner, gathered.id, "x");
    peers.push_back(std::move(blocked.far));
    peers.push_back(std::move(closing.far));
    peers.push_back(std::move(gathered.far));
    const Fd full = tcp_listener(0);
    const Id connecting = owner.socket();
    owner.reactor().connect(connecting, sockaddr_of(loopback(port_of(full.get()))));
    CHECK(owner.reactor().live() >= 6u);
  }
  CHECK_EQ(open_descriptors(), before + static_cast<int>(peers.size()));
}

TEST_BOTH("Reactor's close failing with EINTR leaks nothing") {
  Owner owner(make);
  const Link link = tcp_link(owner);
  owner.faults().add({Call::close, EINTR, 0, 1});
  const int before = open_descriptors();
  CHECK_EQ(owner.reactor().close(link.id), 0);
  CHECK_EQ(open_descriptors(), before - 1);
}

TEST_BOTH("Reactor.socket answers the system's refusal") {
  Owner owner(make);
  owner.faults().add({Call::socket, EMFILE, 0, 1});
  CHECK_EQ(owner.reactor().socket(AF_INET, SOCK_STREAM, 0), int64_t{-EMFILE});
  CHECK_EQ(owner.reactor().live(), 0u);
}

}  // namespace sk
