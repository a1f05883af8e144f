#include "core/error_text.h"

#include <netdb.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "test/check.h"

namespace sk {

TEST("error_text is what strerror says, also of what is no errno") {
  for (int error = -2; error < 200; ++error) CHECK_EQ(error_text(error), strerror(error));
  CHECK(!error_text(123456).empty());
}

TEST("error_text answers each thread for itself") {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      // Numbers without words of their own are put together in a buffer.
      const std::string expected = error_text(100000 + i);
      for (int n = 0; n < 1000; ++n) CHECK_EQ(error_text(100000 + i), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST("resolve_error_text is what gai_strerror says") {
  CHECK_EQ(resolve_error_text(EAI_NONAME), std::string(gai_strerror(EAI_NONAME)));
  CHECK(resolve_error_text(EAI_NONAME) != resolve_error_text(EAI_SERVICE));
}

}  // namespace sk
