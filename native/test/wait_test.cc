#include "core/wait.h"

#include <poll.h>
#include <sys/resource.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

#include "test/net.h"
#include "test/signal_storm.h"

namespace sk {

using namespace sk::test;

namespace {

using Clock = std::chrono::steady_clock;

// How long `wait_for` took, in microseconds, and what it answered.
int64_t timed_wait(pollfd* items, nfds_t count, int timeout, int* result) {
  const auto start = Clock::now();
  *result = wait_for(items, count, timeout);
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
}

}  // namespace

TEST("wait_for answers at once what is so already, whatever the timeout") {
  const Pair pair = unix_pair();
  send_all(pair.far, "x");
  for (const int timeout : {0, 1, kPatience, -1, -7}) {
    pollfd item = {pair.near.get(), POLLIN, 0};
    CHECK_EQ(wait_for(&item, 1, timeout), 1);
    CHECK_EQ(item.revents, POLLIN);
  }
}

TEST("wait_for ends when the time is up, and never early") {
  const Pair pair = unix_pair();
  for (const int timeout : {0, 1, 2, 7, 30}) {
    pollfd item = {pair.near.get(), POLLIN, 0};
    int result;
    CHECK(timed_wait(&item, 1, timeout, &result) >= int64_t{timeout} * 1000);
    CHECK_EQ(result, 0);
    CHECK_EQ(item.revents, 0);
  }
}

TEST("wait_for is neither stretched nor cut by a storm of signals (F55, F56)") {
  const Pair pair = unix_pair();
  const SignalStorm storm;
  storm.await(1);
  for (const int timeout : {1, 20, 150}) {
    pollfd item = {pair.near.get(), POLLIN, 0};
    const int before = storm.count();
    int result;
    const int64_t took = timed_wait(&item, 1, timeout, &result);
    CHECK_EQ(result, 0);
    CHECK(took >= int64_t{timeout} * 1000);
    // Beginning anew with each signal it would never end, so this is far from both.
    CHECK(took < int64_t{timeout} * 1000 + 5'000'000);
    if (timeout == 150) CHECK(storm.count() - before >= 5);
  }
}

TEST("wait_for without an end goes on through signals until something is ready (F55)") {
  const Pair pair = unix_pair();
  const SignalStorm storm;
  std::thread peer([&] {
    storm.await(20);
    ::send(pair.far.get(), "x", 1, MSG_NOSIGNAL);
  });
  pollfd item = {pair.near.get(), POLLIN, 0};
  const int result = wait_for(&item, 1, -1);
  peer.join();
  CHECK_EQ(result, 1);
  CHECK_EQ(item.revents, POLLIN);
  CHECK(storm.count() >= 20);
}

TEST("wait_for is woken in the middle of its time") {
  const Pair pair = unix_pair();
  std::thread peer([&] { ::send(pair.far.get(), "x", 1, MSG_NOSIGNAL); });
  pollfd item = {pair.near.get(), POLLIN, 0};
  const int result = wait_for(&item, 1, kPatience);
  peer.join();
  CHECK_EQ(result, 1);
}

TEST("wait_for passes over negative descriptors, and tells of bad ones") {
  const Pair pair = unix_pair();
  Fd closed = unix_pair().near;
  const int bad = closed.get();
  closed.close();
  pollfd items[3] = {{-1, POLLIN, 9}, {bad, POLLIN, 0}, {pair.near.get(), POLLOUT, 0}};
  CHECK_EQ(wait_for(items, 3, kPatience), 2);
  CHECK_EQ(items[0].revents, 0);
  CHECK_EQ(items[1].revents, POLLNVAL);
  CHECK_EQ(items[2].revents, POLLOUT);
}

TEST("wait_for of nothing is a pause; of more than the system lets, EINVAL") {
  int result;
  CHECK(timed_wait(nullptr, 0, 5, &result) >= 5000);
  CHECK_EQ(result, 0);
  std::vector<pollfd> items(2'000'000, pollfd{-1, 0, 0});
  rlimit limit;
  CHECK_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < items.size()) {
    CHECK_EQ(wait_for(items.data(), items.size(), 0), -EINVAL);
  } else {
    CHECK_EQ(wait_for(items.data(), items.size(), 0), 0);
  }
}

TEST("wait_for tells of the peer's half of a connection where that is asked for") {
  const Pair pair = tcp_pair();
  CHECK_EQ(::shutdown(pair.far.get(), SHUT_WR), 0);
  pollfd item = {pair.near.get(), POLLRDHUP, 0};
  CHECK_EQ(wait_for(&item, 1, kPatience), 1);
  CHECK_EQ(item.revents, POLLRDHUP);
}

}  // namespace sk
