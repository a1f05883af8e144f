// Signals that come all the time, so that every call that waits is interrupted again and again.
#pragma once

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <ctime>
#include <thread>

namespace sk::test {

// Interrupts whatever the thread that made it does, every half millisecond.
class SignalStorm {
 public:
  SignalStorm() : thread_(::pthread_self()) {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    // Without SA_RESTART, so that calls end with EINTR.
    ::sigaction(SIGUSR1, &action, &before_);
    storm_ = std::thread([this] {
      const timespec pause = {0, 500 * 1000};
      while (!is_over_) {
        ::pthread_kill(thread_, SIGUSR1);
        ++count_;
        ::nanosleep(&pause, nullptr);
      }
    });
  }
  SignalStorm(const SignalStorm&) = delete;
  SignalStorm& operator=(const SignalStorm&) = delete;
  ~SignalStorm() {
    is_over_ = true;
    storm_.join();
    ::sigaction(SIGUSR1, &before_, nullptr);
  }

  // Signals that were sent. They are not counted where they come, for the thread sanitizer holds
  // handlers back while a thread is in a call that it does not know.
  int count() const { return count_; }
  // Waits, in any thread, until so many more were sent.
  void await(int more) const {
    for (const int wanted = count_ + more; count_ < wanted;) std::this_thread::yield();
  }

 private:
  pthread_t thread_;
  struct sigaction before_ = {};
  std::atomic<int> count_{0};
  std::atomic<bool> is_over_{false};
  std::thread storm_;
};

}  // namespace sk::test
