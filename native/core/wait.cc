#include "core/wait.h"

#include <cerrno>
#include <chrono>

#include "core/syscalls.h"

namespace sk {

int wait_for(pollfd* items, nfds_t count, int timeout) {
  using std::chrono::milliseconds;
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + milliseconds(timeout < 0 ? 0 : timeout);
  int left = timeout;
  for (;;) {
    const int result = sys::poll(items, count, left);
    if (result != -EINTR) return result;
    if (timeout < 0) continue;
    // Rounded up: a wait must not end before its time.
    const auto rest = std::chrono::ceil<milliseconds>(end - steady_clock::now()).count();
    left = rest > 0 ? static_cast<int>(rest) : 0;
  }
}

}  // namespace sk
