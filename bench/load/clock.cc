#include "clock.h"

#include <time.h>

#include "fail.h"

namespace load {

namespace {

Nanos read_clock(clockid_t id) {
  timespec time{};
  if (clock_gettime(id, &time) != 0) fail("clock_gettime");
  return Nanos{time.tv_sec} * kSecond + time.tv_nsec;
}

void sleep_for(Nanos duration) {
  const timespec time{duration / kSecond, duration % kSecond};
  nanosleep(&time, nullptr);
}

}  // namespace

Nanos now() { return read_clock(CLOCK_MONOTONIC); }

Nanos own_cpu() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

CpuClock::CpuClock(pid_t pid) : id_{} {
  // clock_getcpuclockid(3) answers an error number and does not set errno.
  const int error = clock_getcpuclockid(pid, &id_);
  if (error != 0) fail("clock_getcpuclockid", error);
}

Nanos CpuClock::read() const { return read_clock(id_); }

bool CpuClock::wait_until_idle(Nanos limit) const {
  constexpr Nanos kInterval = 3 * kMillisecond;
  constexpr Nanos kIdle = kInterval / 20;
  constexpr int kNeeded = 2;
  const Nanos deadline = now() + limit;
  int quiet = 0;
  while (quiet < kNeeded) {
    if (now() > deadline) return false;
    const Nanos before = read();
    sleep_for(kInterval);
    quiet = read() - before < kIdle ? quiet + 1 : 0;
  }
  return true;
}

}  // namespace load
