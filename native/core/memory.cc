#include "core/memory.h"

#include <cstdlib>
#include <cstring>

#ifdef __GLIBC__
#include <malloc.h>

#include <mutex>
#endif

namespace sk {

#ifdef __GLIBC__

namespace {

// To set the first stops glibc from raising the second by itself, as it does up to 32 MiB.
constexpr int kMmapThreshold = 4 * 1024 * 1024;

bool is_told_by_environment() {
  // secure_getenv(3) answers nothing in a program with raised privileges, as malloc itself looks.
  const char* tunables = secure_getenv("GLIBC_TUNABLES");
  return secure_getenv("MALLOC_TRIM_THRESHOLD_") != nullptr ||
         secure_getenv("MALLOC_MMAP_THRESHOLD_") != nullptr ||
         (tunables != nullptr && strstr(tunables, "glibc.malloc.") != nullptr);
}

}  // namespace

void keep_freed_memory() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (is_told_by_environment()) return;
    mallopt(M_TRIM_THRESHOLD, kKeptMemory);
    mallopt(M_MMAP_THRESHOLD, kMmapThreshold);
  });
}

#else

void keep_freed_memory() {}

#endif

}  // namespace sk
