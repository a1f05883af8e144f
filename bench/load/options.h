// What one slice should do, from the command line.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "clock.h"

namespace load {

struct Options {
  std::string mode;
  std::uint16_t port = 0;
  pid_t pid = 0;
  int core = -1;
  int connections = 1;
  int size = 64;
  int window = 1;
  bool tls = false;
  Nanos duration = 250 * kMillisecond;
  Nanos warm_up = 50 * kMillisecond;
};

extern const char* const kUsage;

// Exits with a message and code 2 when the arguments make no sense.
Options parse_options(int argc, char** argv);

}  // namespace load
