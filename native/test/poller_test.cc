#include "core/poller.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "test/net.h"

namespace sk {

using namespace sk::test;

namespace {

using Seen = std::map<uint64_t, uint32_t>;

std::unique_ptr<Poller> made(MakePoller make) {
  int error = -1;
  std::unique_ptr<Poller> poller = make(&error);
  CHECK_EQ(error, 0);
  CHECK(poller != nullptr);
  return poller;
}

// Waits until `token` has been reported with at least `readiness`, and tells what else was.
Seen await(Poller& poller, uint64_t token, uint32_t readiness, int capacity = 64) {
  Seen seen;
  while ((seen[token] & readiness) != readiness) {
    CHECK(is_ready(poller.fd(), POLLIN));
    std::vector<PollEvent> events(static_cast<size_t>(capacity));
    const int count = poller.wait(events.data(), capacity);
    CHECK(count >= 0 && count <= capacity);
    for (int i = 0; i < count; ++i) {
      const PollEvent& event = events[static_cast<size_t>(i)];
      CHECK(event.readiness != 0);
      seen[event.token] |= event.readiness;
    }
  }
  return seen;
}

// What has been reported by the time that a new socket is: with either poller that is everything.
Seen reported(Poller& poller) {
  constexpr uint64_t kSentinel = 1u << 30;
  const Pair pair = unix_pair();
  CHECK_EQ(poller.add(pair.near.get(), kSentinel), 0);
  Seen seen = await(poller, kSentinel, kWritable);
  poller.remove(pair.near.get());
  seen.erase(kSentinel);
  return seen;
}

void drain(int fd) {
  char sink[4096];
  while (::recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0) {
  }
  CHECK_EQ(errno, EAGAIN);
}

void fill(int fd) {
  const std::string bytes = pattern(64 * 1024);
  while (::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  CHECK_EQ(errno, EAGAIN);
}

std::set<int> descriptors() {
  std::set<int> out;
  DIR* folder = ::opendir("/proc/self/fd");
  CHECK(folder != nullptr);
  while (const dirent* entry = ::readdir(folder)) {
    if (entry->d_name[0] != '.') out.insert(std::atoi(entry->d_name));
  }
  out.erase(::dirfd(folder));
  ::closedir(folder);
  return out;
}

// Lowers the limit of descriptors for a while.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit lower = {limit, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &lower);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

// A thread that does something again and again until it is stopped.
class Companion {
 public:
  template <typename Work>
  Companion(std::atomic<bool>& stopping, Work work)
      : stopping_(stopping), thread_([&stopping, work]() mutable {
          while (!stopping) work();
        }) {}
  ~Companion() {
    stopping_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool>& stopping_;
  std::thread thread_;
};

}  // namespace

TEST_BOTH("Poller.fd is quiet while nothing is watched") {
  const auto poller = made(make);
  PollEvent event;
  CHECK(!is_ready(poller->fd(), POLLIN, 0));
  CHECK_EQ(poller->wait(&event, 1), 0);
}

TEST_BOTH("Poller's descriptors are close-on-exec") {
  const std::set<int> before = descriptors();
  const auto poller = made(make);
  int fresh = 0;
  for (const int fd : descriptors()) {
    if (before.count(fd) != 0) continue;
    ++fresh;
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(fresh >= 2);
}

TEST_BOTH("make_poller without descriptors answers EMFILE and keeps none") {
  const std::set<int> before = descriptors();
  // One descriptor more each time, until it is enough.
  for (rlim_t more = 0;; ++more) {
    CHECK(more < 16);
    int error = 0;
    std::unique_ptr<Poller> poller;
    {
      const DescriptorLimit limit(static_cast<rlim_t>(*before.rbegin()) + 1 + more);
      poller = make(&error);
    }
    if (poller != nullptr) break;
    CHECK_EQ(error, EMFILE);
    CHECK(descriptors() == before);
  }
}

TEST_BOTH("Poller.add tells what is so already") {
  const auto poller = made(make);
  const Pair pair = unix_pair();
  send_all(pair.far, "x");
  CHECK_EQ(poller->add(pair.near.get(), 1), 0);
  await(*poller, 1, kReadable | kWritable);
  poller->remove(pair.near.get());
}

TEST_BOTH("Poller tells of data that come later") {
  const auto poller = made(make);
  const Pair pair = unix_pair();
  CHECK_EQ(poller->add(pair.near.get(), 1), 0);
  CHECK_EQ(await(*poller, 1, kWritable)[1], kWritable);
  send_all(pair.far, "x");
  await(*poller, 1, kReadable);
  poller->remove(pair.near.get());
}

TEST_BOTH("Poller is silent about what it has told until the owner has met would-block") {
  const auto poller = made(make);
  const Pair pair = unix_pair();
  send_all(pair.far, "x");
  CHECK_EQ(poller->add(pair.near.get(), 1), 0);
  await(*poller, 1, kReadable | kWritable);
  // Nothing was read: to be told again and again would keep the owner busy for nothing.
  for (int i = 0; i < 3; ++i) CHECK(reported(*poller).empty());
  poller->remove(pair.near.get());
}

TEST_BOTH("Poller tells again of each edge after would-block and modify") {
  const auto poller = made(make);
  const Pair pair = unix_pair();
  CHECK_EQ(poller->add(pair.near.get(), 1), 0);
  for (int round = 0; round < 100; ++round) {
    send_all(pair.far, "x");
    await(*poller, 1, kReadable);
    drain(pair.near.get());
    poller->modify(pair.near.get(), 1, kReadable);
  }
  poller->remove(pair.near.get());
}

TEST_BOTH("Poller loses no edge that comes between would-block and modify") {
  const auto poller = made(make);
  const Pair pair = unix_pair();
  CHECK_EQ(poller->add(pair.near.get(), 1), 0);
  for (int round = 0; round < 100; ++round) {
    drain(pair.near.get());
    send_all(pair.far, "x");
    poller->modify(pair.near.get(), 1, kReadable);
    await(*poller, 1, kReadable);
  }
  poller->remove(pair.near.get());
}

TEST_BOTH("Poller tells when a full socket can be written to") {
  const auto poller = made(make);
  const Pair pair = tcp_pair();
  CHECK_EQ(poller->add(pair.near.get(), 1), 0);
  await(*poller, 1, kWritable);
  for (int round = 0; round < 3; ++round) {
    fill(pair.near.get());
    poller->modify(pair.near.get(), 1, kWritable);
    while (is_ready(pair.near.get(), POLLOUT, 0) == false) {
      CHECK(is_ready(pair.far.get(), POLLIN));
      drain(pair.far.get());
    }
    await(*poller, 1, kWritable);
  }
  poller->remove(pair.near.get());
}

TEST_BOTH("Poller does not tell of writing while a socket is full") {
  const auto poller = made(make);
  const Pair pair = unix_pair();
  fill(pair.near.get());
  CHECK_EQ(poller->add(pair.near.get(), 1), 0);
  poller->modify(pair.near.get(), 1, kWritable);
  CHECK(reported(*poller).empty());
  poller->remove(pair.near.get());
}

TEST_BOTH("Poller tells of the peer's end as readable") {
  const auto poller = made(make);
  Pair pair = tcp_pair();
  CHECK_EQ(poller->add(pair.near.get(), 1), 0);
  await(*poller, 1, kWritable);
  CHECK_EQ(::shutdown(pair.far.get(), SHUT_WR), 0);
  await(*poller, 1, kReadable);
  poller->remove(pair.near.get());
}

TEST_BOTH("Poller tells of a reset as a hangup, and does not go on about it") {
  const auto poller = made(make);
  Pair pair = tcp_pair();
  CHECK_EQ(poller->add(pair.near.get(), 1), 0);
  await(*poller, 1, kWritable);
  reset_on_close(pair.far);
  pair.far.close();
  await(*poller, 1, kHangup);
  for (int i = 0; i < 3; ++i) CHECK(reported(*poller).empty());
  poller->remove(pair.near.get());
}

TEST_BOTH("Poller tells of a refused connect") {
  const auto poller = made(make);
  Fd listener = tcp_listener();
  const Sockaddr address = sockaddr_of(loopback(port_of(listener.get())));
  listener.close();
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int result = ::connect(fd.get(), address.get(), address.length);
  CHECK(result < 0 && (errno == EINPROGRESS || errno == ECONNREFUSED));
  CHECK_EQ(poller->add(fd.get(), 1), 0);
  await(*poller, 1, kHangup);
  poller->remove(fd.get());
}

TEST_BOTH("Poller.remove ends the reports, also of what is ready and not yet told") {
  const auto poller = made(make);
  for (int round = 0; round < 50; ++round) {
    Pair pair = unix_pair();
    send_all(pair.far, "x");
    CHECK_EQ(poller->add(pair.near.get(), 1), 0);
    if (round % 2 == 0) CHECK(is_ready(poller->fd(), POLLIN));
    poller->remove(pair.near.get());
    pair.near.close();
    CHECK(reported(*poller).empty());
  }
}

TEST_BOTH("Poller.remove lets go of the descriptor: what close does is done at once") {
  const auto poller = made(make);
  const Sockaddr name = sockaddr_of(abstract_name());
  for (uint64_t round = 1; round <= 200; ++round) {
    Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    CHECK_EQ(::bind(listener.get(), name.get(), name.length), 0);
    CHECK_EQ(::listen(listener.get(), 1), 0);
    CHECK_EQ(poller->add(listener.get(), round), 0);
    // By then the descriptor is being waited for.
    reported(*poller);
    poller->remove(listener.get());
  }
}

TEST_BOTH("Poller does not tell a successor's events with its predecessor's token") {
  const auto poller = made(make);
  Fd taken(::dup(STDERR_FILENO));
  const int number = taken.get();
  for (uint64_t token = 1; token <= 50; ++token) {
    taken.close();
    Pair pair = unix_pair();
    const int wanted = pair.near.get() == number ? pair.near.get() : pair.far.get();
    CHECK_EQ(wanted, number);
    CHECK_EQ(poller->add(number, token), 0);
    const Seen seen = await(*poller, token, kWritable);
    CHECK_EQ(seen.size(), 1u);
    poller->modify(number, token - 1, kWritable);
    CHECK(reported(*poller).empty());
    poller->remove(number);
    pair.near.close();
    pair.far.close();
    taken = Fd(::dup(STDERR_FILENO));
    CHECK_EQ(taken.get(), number);
  }
}

TEST_BOTH("Poller tells of many descriptors, however little room there is") {
  for (const int capacity : {1, 7, 256, 1000}) {
    const auto poller = made(make);
    std::vector<Pair> pairs;
    std::set<uint64_t> missing;
    for (uint64_t token = 0; token < 400; ++token) {
      pairs.push_back(unix_pair());
      send_all(pairs.back().far, "x");
      CHECK_EQ(poller->add(pairs.back().near.get(), token), 0);
      missing.insert(token);
    }
    std::vector<PollEvent> events(static_cast<size_t>(capacity));
    while (!missing.empty()) {
      CHECK(is_ready(poller->fd(), POLLIN));
      const int count = poller->wait(events.data(), capacity);
      CHECK(count >= 0 && count <= capacity);
      for (int i = 0; i < count; ++i) {
        const PollEvent& event = events[static_cast<size_t>(i)];
        if ((event.readiness & kReadable) != 0) missing.erase(event.token);
      }
    }
    for (const Pair& pair : pairs) poller->remove(pair.near.get());
  }
}

TEST_BOTH("Poller.wake makes fd readable until the next wait") {
  const auto poller = made(make);
  PollEvent event;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i <= round; ++i) poller->wake();
    CHECK(is_ready(poller->fd(), POLLIN, 0));
    CHECK_EQ(poller->wait(&event, 1), 0);
    CHECK(!is_ready(poller->fd(), POLLIN, 0));
  }
}

TEST_BOTH("Poller.wake works from another thread, and none is lost") {
  const auto poller = made(make);
  std::atomic<int> asked{0};
  std::atomic<int> heard{0};
  std::thread other([&] {
    for (int i = 1; i <= 200; ++i) {
      asked = i;
      poller->wake();
      while (heard < i) std::this_thread::yield();
    }
  });
  while (heard < 200) {
    CHECK(is_ready(poller->fd(), POLLIN));
    PollEvent event;
    CHECK_EQ(poller->wait(&event, 1), 0);
    heard = asked.load();
  }
  other.join();
}

TEST_BOTH("Poller is changed while others wake it and peers write") {
  const auto poller = made(make);
  std::vector<Pair> pairs;
  for (uint64_t token = 0; token < 32; ++token) {
    pairs.push_back(unix_pair());
    CHECK_EQ(poller->add(pairs.back().near.get(), token), 0);
  }
  // Both threads end with the test, also with one that fails.
  std::atomic<bool> stopping{false};
  const Companion waker(stopping, [&] { poller->wake(); });
  const Companion writer(stopping, [&, i = size_t{0}]() mutable {
    ::send(pairs[++i % pairs.size()].far.get(), "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  for (uint64_t round = 0; round < 2000; ++round) {
    const Pair passing = unix_pair();
    CHECK_EQ(poller->add(passing.near.get(), 1000 + round), 0);
    PollEvent events[8];
    const int count = poller->wait(events, 8);
    CHECK(count >= 0);
    for (int i = 0; i < count; ++i) {
      if (events[i].token >= pairs.size()) continue;
      const int fd = pairs[events[i].token].near.get();
      drain(fd);
      poller->modify(fd, events[i].token, kReadable);
    }
    poller->remove(passing.near.get());
  }
  stopping = true;
  for (uint64_t token = 0; token < pairs.size(); ++token) {
    drain(pairs[token].near.get());
    poller->modify(pairs[token].near.get(), token, kReadable);
    send_all(pairs[token].far, "x");
    await(*poller, token, kReadable);
  }
}

TEST_BOTH("~Poller ends while descriptors are watched, ready or not") {
  const Pair idle = unix_pair();
  const Pair ready = unix_pair();
  send_all(ready.far, "x");
  for (int round = 0; round < 50; ++round) {
    const auto poller = made(make);
    CHECK_EQ(poller->add(idle.near.get(), 1), 0);
    if (round % 3 == 1) CHECK_EQ(poller->add(ready.near.get(), 2), 0);
    if (round % 3 == 2) reported(*poller);
  }
}

}  // namespace sk
