// Edge-triggered epoll on a descriptor of its own. The descriptor is itself pollable, so one watch
// on the event loop stands for all sockets.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/poller.h"

namespace sk {

namespace {

constexpr uint64_t kWakeToken = ~uint64_t{0};
constexpr int kMaxEvents = 256;

uint32_t readiness_of(uint32_t events) {
  uint32_t readiness = 0;
  if (events & EPOLLIN) readiness |= kReadable;
  if (events & EPOLLPRI) readiness |= kReadable | kUrgent;
  if (events & EPOLLOUT) readiness |= kWritable;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readiness |= kHangup;
  if (events & EPOLLERR) readiness |= kFailed;
  return readiness;
}

class EpollPoller final : public Poller {
 public:
  ~EpollPoller() override {
    if (wake_ >= 0) ::close(wake_);
    if (epoll_ >= 0) ::close(epoll_);
  }

  int open() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) return -errno;
    wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_ < 0) return -errno;
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLET;
    event.data.u64 = kWakeToken;
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) < 0 ? -errno : 0;
  }

  int fd() const override { return epoll_; }

  int add(int fd, uint64_t token) override {
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = token;
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
  }

  // Nothing to do: an edge is reported by itself after every "would block".
  void modify(int, uint64_t, uint32_t) override {}

  // Nothing to do: closing the last descriptor of a socket takes it off (epoll(7)).
  void remove(int) override {}

  void forget(int fd) override {
    // Fails only if somebody has closed the descriptor, which took it off.
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  }

  int wait(PollEvent* events, int capacity) override {
    epoll_event raw[kMaxEvents];
    int count;
    do {
      count = ::epoll_wait(epoll_, raw, std::min(capacity, kMaxEvents), 0);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    int stored = 0;
    for (int i = 0; i < count; ++i) {
      // The eventfd is never read: with an edge trigger each write is one report.
      if (raw[i].data.u64 == kWakeToken) continue;
      events[stored++] = {raw[i].data.u64, readiness_of(raw[i].events)};
    }
    return stored;
  }

  void wake() override {
    const uint64_t one = 1;
    // Can only fail with EAGAIN, after 2^64 - 2 unread wakes.
    [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof(one));
  }

 private:
  int epoll_ = -1;
  int wake_ = -1;
};

}  // namespace

std::unique_ptr<Poller> make_epoll_poller(int* error) {
  auto poller = std::make_unique<EpollPoller>();
  *error = -poller->open();
  if (*error != 0) return nullptr;
  return poller;
}

}  // namespace sk
