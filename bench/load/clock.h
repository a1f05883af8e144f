// Time, always as signed nanoseconds: a difference that comes out negative stays visible.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace load {

using Nanos = std::int64_t;

constexpr Nanos kMillisecond = 1'000'000;
constexpr Nanos kSecond = 1'000'000'000;

// Monotonic wall time.
Nanos now();

// CPU time of this process.
Nanos own_cpu();

// CPU time of another process, all its threads together.
class CpuClock {
 public:
  // Exits with a message if there is no such process.
  explicit CpuClock(pid_t pid);
  Nanos read() const;

  // Waits until the process is idle, so that work left over from one slice is not charged to the
  // next one; at most `limit`. Answers whether it became idle.
  bool wait_until_idle(Nanos limit) const;

 private:
  clockid_t id_;
};

}  // namespace load
