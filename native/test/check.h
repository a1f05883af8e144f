// What the native tests are made of: a table of tests, and checks that end a test. Each source file
// of this folder that ends in _test.cc is a program; it prints TAP and exits with 1 if a test
// fails.
#pragma once

#include <sstream>
#include <string>
#include <vector>

namespace sk::test {

// Thrown by a failed check, so that what the test holds is let go.
struct Failure {
  const char* file;
  int line;
  std::string text;
};

struct Test {
  const char* name;
  void (*run)();
};

std::vector<Test>& tests();

struct Registration {
  Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

// Descriptors that this process has open now.
int open_descriptors();

template <typename T>
std::string shown(const T& value) {
  std::ostringstream out;
  if constexpr (std::is_enum_v<T>) {
    out << static_cast<long long>(value);
  } else {
    out << +value;
  }
  return out.str();
}
inline std::string shown(const std::string& value) { return '"' + value + '"'; }

template <typename A, typename B>
void check_equal(const A& got, const B& wanted, const char* text, const char* file, int line) {
  if (got == wanted) return;
  throw Failure{file, line, std::string(text) + ": got " + shown(got) + ", not " + shown(wanted)};
}

}  // namespace sk::test

#define SK_JOIN_(a, b) a##b
#define SK_JOIN(a, b) SK_JOIN_(a, b)

// TEST("symbol criterion") { body }
#define TEST(name)                                                                                 \
  static void SK_JOIN(test_, __LINE__)();                                                          \
  static const ::sk::test::Registration SK_JOIN(entry_, __LINE__)(name, SK_JOIN(test_, __LINE__)); \
  static void SK_JOIN(test_, __LINE__)()

#define CHECK(condition)                                                         \
  do {                                                                           \
    if (!(condition)) throw ::sk::test::Failure{__FILE__, __LINE__, #condition}; \
  } while (false)

#define CHECK_EQ(got, wanted) ::sk::test::check_equal(got, wanted, #got, __FILE__, __LINE__)
