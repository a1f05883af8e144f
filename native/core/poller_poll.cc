// poll(2), for systems without a better call and, forced, as a check on the others. poll(2) has no
// descriptor that stands for its set, so a thread blocks in it and makes a pipe readable when
// something is ready; the owner then asks again, without blocking, on its own thread.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/poller.h"

namespace sk {

namespace {

// A pipe used as a flag: raised any number of times, lowered once.
class Flag {
 public:
  ~Flag() {
    for (const int fd : ends_) {
      if (fd >= 0) ::close(fd);
    }
  }
  int open() { return ::pipe2(ends_, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0; }
  int fd() const { return ends_[0]; }
  void raise() {
    // A full pipe is raised already.
    [[maybe_unused]] const ssize_t written = ::write(ends_[1], "", 1);
  }
  void lower() {
    char sink[64];
    while (::read(ends_[0], sink, sizeof(sink)) > 0) {
    }
  }

 private:
  int ends_[2] = {-1, -1};
};

struct Entry {
  uint64_t token;
  uint32_t interest;
  bool is_hung;  // a hangup has been told: poll(2) would report it for ever
};

short poll_bits(uint32_t interest) {
  short bits = 0;
  if (interest & kReadable) bits = static_cast<short>(bits | POLLIN);
  if (interest & kWritable) bits = static_cast<short>(bits | POLLOUT);
  return bits;
}

uint32_t readiness_of(short revents) {
  uint32_t readiness = 0;
  if (revents & POLLIN) readiness |= kReadable;
  if (revents & POLLOUT) readiness |= kWritable;
  // POLLNVAL: somebody else has closed the descriptor. Reading says so.
  if (revents & (POLLHUP | POLLERR | POLLNVAL)) readiness |= kHangup;
  if (revents & (POLLERR | POLLNVAL)) readiness |= kFailed;
  return readiness;
}

class PollPoller final : public Poller {
 public:
  ~PollPoller() override {
    if (!started_) return;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    resume_.notify_one();
    changed_.raise();
    ::pthread_join(watcher_, nullptr);
  }

  int open() {
    int error = changed_.open();
    if (error == 0) error = ready_.open();
    if (error == 0) error = -::pthread_create(&watcher_, nullptr, &PollPoller::run, this);
    started_ = error == 0;
    return error;
  }

  int fd() const override { return ready_.fd(); }

  int add(int fd, uint64_t token) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    entries_[fd] = {token, kReadable | kWritable, false};
    changed_.raise();
    return 0;
  }

  void modify(int fd, uint64_t token, uint32_t interest) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = entries_.find(fd);
    if (found == entries_.end() || found->second.token != token) return;
    found->second.interest |= interest;
    // The owner has met "would block", or connects anew: what it was told of is over.
    found->second.is_hung = false;
    changed_.raise();
  }

  // Waits until the watcher is not in poll(2) with the descriptor: there it holds the socket open,
  // and closing it would leave its address taken.
  void remove(int fd) override {
    std::unique_lock<std::mutex> lock(mutex_);
    if (entries_.erase(fd) == 0) return;
    changed_.raise();
    const uint64_t round = round_;
    left_.wait(lock, [this, round] { return !in_poll_ || round_ != round; });
  }

  int wait(PollEvent* events, int capacity) override {
    ready_.lower();
    const std::lock_guard<std::mutex> lock(mutex_);
    snapshot(&own_set_);
    int count;
    do {
      count = ::poll(own_set_.data(), static_cast<nfds_t>(own_set_.size()), 0);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    int stored = 0;
    for (const pollfd& item : own_set_) {
      if (item.revents == 0 || stored == capacity) continue;
      Entry& entry = entries_[item.fd];
      const uint32_t readiness = readiness_of(item.revents);
      const bool hangs_up = (readiness & kHangup) != 0;
      entry.is_hung = entry.is_hung || hangs_up;
      entry.interest &= hangs_up ? 0 : ~readiness;
      events[stored++] = {entry.token, readiness};
    }
    parked_ = false;
    resume_.notify_one();
    return stored;
  }

  void wake() override { ready_.raise(); }

 private:
  // Also entries without an interest: poll(2) reports errors and hangups all the same.
  void snapshot(std::vector<pollfd>* out) const {
    out->clear();
    for (const auto& [fd, entry] : entries_) {
      if (entry.interest == 0 && entry.is_hung) continue;
      out->push_back({fd, poll_bits(entry.interest), 0});
    }
  }

  static void* run(void* self) {
    static_cast<PollPoller*>(self)->watch();
    return nullptr;
  }

  // The watcher reports once and then parks until the owner has looked, or it would spin.
  void watch() {
    std::vector<pollfd> set;
    std::unique_lock<std::mutex> lock(mutex_);
    while (!stopping_) {
      changed_.lower();
      snapshot(&set);
      set.push_back({changed_.fd(), POLLIN, 0});
      in_poll_ = true;
      ++round_;
      lock.unlock();
      const int count = ::poll(set.data(), static_cast<nfds_t>(set.size()), -1);
      lock.lock();
      in_poll_ = false;
      left_.notify_all();
      const bool only_changed = count == 1 && set.back().revents != 0;
      if (count <= 0 || only_changed) continue;
      parked_ = true;
      ready_.raise();
      resume_.wait(lock, [this] { return !parked_ || stopping_; });
    }
  }

  Flag changed_;
  Flag ready_;
  std::mutex mutex_;
  std::condition_variable resume_;
  std::unordered_map<int, Entry> entries_;
  std::vector<pollfd> own_set_;
  std::condition_variable left_;
  bool in_poll_ = false;
  uint64_t round_ = 0;  // counts calls of poll(2)
  bool parked_ = false;
  bool stopping_ = false;
  bool started_ = false;
  pthread_t watcher_ = {};
};

}  // namespace

std::unique_ptr<Poller> make_poll_poller(int* error) {
  auto poller = std::make_unique<PollPoller>();
  *error = -poller->open();
  if (*error != 0) return nullptr;
  return poller;
}

}  // namespace sk
