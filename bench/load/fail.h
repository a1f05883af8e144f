// The end of a program that cannot go on: a line on stderr and exit code 2.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace load {

[[noreturn]] inline void fail(const char* what, int error = errno) {
  std::fprintf(stderr, "load: %s: %s\n", what, std::strerror(error));
  std::exit(2);
}

}  // namespace load
