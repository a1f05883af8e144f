// What the fuzz targets are made of. Each source file of this folder but seeds.cc is a program:
// libFuzzer calls `LLVMFuzzerTestOneInput` with bytes of its own making, and whatever breaks a
// promise ends the program with a report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

// A promise of the code, whatever the input is. It holds in optimized programs, too.
#define MUST(condition)                                                       \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                \
    }                                                                         \
  } while (false)

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
