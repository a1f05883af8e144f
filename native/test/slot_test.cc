#include "core/slot.h"

#include <deque>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "test/check.h"

namespace sk {

namespace {

Id id_of(SlotTable& table, uint32_t index) {
  return static_cast<Id>(table.at(index).generation) << kSlotBits | index;
}

// A living slot, as a reactor makes one.
Id open_slot(SlotTable& table) {
  uint32_t index;
  Slot* slot = table.allocate(&index);
  CHECK(slot != nullptr);
  slot->state = State::opened;
  return id_of(table, index);
}

}  // namespace

TEST("SlotTable.allocate gives ids that are not 0 and fit a JavaScript number") {
  SlotTable table;
  for (int i = 0; i < 1000; ++i) {
    const Id id = open_slot(table);
    CHECK(id != 0);
    CHECK(id < Id{1} << 52);
    CHECK_EQ(generation_of(id), 1u);
    CHECK(table.find(id) == &table.at(slot_of(id)));
  }
  CHECK_EQ(table.live(), 1000u);
  CHECK_EQ(table.size(), 1000u);
}

TEST("SlotTable.allocate gives a slot without traces of its predecessor") {
  SlotTable table;
  const Id id = open_slot(table);
  Slot& slot = table.at(slot_of(id));
  slot.set(kActive | kWriteFailed);
  slot.backlog = std::make_unique<Backlog>();
  slot.backlog->append(reinterpret_cast<const uint8_t*>("x"), 1);
  slot.gathered = slot.first_segment = slot.sent_turn = 7;
  slot.error = 9;
  slot.peer.family = Family::ipv4;
  table.release(slot_of(id));
  table.recycle();
  const Id next = open_slot(table);
  CHECK_EQ(slot_of(next), slot_of(id));
  const Slot& fresh = table.at(slot_of(next));
  CHECK_EQ(fresh.flags, 0u);
  CHECK_EQ(fresh.pending(), 0u);
  CHECK_EQ(fresh.first_segment, kNoSegment);
  CHECK_EQ(fresh.sent_turn, 0u);
  CHECK_EQ(fresh.error, 0);
  CHECK_EQ(fresh.fd, -1);
  CHECK_EQ(fresh.peer.family, Family::none);
}

TEST("SlotTable.find does not know ids that are gone, of the future, or made up") {
  SlotTable table;
  CHECK(table.find(0) == nullptr);
  const Id id = open_slot(table);
  CHECK(table.find(id + 1) == nullptr);
  CHECK(table.find(id + (Id{1} << kSlotBits)) == nullptr);
  CHECK(table.find(id - (Id{1} << kSlotBits)) == nullptr);
  CHECK(table.find(~Id{0}) == nullptr);
  CHECK(table.find((Id{1} << 52) | id) == nullptr);
  table.release(slot_of(id));
  CHECK(table.find(id) == nullptr);
  table.recycle();
  const Id next = open_slot(table);
  CHECK_EQ(slot_of(next), slot_of(id));
  CHECK(table.find(id) == nullptr);
  CHECK(table.find(next) != nullptr);
}

TEST("SlotTable does not use a slot again before recycle") {
  SlotTable table;
  const Id id = open_slot(table);
  table.release(slot_of(id));
  for (int i = 0; i < 600; ++i) CHECK(slot_of(open_slot(table)) != slot_of(id));
  table.recycle();
  CHECK_EQ(slot_of(open_slot(table)), slot_of(id));
}

TEST("SlotTable uses the slot again that has been free for longest") {
  SlotTable table;
  std::vector<Id> ids;
  for (int i = 0; i < 5000; ++i) ids.push_back(open_slot(table));
  std::deque<uint32_t> freed;
  for (const Id id : ids) {
    if (id % 3 == 0) continue;
    table.release(slot_of(id));
    freed.push_back(slot_of(id));
    if (id % 7 == 0) table.recycle();
  }
  table.recycle();
  const uint32_t size = table.size();
  for (; !freed.empty(); freed.pop_front()) CHECK_EQ(slot_of(open_slot(table)), freed.front());
  CHECK_EQ(table.size(), size);
}

TEST("SlotTable never gives an id twice and never moves a living slot, for random operations") {
  SlotTable table;
  std::mt19937 random(6);
  std::map<Id, Slot*> living;
  std::set<Id> given;
  for (int step = 0; step < 60000; ++step) {
    const uint32_t choice = random() % 16;
    if (choice == 0) {
      table.recycle();
    } else if (choice < 9 && living.size() < 700) {
      const Id id = open_slot(table);
      CHECK(given.insert(id).second);
      living[id] = table.find(id);
    } else if (!living.empty()) {
      const auto chosen = std::next(living.begin(), static_cast<int>(random() % living.size()));
      CHECK(table.find(chosen->first) == chosen->second);
      table.release(slot_of(chosen->first));
      CHECK(table.find(chosen->first) == nullptr);
      living.erase(chosen);
    }
    CHECK_EQ(table.live(), living.size());
  }
  for (const auto& [id, slot] : living) CHECK(table.find(id) == slot);
}

TEST("SlotTable's generations stay within 31 bits, and skip 0") {
  // Events carry a generation in a signed word.
  SlotTable table;
  const Id id = open_slot(table);
  table.at(slot_of(id)).generation = 0x7ffffffe;
  table.release(slot_of(id));
  table.recycle();
  const Id last = open_slot(table);
  CHECK_EQ(slot_of(last), slot_of(id));
  CHECK_EQ(generation_of(last), 0x7fffffffu);
  table.release(slot_of(last));
  table.recycle();
  CHECK_EQ(generation_of(open_slot(table)), 1u);
}

TEST("SlotTable.allocate answers null when all 2^20 slots are taken") {
  SlotTable table;
  uint32_t index;
  for (uint32_t i = 0; i < kMaxSlots; ++i) {
    if (table.allocate(&index) == nullptr) CHECK_EQ(i, kMaxSlots);
  }
  CHECK(table.allocate(&index) == nullptr);
  CHECK_EQ(table.live(), kMaxSlots);
  table.release(12345);
  CHECK(table.allocate(&index) == nullptr);
  table.recycle();
  CHECK(table.allocate(&index) != nullptr);
  CHECK_EQ(index, 12345u);
  CHECK(table.allocate(&index) == nullptr);
}

}  // namespace sk
