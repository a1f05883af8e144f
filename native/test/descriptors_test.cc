#include "core/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <set>
#include <unordered_map>
#include <vector>

#include "test/net.h"

namespace sk {

using namespace sk::test;

namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

int fresh() {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  CHECK(fd >= 0);
  return fd;
}

// What adopting `fd` answers, which must be an id.
Id adopted(Descriptors& table, int fd, bool is_owned = true) {
  const int64_t id = table.adopt(fd, is_owned);
  CHECK(id > 0);
  return static_cast<Id>(id);
}

Id id_of(uint32_t slot, uint64_t generation) { return generation << kSlotBits | slot; }

}  // namespace

TEST("Descriptors.adopt tells ids of generation 1 and rising slots") {
  Descriptors table;
  for (uint32_t slot = 0; slot < 100; ++slot) {
    const int fd = fresh();
    const Id id = adopted(table, fd);
    CHECK_EQ(id, id_of(slot, 1));
    CHECK_EQ(table.fd(id), fd);
    CHECK_EQ(table.id_at(slot), static_cast<int64_t>(id));
    CHECK_EQ(table.live(), slot + 1);
  }
}

TEST("Descriptors without one answers EBADF to every id (F50)") {
  Descriptors table;
  for (const Id id : {Id{0}, Id{1}, id_of(0, 1), id_of(5, 9), (Id{1} << 52) - 1, ~Id{0}}) {
    CHECK_EQ(table.fd(id), -EBADF);
    CHECK_EQ(table.release(id), -EBADF);
    CHECK_EQ(table.close(id), -EBADF);
  }
  CHECK_EQ(table.id_at(0), -EBADF);
  CHECK_EQ(table.id_at(~0u), -EBADF);
  CHECK_EQ(table.live(), 0u);
}

TEST("Descriptors answers EBADF to ids of another generation or slot (F52)") {
  Descriptors table;
  const int fd = fresh();
  const Id id = adopted(table, fd);
  // 2 ** 32 more than the generation, and so on: what is cut off must not look like it.
  for (const Id other : {id_of(0, 0), id_of(0, 2), id_of(1, 1), id_of(0, kMaxGeneration),
                         id_of(0, 1 + (uint64_t{1} << 32)), id_of(0, 1 + (uint64_t{1} << 31))}) {
    CHECK_EQ(table.fd(other), -EBADF);
    CHECK_EQ(table.release(other), -EBADF);
    CHECK_EQ(table.close(other), -EBADF);
  }
  CHECK_EQ(table.fd(id), fd);
}

TEST("Descriptors.close closes an owned descriptor, once (F51)") {
  Descriptors table;
  const int fd = fresh();
  const Id id = adopted(table, fd);
  CHECK_EQ(table.close(id), 0);
  CHECK(!is_open(fd));
  CHECK_EQ(table.live(), 0u);
  CHECK_EQ(table.id_at(0), -EBADF);
  // By then the number may be somebody else's.
  const Fd other(fresh());
  CHECK_EQ(other.get(), fd);
  CHECK_EQ(table.close(id), -EBADF);
  CHECK_EQ(table.release(id), -EBADF);
  CHECK_EQ(table.fd(id), -EBADF);
  CHECK(is_open(fd));
}

TEST("Descriptors.close answers 0 although somebody has closed the descriptor (F53)") {
  Descriptors table;
  const int fd = fresh();
  const Id id = adopted(table, fd);
  ::close(fd);
  CHECK_EQ(table.close(id), 0);
  CHECK_EQ(table.live(), 0u);
}

TEST("Descriptors never closes a lent descriptor") {
  const Fd first(fresh());
  const Fd second(fresh());
  const Fd third(fresh());
  {
    Descriptors table;
    CHECK_EQ(table.close(adopted(table, first.get(), false)), 0);
    CHECK_EQ(table.release(adopted(table, second.get(), false)), second.get());
    adopted(table, third.get(), false);
    CHECK_EQ(table.live(), 1u);
  }
  CHECK(is_open(first.get()));
  CHECK(is_open(second.get()));
  CHECK(is_open(third.get()));
}

TEST("Descriptors: a slot that lent one is an owner's in its next life") {
  Descriptors table;
  const Fd lent(fresh());
  CHECK_EQ(table.close(adopted(table, lent.get(), false)), 0);
  const int owned = fresh();
  const Id id = adopted(table, owned);
  CHECK_EQ(slot_of(id), 0u);
  CHECK_EQ(table.close(id), 0);
  CHECK(!is_open(owned));
  CHECK(is_open(lent.get()));
}

