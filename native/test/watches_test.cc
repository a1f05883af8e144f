#include "core/watches.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "test/net.h"

namespace sk {

using namespace sk::test;

namespace {

using Seen = std::map<int32_t, uint32_t>;

Id id_of(uint32_t slot, uint64_t generation = 1) { return generation << kSlotBits | slot; }

Watches made(MakePoller make) {
  int error = -1;
  std::unique_ptr<Poller> poller = make(&error);
  CHECK_EQ(error, 0);
  return Watches(std::move(poller));
}

// Waits until the slot has been told with all of `readiness`, and tells what else was.
Seen await(Watches& watches, int32_t slot, uint32_t readiness, uint32_t capacity = 64) {
  Seen seen;
  while ((seen[slot] & readiness) != readiness) {
    CHECK(is_ready(watches.fd(), POLLIN));
    std::vector<ReadySlot> ready(capacity);
    const uint32_t count = watches.collect(ready.data(), capacity);
    CHECK(count <= capacity);
    for (uint32_t i = 0; i < count; ++i) {
      CHECK(ready[i].readiness != 0);
      seen[ready[i].slot] |= static_cast<uint32_t>(ready[i].readiness);
    }
  }
  return seen;
}

// Waits until all slots from `first` up to `end` have been told.
void await_each(Watches& watches, int32_t first, int32_t end, uint32_t readiness,
                uint32_t capacity = 64) {
  Seen seen;
  for (int32_t slot = first; slot < end; ++slot) {
    if ((seen[slot] & readiness) == readiness) continue;
    for (const auto& [at, how] : await(watches, slot, readiness, capacity)) seen[at] |= how;
  }
}

// What has been told by the time that a new socket is: with either poller that is everything.
Seen told(Watches& watches) {
  constexpr uint32_t kSentinel = 999;
  static uint64_t generation = 0;
  const Pair pair = unix_pair();
  const Id id = id_of(kSentinel, ++generation);
  CHECK_EQ(watches.watch(id, pair.near.get(), kWritable), 0);
  Seen seen = await(watches, kSentinel, kWritable);
  watches.unwatch(id);
  seen.erase(kSentinel);
  return seen;
}

void drain(int fd) {
  char sink[4096];
  while (::recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0) {
  }
  CHECK_EQ(errno, EAGAIN);
}

}  // namespace

TEST_BOTH("Watches tells of what is so at first, and of each change after would-block") {
  Watches watches = made(make);
  const Pair pair = unix_pair();
  CHECK_EQ(watches.watch(id_of(7), pair.near.get(), kReadable), 0);
  CHECK_EQ(await(watches, 7, kWritable)[7], kWritable);
  for (int round = 0; round < 50; ++round) {
    send_all(pair.far, "x");
    await(watches, 7, kReadable);
    drain(pair.near.get());
    CHECK_EQ(watches.watch(id_of(7), pair.near.get(), kReadable), 0);
  }
  CHECK(told(watches).empty());
  watches.unwatch(id_of(7));
}

TEST_BOTH("Watches loses no change that comes between would-block and watch") {
  Watches watches = made(make);
  const Pair pair = unix_pair();
  for (int round = 0; round < 50; ++round) {
    drain(pair.near.get());
    send_all(pair.far, "x");
    CHECK_EQ(watches.watch(id_of(0), pair.near.get(), kReadable), 0);
    await(watches, 0, kReadable);
  }
  watches.unwatch(id_of(0));
}

TEST_BOTH("Watches is silent about what stays as it was") {
  Watches watches = made(make);
  const Pair pair = unix_pair();
  send_all(pair.far, "x");
  CHECK_EQ(watches.watch(id_of(0), pair.near.get(), kReadable), 0);
  await(watches, 0, kReadable | kWritable);
  for (int i = 0; i < 3; ++i) CHECK(told(watches).empty());
  watches.unwatch(id_of(0));
}

TEST_BOTH("Watches.unwatch ends the reports, also of what is ready and not yet told") {
  Watches watches = made(make);
  for (uint64_t round = 1; round <= 30; ++round) {
    Pair pair = unix_pair();
    send_all(pair.far, "x");
    CHECK_EQ(watches.watch(id_of(0, round), pair.near.get(), kReadable), 0);
    if (round % 2 == 0) CHECK(is_ready(watches.fd(), POLLIN));
    watches.unwatch(id_of(0, round));
    if (round % 3 == 0) pair.near.close();
    CHECK(told(watches).empty());
  }
}

TEST_BOTH("Watches.unwatch of what is not watched does nothing") {
  Watches watches = made(make);
  const Pair pair = unix_pair();
  for (const Id id : {Id{0}, id_of(0), id_of(5), ~Id{0}}) watches.unwatch(id);
  CHECK_EQ(watches.watch(id_of(3, 5), pair.near.get(), kReadable), 0);
  for (const Id id : {id_of(3, 4), id_of(3, 6), id_of(4, 5), id_of(3, 0)}) watches.unwatch(id);
  await(watches, 3, kWritable);
  send_all(pair.far, "x");
  await(watches, 3, kReadable);
  watches.unwatch(id_of(3, 5));
  watches.unwatch(id_of(3, 5));
}

TEST_BOTH("Watches tells nobody of events of a slot's earlier life (F52)") {
  Watches watches = made(make);
  const Pair first = unix_pair();
  const Pair second = unix_pair();
  for (uint64_t round = 1; round <= 30; ++round) {
    CHECK_EQ(watches.watch(id_of(0, 2 * round), first.near.get(), kReadable), 0);
    await(watches, 0, kWritable);
    send_all(first.far, "x");
    CHECK(is_ready(watches.fd(), POLLIN));
    // Told to nobody by now; the slot's next life is another socket, to which nothing has come.
    watches.unwatch(id_of(0, 2 * round));
    CHECK_EQ(watches.watch(id_of(0, 2 * round + 1), second.near.get(), kReadable), 0);
    CHECK_EQ(await(watches, 0, kWritable)[0], kWritable);
    CHECK(told(watches).empty());
    watches.unwatch(id_of(0, 2 * round + 1));
    drain(first.near.get());
  }
}

TEST_BOTH("Watches tells a descriptor number's next life with its own slot (F52)") {
  Watches watches = made(make);
  Fd taken(::dup(STDERR_FILENO));
  const int number = taken.get();
  for (uint32_t slot = 0; slot < 30; ++slot) {
    taken.close();
    Pair pair = unix_pair();
    CHECK(pair.near.get() == number || pair.far.get() == number);
    CHECK_EQ(watches.watch(id_of(slot), number, kReadable), 0);
    CHECK_EQ(await(watches, static_cast<int32_t>(slot), kWritable).size(), 1u);
    watches.unwatch(id_of(slot));
    pair.near.close();
    pair.far.close();
    taken = Fd(::dup(STDERR_FILENO));
    CHECK_EQ(taken.get(), number);
  }
}

TEST_BOTH("Watches tells each of several ids of one descriptor, and closes what it made for that") {
  const Pair pair = unix_pair();
  const int before = open_descriptors();
  {
    Watches watches = made(make);
    const int with_poller = open_descriptors();
    for (uint32_t slot = 0; slot < 3; ++slot) {
      CHECK_EQ(watches.watch(id_of(slot), pair.near.get(), kReadable), 0);
    }
    await_each(watches, 0, 3, kWritable);
    // Whichever goes first, the others go on.
    for (uint32_t gone = 0; gone < 3; ++gone) {
      send_all(pair.far, "x");
      await_each(watches, static_cast<int32_t>(gone), 3, kReadable);
      drain(pair.near.get());
      for (uint32_t slot = gone; slot < 3; ++slot) {
        CHECK_EQ(watches.watch(id_of(slot), pair.near.get(), kReadable), 0);
      }
      watches.unwatch(id_of(gone));
    }
    CHECK_EQ(open_descriptors(), with_poller);
    for (uint32_t slot = 0; slot < 3; ++slot) {
      CHECK_EQ(watches.watch(id_of(slot, 2), pair.near.get(), kReadable), 0);
    }
    CHECK_EQ(open_descriptors(), with_poller + 2);
  }
  CHECK_EQ(open_descriptors(), before);
}

TEST_BOTH(
    "Watches hears of a descriptor whose number was lent before, and closed without a word (F53)") {
  Watches watches = made(make);
  Pair lent = unix_pair();
  const int number = lent.near.get();
  CHECK_EQ(watches.watch(id_of(0), number, kReadable), 0);
  await(watches, 0, kWritable);
  lent.near.close();
  Pair next = unix_pair();
  const bool is_near = next.near.get() == number;
  const Fd& ours = is_near ? next.near : next.far;
  const Fd& peer = is_near ? next.far : next.near;
  CHECK_EQ(ours.get(), number);
  CHECK_EQ(watches.watch(id_of(1), number, kReadable), 0);
  await(watches, 1, kWritable);
  // The late end of the first one's watch is nothing to the second.
  watches.unwatch(id_of(0));
  send_all(peer, "x");
  await(watches, 1, kReadable);
  watches.unwatch(id_of(1));
}

TEST_BOTH("Watches tells nobody of a descriptor that was closed, and whose file stays open (F53)") {
  Watches watches = made(make);
  Pair pair = unix_pair();
  const Fd copy(::dup(pair.near.get()));
  CHECK_EQ(watches.watch(id_of(0), pair.near.get(), kReadable), 0);
  await(watches, 0, kWritable);
  // The system's registration ends with the file, and cannot be ended by a number that is gone.
  pair.near.close();
  watches.unwatch(id_of(0));
  send_all(pair.far, "x");
  CHECK(told(watches).empty());
}

TEST_BOTH("Watches answers what the system refuses, and watches nothing then") {
  Watches watches = made(make);
  Fd closed = unix_pair().near;
  const int bad = closed.get();
  closed.close();
  const int result = watches.watch(id_of(0), bad, kReadable);
  if (result == 0) {
    // poll(2) tells of it instead.
    await(watches, 0, kFailed);
    watches.unwatch(id_of(0));
  } else {
    CHECK_EQ(result, -EBADF);
  }
  const Pair pair = unix_pair();
  CHECK_EQ(watches.watch(id_of(0), pair.near.get(), kReadable), 0);
  CHECK_EQ(await(watches, 0, kWritable)[0], kWritable);
}

TEST_BOTH("Watches without descriptors answers EMFILE for a duplicate, and makes one later (F02)") {
  Watches watches = made(make);
  const Pair pair = unix_pair();
  CHECK_EQ(watches.watch(id_of(0), pair.near.get(), kReadable), 0);
  rlimit before;
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none = {static_cast<rlim_t>(pair.near.get()), before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const int result = watches.watch(id_of(1), pair.near.get(), kReadable);
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK_EQ(result, -EMFILE);
  CHECK_EQ(watches.watch(id_of(1), pair.near.get(), kReadable), 0);
  await(watches, 1, kWritable);
}

TEST_BOTH("Watches tells of many, however little room there is") {
  for (const uint32_t capacity : {1u, 7u, 256u, 1000u}) {
    Watches watches = made(make);
    std::vector<Pair> pairs;
    for (uint32_t slot = 0; slot < 300; ++slot) {
      pairs.push_back(unix_pair());
      send_all(pairs.back().far, "x");
      CHECK_EQ(watches.watch(id_of(slot), pairs.back().near.get(), kReadable), 0);
    }
    await_each(watches, 0, 300, kReadable, capacity);
  }
}

TEST_BOTH("Watches tells of a hangup and of a failed connection") {
  Watches watches = made(make);
  Pair pair = tcp_pair();
  CHECK_EQ(watches.watch(id_of(0), pair.near.get(), kReadable), 0);
  await(watches, 0, kWritable);
  reset_on_close(pair.far);
  pair.far.close();
  await(watches, 0, kHangup | kFailed);
  CHECK(told(watches).empty());
}

TEST("Watches over epoll tells of urgent data, and refuses files of a disk") {
  Watches watches = made(make_epoll_poller);
  const Pair pair = tcp_pair();
  CHECK_EQ(watches.watch(id_of(0), pair.near.get(), kReadable), 0);
  CHECK_EQ(::send(pair.far.get(), "!", 1, MSG_OOB), 1);
  await(watches, 0, kUrgent);
  const Fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  CHECK_EQ(watches.watch(id_of(1), file.get(), kReadable), -EPERM);
}

}  // namespace sk
