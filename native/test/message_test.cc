#include "core/message.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>

#include "core/syscalls.h"
#include "test/message_memory.h"
#include "test/net.h"

namespace sk {

using namespace sk::test;

namespace {

bool is_fit(const MessageRecord& record, bool is_receiving = true) {
  Memory memory;
  memory.put(0, record);
  MessageBatch batch;
  return batch.prepare(memory.slab(), 1, is_receiving);
}

}  // namespace

TEST("MessageBatch.prepare takes records that fill the slab to its last byte") {
  CHECK(is_fit(ordinary()));
  CHECK(is_fit({0, 0, 0, 0, 0, 0, 0, 0}));
  CHECK(is_fit({kRecord, kSize - kRecord, 0, 0, 0, 0, 0, 0}));
  CHECK(is_fit({0, 0, kSize - 128, 128, 0, 0, 0, 0}));
  CHECK(is_fit({0, 0, 0, 0, kSize - 64, 64, 0, 0}, false));
  // 64 bytes of control data may be 5 messages, the last one cut.
  CHECK(is_fit({0, 0, 0, 0, kSize - 64 - 80, 64, 0, 0}));
}

TEST("MessageBatch.prepare refuses places that are not in the slab (F42)") {
  struct Row {
    int32_t MessageRecord::*field;
    int32_t value;
  };
  const Row rows[] = {
      {&MessageRecord::data_length, -1},
      {&MessageRecord::data_length, INT_MIN},
      {&MessageRecord::data_length, INT_MAX},
      {&MessageRecord::data_length, kSize - kData + 1},
      {&MessageRecord::data_offset, -1},
      {&MessageRecord::data_offset, INT_MIN},
      {&MessageRecord::data_offset, INT_MAX},
      {&MessageRecord::data_offset, kSize},
      {&MessageRecord::data_offset, kSize - 99},
      {&MessageRecord::data_offset, 0},
      {&MessageRecord::data_offset, kRecord - 1},
      {&MessageRecord::name_length, -1},
      {&MessageRecord::name_length, 129},
      {&MessageRecord::name_length, INT_MAX},
      {&MessageRecord::name_length, INT_MIN},
      {&MessageRecord::name_offset, -1},
      {&MessageRecord::name_offset, kSize - 127},
      {&MessageRecord::name_offset, INT_MAX},
      {&MessageRecord::name_offset, INT_MIN},
      {&MessageRecord::name_offset, kRecord - 8},
      {&MessageRecord::control_length, -1},
      {&MessageRecord::control_length, INT_MIN},
      {&MessageRecord::control_length, INT_MAX},
      {&MessageRecord::control_length, kSize - kControl + 1},
      {&MessageRecord::control_offset, -8},
      {&MessageRecord::control_offset, INT_MIN},
      {&MessageRecord::control_offset, INT_MAX - 7},
      {&MessageRecord::control_offset, kSize - 504},
      {&MessageRecord::control_offset, kRecord - 8},
      {&MessageRecord::control_offset, kControl + 1},
      {&MessageRecord::control_offset, kControl + 4},
      {&MessageRecord::control_offset, kControl + 7},
  };
  for (const Row& row : rows) {
    MessageRecord record = ordinary();
    record.*row.field = row.value;
    CHECK(!is_fit(record));
    CHECK(!is_fit(record, false));
  }
}

TEST("MessageBatch.prepare wants room for entries behind the control data, when receiving") {
  for (int32_t room = 1; room <= 200; ++room) {
    const auto header = static_cast<int32_t>(control_header());
    const int32_t entries = (room / header + 1) * int32_t{sizeof(ControlEntry)};
    const int32_t start = (kSize - entries - room) / 8 * 8;
    CHECK(is_fit({0, 0, 0, 0, start, room, 0, 0}));
    CHECK(!is_fit({0, 0, 0, 0, start + 8, room, 0, 0}));
    CHECK(is_fit({0, 0, 0, 0, start + 8, room, 0, 0}, false));
  }
}

TEST("MessageBatch.prepare ignores the offsets of what has no length") {
  CHECK(is_fit({INT_MIN, 0, INT_MAX, 0, INT_MIN, 0, 0, 0}));
  CHECK(is_fit({-1, 0, -1, 0, 8, 0, -1, -1}));
}

TEST("MessageBatch.prepare refuses places among the records of its own call") {
  Memory memory;
  MessageBatch batch;
  for (uint32_t i = 0; i < 4; ++i) memory.put(i, {4 * kRecord, 1, 0, 0, 0, 0, 0, 0});
  CHECK(batch.prepare(memory.slab(), 4, true));
  CHECK(!batch.prepare(memory.slab(), 5, true));
  memory.put(3, {4 * kRecord - 1, 1, 0, 0, 0, 0, 0, 0});
  CHECK(batch.prepare(memory.slab(), 3, true));
  CHECK(!batch.prepare(memory.slab(), 4, true));
}

TEST("MessageBatch.prepare judges all 1024 records") {
  Memory memory;
  MessageBatch batch;
  constexpr uint32_t kMost = MessageBatch::kMaxMessages;
  for (uint32_t i = 0; i < kMost; ++i) memory.put(i, {kData, 1, 0, 0, 0, 0, 0, 0});
  CHECK(batch.prepare(memory.slab(), kMost, true));
  memory.put(kMost - 1, {kSize, 1, 0, 0, 0, 0, 0, 0});
  CHECK(!batch.prepare(memory.slab(), kMost, true));
  CHECK(batch.prepare(memory.slab(), kMost - 1, true));
}

TEST("MessageBatch carries bytes between two sockets, at the places of the records") {
  const Pair pair = datagram_pair();
  Memory memory;
  MessageBatch batch;
  memory.write(kData, "first");
  memory.put(0, {kData, 5, 0, 0, 0, 0, 0, 0});
  CHECK(batch.prepare(memory.slab(), 1, false));
  CHECK_EQ(sys::sendmsg(pair.far.get(), batch.first(), MSG_NOSIGNAL), 5);
  Descriptors table;
  CHECK_EQ(
      receive_one(memory, {kData + 500, 100, kName, 128, 0, 0, 77, 77}, pair.near.get(), &table),
      5);
  const MessageRecord told = memory.record();
  CHECK_EQ(told.data_offset, kData + 500);
  CHECK_EQ(told.data_length, 5);
  CHECK_EQ(told.name_length, 0);
  CHECK_EQ(told.flags & ~MSG_CMSG_CLOEXEC, 0);
  CHECK_EQ(told.control_count, 0);
  CHECK_EQ(memory.read(kData + 500, 6), std::string("first\xa5"));
}

TEST("MessageBatch sends to a name, and tells the sender's") {
  const Fd receiver(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Sockaddr own = sockaddr_of(loopback());
  CHECK_EQ(::bind(receiver.get(), own.get(), own.length), 0);
  const Sockaddr to = sockaddr_of(loopback(port_of(receiver.get())));
  const Fd sender(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  Memory memory;
  MessageBatch batch;
  memory.write(kName, &to.storage, to.length);
  memory.put(0, {kData, 3, kName, static_cast<int32_t>(to.length), 0, 0, 0, 0});
  CHECK(batch.prepare(memory.slab(), 1, false));
  CHECK_EQ(sys::sendmsg(sender.get(), batch.first(), 0), 3);
  Descriptors table;
  CHECK_EQ(receive_one(memory, {kData, 3, kName + 200, 128, 0, 0, 0, 0}, receiver.get(), &table),
           3);
  CHECK_EQ(memory.record().name_length, int32_t{sizeof(sockaddr_in)});
  sockaddr_in from;
  memcpy(&from, memory.read(kName + 200, sizeof(from)).data(), sizeof(from));
  CHECK_EQ(ntohs(from.sin_port), port_of(sender.get()));
  // Behind the name nothing was written.
  CHECK_EQ(memory.read(kName + 200 + int32_t{sizeof(from)}, 1), std::string("\xa5"));
}

TEST("MessageBatch.finish never tells of more of a name than there was room for (F49)") {
  const Fd receiver(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Sockaddr own = sockaddr_of(abstract_name());
  CHECK_EQ(::bind(receiver.get(), own.get(), own.length), 0);
  // A name of all 110 bytes.
  const Fd sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  Address longest = abstract_name();
  memset(longest.bytes + longest.length, 'n', Address::kMaxBytes - longest.length);
  longest.length = Address::kMaxBytes;
  const Sockaddr name = sockaddr_of(longest);
  CHECK_EQ(name.length, 110u);
  CHECK_EQ(::bind(sender.get(), name.get(), name.length), 0);
  for (const int32_t room : {0, 1, 2, 3, 109, 110, 111, 128}) {
    CHECK_EQ(::sendto(sender.get(), "x", 1, 0, own.get(), own.length), 1);
    Memory memory;
    Descriptors table;
    CHECK_EQ(receive_one(memory, {kData, 1, kName, room, 0, 0, 0, 0}, receiver.get(), &table), 1);
    const int32_t wanted = std::min(room, 110);
    CHECK_EQ(memory.record().name_length, wanted);
    const std::string whole(reinterpret_cast<const char*>(&name.storage), 110);
    CHECK_EQ(memory.read(kName, wanted), whole.substr(0, static_cast<size_t>(wanted)));
    CHECK_EQ(memory.read(kName + wanted, 1), std::string("\xa5"));
  }
}

TEST("MessageBatch tells of a datagram that was cut, and with MSG_TRUNC how long it was (F22)") {
  const Pair pair = datagram_pair();
  Memory memory;
  Descriptors table;
  for (const int32_t room : {0, 4, 10}) {
    for (const int flags : {0, int{MSG_TRUNC}}) {
      CHECK_EQ(::send(pair.far.get(), "0123456789", 10, 0), 10);
      const int32_t wanted = flags == 0 ? room : 10;
      CHECK_EQ(receive_one(memory, {kData, room, 0, 0, 0, 0, 0, 0}, pair.near.get(), &table, flags),
               wanted);
      CHECK_EQ(memory.record().data_length, wanted);
      CHECK_EQ(memory.record().flags & MSG_TRUNC, room < 10 ? MSG_TRUNC : 0);
      CHECK_EQ(memory.read(kData, room),
               std::string("0123456789").substr(0, static_cast<size_t>(room)));
      CHECK_EQ(memory.read(kData + room, 1), std::string("\xa5"));
      memory.write(kData, std::string(10, '\xa5'));
    }
  }
}

TEST("MessageBatch tells an empty datagram from nothing (F23)") {
  const Pair pair = datagram_pair();
  make_nonblocking(pair.near.get());
  Memory memory;
  Descriptors table;
  CHECK_EQ(::send(pair.far.get(), "", 0, 0), 0);
  const MessageRecord record = {kData, 10, 0, 0, 0, 0, 0, 0};
  CHECK_EQ(receive_one(memory, record, pair.near.get(), &table), 0);
  CHECK_EQ(memory.record().data_length, 0);
  memory.put(0, record);
  MessageBatch batch;
  CHECK(batch.prepare(memory.slab(), 1, true));
  CHECK_EQ(sys::recvmsg(pair.near.get(), batch.first(), 0), -EAGAIN);
}

TEST("MessageBatch.holds_address finds a control message that holds one, in every record") {
  Memory memory;
  MessageBatch batch;
  const auto put = [&](int32_t at, int level, int type) {
    cmsghdr header = {};
    header.cmsg_len = CMSG_LEN(0);
    header.cmsg_level = level;
    header.cmsg_type = type;
    memory.write(at, &header, sizeof(header));
  };
  constexpr int32_t kHeader = sizeof(cmsghdr);
  constexpr int kRdmaArguments = 1;
  for (int32_t i = 0; i < 6; ++i) put(kControl + i * kHeader, SOL_RDS, 2);
  for (uint32_t i = 0; i < 3; ++i) {
    const auto at = static_cast<int32_t>(i) * 2 * kHeader;
    memory.put(i, {kData, 1, 0, 0, kControl + at, 2 * kHeader, 0, 0});
  }
  CHECK(batch.prepare(memory.slab(), 3, false));
  CHECK(!batch.holds_address());
  for (int32_t i = 0; i < 6; ++i) {
    put(kControl + i * kHeader, SOL_RDS, kRdmaArguments);
    CHECK(batch.prepare(memory.slab(), 3, false));
    CHECK(batch.holds_address());
    put(kControl + i * kHeader, SOL_SOCKET, kRdmaArguments);
    CHECK(!batch.holds_address());
  }
}

TEST("MessageBatch sends and receives many messages by one call each (F26)") {
  constexpr uint32_t kCount = 45;
  const Pair pair = datagram_pair(SOCK_SEQPACKET);
  Memory memory;
  MessageBatch batch;
  const auto place = [](uint32_t i) { return kData + static_cast<int32_t>(i) * 64; };
  for (uint32_t i = 0; i < kCount; ++i) {
    memory.write(place(i), pattern(i, i));
    memory.put(i, {place(i), static_cast<int32_t>(i), 0, 0, 0, 0, 0, 0});
  }
  CHECK(batch.prepare(memory.slab(), kCount, false));
  make_nonblocking(pair.far.get());
  make_nonblocking(pair.near.get());
  CHECK_EQ(sys::sendmmsg(pair.far.get(), batch.messages(), kCount, MSG_NOSIGNAL),
           static_cast<int>(kCount));
  for (uint32_t i = 0; i < kCount; ++i) memory.put(i, {place(i), 64, 0, 0, 0, 0, 0, 0});
  CHECK(batch.prepare(memory.slab(), kCount, true));
  const int got = sys::recvmmsg(pair.near.get(), batch.messages(), kCount, 0);
  CHECK_EQ(got, static_cast<int>(kCount));
  Descriptors table;
  for (uint32_t i = 0; i < kCount; ++i) {
    batch.finish(i, batch.messages()[i].msg_len, &table);
    CHECK_EQ(memory.record(i).data_length, static_cast<int32_t>(i));
    CHECK_EQ(memory.read(place(i), static_cast<int32_t>(i)), pattern(i, i));
  }
}

TEST("MessageBatch.finish takes control data of which the entries fill their room") {
  // As many messages as there can be: each a header alone, the last one cut by the end.
  Memory memory;
  constexpr int32_t kRoom = 16 * 7 + 8;
  memory.put(0, {0, 0, 0, 0, kControl, kRoom, 0, 0});
  MessageBatch batch;
  CHECK(batch.prepare(memory.slab(), 1, true));
  for (int32_t at = 0; at < 7; ++at) {
    cmsghdr header = {};
    header.cmsg_len = CMSG_LEN(0);
    header.cmsg_type = at;
    memory.write(kControl + at * 16, &header, sizeof(header));
  }
  Descriptors table;
  batch.finish(0, 0, &table);
  CHECK_EQ(memory.record().control_count, 7);
  CHECK_EQ(memory.record().control_length, kRoom);
  for (int32_t i = 0; i < 7; ++i) CHECK_EQ(memory.entry(kControl, kRoom, i).type, i);
  // Behind the entries nothing was written.
  CHECK_EQ(memory.read((kControl + kRoom + 7) / 8 * 8 + 7 * 16, 16), std::string(16, '\xa5'));
}

}  // namespace sk
