// How the C library's allocator treats what is freed.
#pragma once

namespace sk {

// Has malloc keep up to kKeptMemory bytes that the process has freed, rather than give them back to
// the system at once, and get them anew page by page: that is most of what reading into fresh
// buffers costs. For the whole process, once. Nothing is changed where the C library is not glibc,
// or where the environment tells malloc what to do (mallopt(3), ld.so(8): GLIBC_TUNABLES).
constexpr int kKeptMemory = 64 * 1024 * 1024;
void keep_freed_memory();

}  // namespace sk
