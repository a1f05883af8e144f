// What one slice found, and its line of JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clock.h"

namespace load {

// Everything that went wrong. A slice with a single error is not a result.
class Errors {
 public:
  // Counts one; the first one's text is kept. `error` is an errno, or 0.
  void add(const char* what, int error = 0);
  std::int64_t count() const { return count_; }
  const std::string& first() const { return first_; }

 private:
  std::int64_t count_ = 0;
  std::string first_;
};

// The measured part of a slice: from the end of the warm-up on, for the rest of the time, or until
// something has been completed.
class Window {
 public:
  Window(const CpuClock& server, Nanos warm_up, Nanos duration);

  enum class Phase { kWarmUp, kMeasure, kOver };

  // To be called often, with the number of requests completed since the start of the slice.
  Phase update(std::int64_t completed);
  Phase phase() const { return phase_; }
  // Whether the next `update` would begin or end the measured part.
  bool due() const;
  // Milliseconds until `update` has something to do, rounded up, for epoll_wait(2). At least 1.
  int timeout_ms() const;

  std::int64_t requests() const { return end_.completed - begin_.completed; }
  Nanos wall() const { return end_.wall - begin_.wall; }
  Nanos server_cpu() const { return end_.server - begin_.server; }
  Nanos own_cpu() const { return end_.own - begin_.own; }

 private:
  struct Mark {
    Nanos wall = 0;
    Nanos server = 0;
    Nanos own = 0;
    std::int64_t completed = 0;
  };
  Mark mark(std::int64_t completed) const;
  // Whether the server has done anything in the measured part.
  bool has_worked(std::int64_t completed) const;

  const CpuClock& server_;
  Nanos measure_at_;
  Nanos over_at_;
  Phase phase_ = Phase::kWarmUp;
  Mark begin_;
  Mark end_;
};

// Prints the line. `latencies` may be empty; it is sorted here.
void print_result(const std::string& mode, int connections, const Window& window,
                  std::vector<Nanos>& latencies, bool settled, const Errors& errors);

// The same for connections that are only held open.
void print_open(int connections, Nanos took, const Errors& errors);

}  // namespace load
