#include "options.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace load {

const char* const kUsage =
    "usage: load --mode MODE --port PORT --pid PID [options]\n"
    "\n"
    "Loads one server on 127.0.0.1 for one slice of time and prints one line of JSON.\n"
    "\n"
    "  --mode echo        keep one message in flight on each connection, compare what returns\n"
    "  --mode crr         connect, send one message, read it back, close\n"
    "  --mode accept      connect, and wait for the server to close\n"
    "  --mode idle        open the connections, print the line, hold them until stdin ends\n"
    "  --mode receive     have the server read: 64 KiB a write, counted in KiB\n"
    "  --mode send        have the server write, and read it all; counted in KiB\n"
    "  --mode udp-echo    keep a window of datagrams in flight, compare what returns\n"
    "  --mode udp-receive send the server more datagrams than it can read; those it reads count\n"
    "  --mode udp-send    have the server send to each of the connections in turn\n"
    "  --connections N    at the same time (1)\n"
    "  --size BYTES       of a message, 16 to 4096 (64)\n"
    "  --window N         datagrams in flight, 1 to 256 (1)\n"
    "  --tls 0|1          speak TLS on the connections of echo, receive and send (0)\n"
    "  --duration MS      the whole slice, warm-up included (250)\n"
    "  --warm-up MS       the part of it that is not measured (50)\n"
    "  --core N           run on this core only\n";

namespace {

[[noreturn]] void refuse(const std::string& why) {
  std::fprintf(stderr, "load: %s\n\n%s", why.c_str(), kUsage);
  std::exit(2);
}

std::int64_t number(const std::string& name, const char* text, std::int64_t low,
                    std::int64_t high) {
  char* end = nullptr;
  errno = 0;
  const std::int64_t value = std::strtoll(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < low || value > high) {
    refuse(name + ": " + text + " is not a whole number from " + std::to_string(low) + " to " +
           std::to_string(high));
  }
  return value;
}

void set(Options& options, const std::string& name, const char* value) {
  if (name == "--mode") {
    options.mode = value;
  } else if (name == "--port") {
    options.port = static_cast<std::uint16_t>(number(name, value, 1, 65535));
  } else if (name == "--pid") {
    options.pid = static_cast<pid_t>(number(name, value, 1, INT32_MAX));
  } else if (name == "--core") {
    options.core = static_cast<int>(number(name, value, 0, 1023));
  } else if (name == "--connections") {
    options.connections = static_cast<int>(number(name, value, 1, 100'000));
  } else if (name == "--size") {
    options.size = static_cast<int>(number(name, value, 16, 4096));
  } else if (name == "--window") {
    options.window = static_cast<int>(number(name, value, 1, 256));
  } else if (name == "--tls") {
    options.tls = number(name, value, 0, 1) == 1;
  } else if (name == "--duration") {
    options.duration = number(name, value, 1, 60'000) * kMillisecond;
  } else if (name == "--warm-up") {
    options.warm_up = number(name, value, 0, 60'000) * kMillisecond;
  } else {
    refuse("unknown option " + name);
  }
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 >= argc) refuse(std::string(argv[i]) + " needs a value");
    set(options, argv[i], argv[i + 1]);
  }
  if (options.mode.empty() || options.port == 0 || options.pid == 0) {
    refuse("--mode, --port and --pid are needed");
  }
  if (options.warm_up >= options.duration) refuse("--warm-up must be shorter than --duration");
  return options;
}

}  // namespace load
