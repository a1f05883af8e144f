#include "core/backlog.h"

#include <algorithm>
#include <random>
#include <string>

#include "test/check.h"

namespace sk {

namespace {

// Blocks hold this much; the interesting lengths are around it.
constexpr size_t kBlock = 16 * 1024;
constexpr size_t kLengths[] = {
    0, 1, 2, kBlock - 1, kBlock, kBlock + 1, 2 * kBlock, 3 * kBlock + 7, 100 * 1000};

const uint8_t* raw(const std::string& text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

std::string pattern(size_t length, size_t seed) {
  std::string out(length, 0);
  for (size_t i = 0; i < length; ++i) out[i] = static_cast<char>((i + seed) * 31 % 251);
  return out;
}

std::string contents(const Backlog& backlog) {
  iovec parts[64];
  const int count = backlog.front(parts, 64);
  std::string out;
  for (int i = 0; i < count; ++i) {
    CHECK(parts[i].iov_len > 0);
    out.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  }
  return out;
}

void check_same(const Backlog& backlog, const std::string& model) {
  CHECK_EQ(backlog.size(), model.size());
  CHECK_EQ(backlog.empty(), model.empty());
  CHECK(contents(backlog) == model);
}

}  // namespace

TEST("Backlog begins empty") {
  const Backlog backlog;
  iovec part;
  CHECK(backlog.empty());
  CHECK_EQ(backlog.size(), 0u);
  CHECK_EQ(backlog.front(&part, 1), 0);
}

TEST("Backlog.append of nothing leaves it as it is") {
  Backlog backlog;
  CHECK(backlog.append(nullptr, 0));
  check_same(backlog, "");
}

TEST("Backlog keeps two appends of any lengths in order") {
  for (const size_t first : kLengths) {
    for (const size_t second : kLengths) {
      Backlog backlog;
      const std::string model = pattern(first, 1) + pattern(second, 2);
      CHECK(backlog.append(raw(model), first));
      CHECK(backlog.append(raw(model) + first, second));
      check_same(backlog, model);
    }
  }
}

TEST("Backlog.consume drops any length from the front") {
  for (const size_t length : kLengths) {
    for (const size_t gone : kLengths) {
      if (gone > length) continue;
      Backlog backlog;
      const std::string model = pattern(length, 3);
      CHECK(backlog.append(raw(model), length));
      backlog.consume(gone);
      check_same(backlog, model.substr(gone));
      CHECK(backlog.append(raw(model), length));
      check_same(backlog, model.substr(gone) + model);
      backlog.consume(backlog.size());
      check_same(backlog, "");
    }
  }
}

TEST("Backlog.front stores no more parts than there is room for") {
  Backlog backlog;
  const std::string model = pattern(5 * kBlock, 4);
  for (int i = 0; i < 5; ++i) {
    CHECK(backlog.append(raw(model) + static_cast<size_t>(i) * kBlock, kBlock));
  }
  iovec parts[8];
  for (int capacity = 0; capacity <= 8; ++capacity) {
    CHECK_EQ(backlog.front(parts, capacity), std::min(capacity, 5));
  }
}

TEST("Backlog is what a string would be, for random operations") {
  std::mt19937 random(5);
  for (int round = 0; round < 30; ++round) {
    Backlog backlog;
    std::string model;
    for (int step = 0; step < 300; ++step) {
      if (random() % 2 == 0 && model.size() < 40 * kBlock) {
        const size_t limit = random() % 8 == 0 ? 3 * kBlock : 300;
        const std::string bytes = pattern(random() % limit, random());
        CHECK(backlog.append(raw(bytes), bytes.size()));
        model += bytes;
      } else {
        const size_t gone = model.empty() ? 0 : random() % (model.size() + 1);
        backlog.consume(gone);
        model.erase(0, gone);
      }
      CHECK_EQ(backlog.size(), model.size());
    }
    check_same(backlog, model);
  }
}

}  // namespace sk