TEST("Descriptors.release gives the descriptor up and leaves it open") {
  Descriptors table;
  const Fd fd(fresh());
  const Id id = adopted(table, fd.get());
  CHECK_EQ(table.release(id), fd.get());
  CHECK_EQ(table.live(), 0u);
  CHECK_EQ(table.fd(id), -EBADF);
  CHECK_EQ(table.close(id), -EBADF);
  CHECK(is_open(fd.get()));
}

TEST("Descriptors.close_all and ~Descriptors close what is owned, and may come twice") {
  int fds[3];
  {
    Descriptors table;
    for (int& fd : fds) adopted(table, fd = fresh());
    CHECK_EQ(table.close(id_of(1, 1)), 0);
    table.close_all();
    for (const int fd : fds) CHECK(!is_open(fd));
    CHECK_EQ(table.live(), 0u);
    table.close_all();
    adopted(table, fds[0] = fresh());
  }
  CHECK(!is_open(fds[0]));
}

TEST("Descriptors uses freed slots again in the order in which they came free") {
  Descriptors table;
  const Fd fd(fresh());
  for (int i = 0; i < 6; ++i) adopted(table, fd.get(), false);
  for (const uint32_t slot : {3u, 0u, 5u, 1u}) table.release(id_of(slot, 1));
  for (const uint32_t slot : {3u, 0u}) CHECK_EQ(adopted(table, fd.get(), false), id_of(slot, 2));
  table.release(id_of(3, 2));
  for (const Id id : {id_of(5, 2), id_of(1, 2), id_of(3, 3), id_of(6, 1)}) {
    CHECK_EQ(adopted(table, fd.get(), false), id);
  }
  CHECK_EQ(table.live(), 7u);
}

TEST("Descriptors never tells an id twice, and keeps little of the past") {
  Descriptors table;
  const Fd fd(fresh());
  std::set<Id> seen;
  std::set<uint32_t> slots;
  for (int round = 0; round < 5000; ++round) {
    const Id first = adopted(table, fd.get(), false);
    const Id second = adopted(table, fd.get(), false);
    CHECK(seen.insert(first).second);
    CHECK(seen.insert(second).second);
    slots.insert({slot_of(first), slot_of(second)});
    table.release(second);
    table.release(first);
  }
  CHECK_EQ(slots.size(), 2u);
  CHECK_EQ(table.live(), 0u);
}

TEST("Descriptors that is full answers ENFILE, closes what it was to own, and goes on") {
  Descriptors table;
  const Fd lent(fresh());
  for (uint32_t slot = 0; slot < kMaxSlots; ++slot) {
    CHECK_EQ(table.adopt(lent.get(), false), static_cast<int64_t>(id_of(slot, 1)));
  }
  CHECK_EQ(table.live(), kMaxSlots);
  const int owned = fresh();
  CHECK_EQ(table.adopt(owned, true), -ENFILE);
  CHECK(!is_open(owned));
  CHECK_EQ(table.adopt(lent.get(), false), -ENFILE);
  CHECK(is_open(lent.get()));
  CHECK_EQ(table.release(id_of(77, 1)), lent.get());
  CHECK_EQ(table.adopt(lent.get(), false), static_cast<int64_t>(id_of(77, 2)));
  CHECK_EQ(table.adopt(lent.get(), false), -ENFILE);
  CHECK_EQ(table.fd(id_of(kMaxSlots - 1, 1)), lent.get());
}

TEST("Descriptors does as a plain map does, for random calls") {
  Descriptors table;
  std::unordered_map<Id, int> model;
  std::vector<Id> ids;
  std::mt19937 random(1);
  const Fd fds[3] = {Fd(fresh()), Fd(fresh()), Fd(fresh())};
  for (int round = 0; round < 20000; ++round) {
    const Id id = ids.empty() ? 0 : ids[random() % ids.size()];
    const auto found = model.find(id);
    const int wanted = found == model.end() ? -EBADF : found->second;
    switch (random() % 4) {
      case 0: {
        const int fd = fds[random() % 3].get();
        const Id made = adopted(table, fd, false);
        CHECK(model.emplace(made, fd).second);
        ids.push_back(made);
        break;
      }
      case 1:
        CHECK_EQ(table.fd(id), wanted);
        break;
      case 2:
        CHECK_EQ(table.release(id), wanted);
        model.erase(id);
        break;
      default:
        CHECK_EQ(table.close(id), wanted < 0 ? wanted : 0);
        model.erase(id);
    }
    CHECK_EQ(table.live(), model.size());
  }
}

}  // namespace sk
