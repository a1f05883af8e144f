#include "test/check.h"

#include <dirent.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

namespace sk::test {

namespace {

// A test that waits for what does not come ends here, in seconds.
constexpr unsigned kTimeLimit = 60;

const char* running = "";

void on_alarm(int) {
  const char text[] = "Bail out! a test took too long: ";
  [[maybe_unused]] ssize_t written = ::write(STDOUT_FILENO, text, sizeof(text) - 1);
  written = ::write(STDOUT_FILENO, running, strlen(running));
  written = ::write(STDOUT_FILENO, "\n", 1);
  _exit(3);
}

// Every test must leave as many descriptors open as it found.
bool passes(const Test& test) {
  const int before = open_descriptors();
  try {
    test.run();
  } catch (const Failure& failure) {
    printf("# %s:%d: %s\n", failure.file, failure.line, failure.text.c_str());
    return false;
  }
  const int after = open_descriptors();
  if (after == before) return true;
  printf("# %d descriptors open before, %d after\n", before, after);
  return false;
}

}  // namespace

std::vector<Test>& tests() {
  static std::vector<Test> table;
  return table;
}

int open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return -1;
  int count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

}  // namespace sk::test

// Arguments: words, one of which the name of a test must contain to be run.
int main(int argc, char** argv) {
  using namespace sk::test;
  signal(SIGALRM, on_alarm);
  int count = 0;
  int failed = 0;
  for (const Test& test : tests()) {
    bool wanted = argc == 1;
    for (int i = 1; i < argc; ++i) wanted = wanted || strstr(test.name, argv[i]) != nullptr;
    if (!wanted) continue;
    running = test.name;
    alarm(kTimeLimit);
    const bool passed = passes(test);
    alarm(0);
    failed += passed ? 0 : 1;
    printf("%s %d - %s\n", passed ? "ok" : "not ok", ++count, test.name);
    fflush(stdout);
  }
  printf("1..%d\n", count);
  return failed == 0 && count > 0 ? 0 : 1;
}
