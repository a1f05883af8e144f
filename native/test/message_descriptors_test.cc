// Descriptors that come and go with messages: none is lost, none is closed twice.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <set>
#include <vector>

#include "core/linux_names.h"
#include "core/message.h"
#include "core/syscalls.h"
#include "test/message_memory.h"
#include "test/net.h"

namespace sk {

using namespace sk::test;

namespace {

bool is_same_file(int a, int b) {
  struct stat first;
  struct stat second;
  CHECK_EQ(::fstat(a, &first), 0);
  CHECK_EQ(::fstat(b, &second), 0);
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// Sends one byte and descriptors, not through what is tested.
void send_descriptors(const Fd& to, const std::vector<int>& fds) {
  alignas(cmsghdr) uint8_t control[2048] = {};
  char byte = 'd';
  iovec part = {&byte, 1};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  CHECK_EQ(::sendmsg(to.get(), &message, MSG_NOSIGNAL), 1);
}

// The limit of descriptors that lets `count` more be made.
int limit_for(int count, int any) {
  std::vector<Fd> fds;
  for (int i = 0; i <= count; ++i) fds.emplace_back(::dup(any));
  return fds.back().get();
}

}  // namespace

TEST("MessageBatch adopts the descriptors that come, in place (F31)") {
  const Pair pair = datagram_pair();
  const Pair first = unix_pair();
  const Pair second = unix_pair();
  send_descriptors(pair.far, {first.near.get(), second.near.get(), first.near.get()});
  Memory memory;
  Descriptors table;
  CHECK_EQ(receive_one(memory, ordinary(), pair.near.get(), &table), 1);
  const MessageRecord told = memory.record();
  CHECK_EQ(told.control_count, 1);
  CHECK_EQ(told.control_length, static_cast<int32_t>(CMSG_SPACE(3 * sizeof(int))));
  CHECK_EQ(told.flags & MSG_CTRUNC, 0);
  const ControlEntry entry = memory.entry(kControl, 512, 0);
  CHECK_EQ(entry.level, SOL_SOCKET);
  CHECK_EQ(entry.type, SCM_RIGHTS);
  CHECK_EQ(entry.offset, kControl + static_cast<int32_t>(control_header()));
  CHECK_EQ(entry.length, 12);
  CHECK(memory.words(entry) == (std::vector<int>{0, 1, 2}));
  CHECK_EQ(table.live(), 3u);
  const int wanted[] = {first.near.get(), second.near.get(), first.near.get()};
  for (uint32_t slot = 0; slot < 3; ++slot) {
    const int fd = table.fd(static_cast<Id>(table.id_at(slot)));
    CHECK(fd != wanted[slot]);
    CHECK(is_same_file(fd, wanted[slot]));
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
}

TEST("MessageBatch owns all that the kernel made, however little room there was (F30)") {
  const Pair pair = datagram_pair();
  const Fd sent(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::vector<int> many(20, sent.get());
  for (int32_t room = 0; room <= 120; ++room) {
    send_descriptors(pair.far, many);
    const int before = open_descriptors();
    Memory memory;
    {
      Descriptors table;
      CHECK_EQ(receive_one(memory, {kData, 1, 0, 0, kControl, room, 0, 0}, pair.near.get(), &table),
               1);
      const MessageRecord told = memory.record();
      size_t count = 0;
      for (int32_t i = 0; i < told.control_count; ++i) {
        for (const int slot : memory.words(memory.entry(kControl, room, i))) {
          CHECK_EQ(slot, static_cast<int>(count));
          ++count;
        }
      }
      const auto header = static_cast<int32_t>(control_header());
      const int32_t fitting = std::max(0, (room - header) / int32_t{sizeof(int)});
      CHECK_EQ(static_cast<int32_t>(count), std::min(fitting, 20));
      CHECK_EQ((told.flags & MSG_CTRUNC) != 0, count < 20);
      CHECK_EQ(table.live(), count);
      CHECK_EQ(open_descriptors(), before + static_cast<int>(count));
    }
    CHECK_EQ(open_descriptors(), before);
  }
}

TEST("MessageBatch owns the descriptors that came before the limit was reached (F03)") {
  const Pair pair = datagram_pair();
  const Fd sent(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::vector<int> many(10, sent.get());
  rlimit limit;
  ::getrlimit(RLIMIT_NOFILE, &limit);
  for (int fitting = 0; fitting <= 10; ++fitting) {
    send_descriptors(pair.far, many);
    const int before = open_descriptors();
    Memory memory;
    Descriptors table;
    const rlimit lower = {static_cast<rlim_t>(limit_for(fitting, sent.get())), limit.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &lower);
    const ssize_t got = receive_one(memory, ordinary(), pair.near.get(), &table);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    CHECK_EQ(got, 1);
    CHECK_EQ(table.live(), static_cast<uint32_t>(fitting));
    CHECK_EQ(open_descriptors(), before + fitting);
    CHECK_EQ((memory.record().flags & MSG_CTRUNC) != 0, fitting < 10);
  }
}

TEST("MessageBatch owns what comes with a peek anew each time") {
  const Pair pair = datagram_pair();
  const Fd sent(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  send_descriptors(pair.far, {sent.get()});
  const int before = open_descriptors();
  {
    Memory memory;
    Descriptors table;
    for (const int flags : {int{MSG_PEEK}, int{MSG_PEEK}, 0}) {
      CHECK_EQ(receive_one(memory, ordinary(), pair.near.get(), &table, flags), 1);
    }
    CHECK_EQ(table.live(), 3u);
    CHECK_EQ(open_descriptors(), before + 3);
  }
  CHECK_EQ(open_descriptors(), before);
}

TEST("MessageBatch closes descriptors for which there is no slot, and says -1") {
  const Pair pair = datagram_pair();
  const Fd sent(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Descriptors table;
  for (uint32_t slot = 0; slot < kMaxSlots - 1; ++slot) table.adopt(sent.get(), false);
  send_descriptors(pair.far, {sent.get(), sent.get(), sent.get()});
  const int before = open_descriptors();
  Memory memory;
  CHECK_EQ(receive_one(memory, ordinary(), pair.near.get(), &table), 1);
  CHECK(memory.words(memory.entry(kControl, 512, 0)) ==
        (std::vector<int>{static_cast<int>(kMaxSlots - 1), -1, -1}));
  CHECK_EQ(open_descriptors(), before + 1);
}

TEST("MessageBatch adopts a peer's pidfd beside its credentials") {
  const Pair pair = datagram_pair();
  const int on = 1;
  CHECK_EQ(::setsockopt(pair.near.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
  if (::setsockopt(pair.near.get(), SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) != 0) {
    CHECK_EQ(errno, ENOPROTOOPT);  // before Linux 6.5
    return;
  }
  const Fd sent(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  // Every room: what does not fit must not have been made.
  for (int32_t room = 0; room <= 128; ++room) {
    send_descriptors(pair.far, {sent.get()});
    const int before = open_descriptors();
    {
      Memory memory;
      Descriptors table;
      const MessageRecord record = {kData, 1, 0, 0, kControl, room, 0, 0};
      CHECK_EQ(receive_one(memory, record, pair.near.get(), &table), 1);
      std::set<int> types;
      for (int32_t i = 0; i < memory.record().control_count; ++i) {
        const ControlEntry entry = memory.entry(kControl, room, i);
        CHECK_EQ(entry.level, SOL_SOCKET);
        types.insert(entry.type);
        if (entry.type == SCM_CREDENTIALS) continue;
        for (const int slot : memory.words(entry)) {
          CHECK(slot >= 0);
          const int fd = table.fd(static_cast<Id>(table.id_at(static_cast<uint32_t>(slot))));
          CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
          CHECK_EQ(is_same_file(fd, sent.get()), entry.type == SCM_RIGHTS);
        }
      }
      if (room == 128) CHECK(types == (std::set<int>{SCM_RIGHTS, SCM_CREDENTIALS, SCM_PIDFD}));
      CHECK_EQ(open_descriptors(), before + static_cast<int>(table.live()));
    }
    CHECK_EQ(open_descriptors(), before);
  }
}

TEST("MessageBatch sends descriptors that the control data name") {
  const Pair pair = datagram_pair();
  const Fd sent(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Memory memory;
  cmsghdr header = {};
  header.cmsg_len = CMSG_LEN(sizeof(int));
  header.cmsg_level = SOL_SOCKET;
  header.cmsg_type = SCM_RIGHTS;
  const int fd = sent.get();
  memory.write(kControl, &header, sizeof(header));
  memory.write(kControl + int32_t{sizeof(header)}, &fd, sizeof(fd));
  MessageBatch batch;
  for (const bool is_good : {true, false}) {
    const auto length = static_cast<int32_t>(CMSG_SPACE(sizeof(int)));
    memory.put(0, {kData, 1, 0, 0, kControl, length, 0, 0});
    CHECK(batch.prepare(memory.slab(), 1, false));
    CHECK(!batch.holds_address());
    CHECK_EQ(sys::sendmsg(pair.far.get(), batch.first(), MSG_NOSIGNAL), is_good ? 1 : -EBADF);
    const int bad = INT_MAX;
    memory.write(kControl + int32_t{sizeof(header)}, &bad, sizeof(bad));
  }
  Descriptors table;
  CHECK_EQ(receive_one(memory, ordinary(), pair.near.get(), &table), 1);
  CHECK(is_same_file(table.fd(static_cast<Id>(table.id_at(0))), sent.get()));
}

TEST("MessageBatch.finish trusts no record that was changed after prepare (F46)") {
  const Pair pair = datagram_pair();
  const Fd sent(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const MessageRecord hostile[] = {
      {INT_MAX, INT_MAX, INT_MAX, INT_MAX, INT_MAX - 7, INT_MAX, -1, INT_MAX},
      {INT_MIN, INT_MIN, INT_MIN, INT_MIN, INT_MIN, INT_MIN, -1, INT_MIN},
      {0, kSize, 0, 128, kSize - 8, 8, 0, 0},
  };
  for (const MessageRecord& record : hostile) {
    send_descriptors(pair.far, {sent.get()});
    const int before = open_descriptors();
    Memory memory;
    Descriptors table;
    memory.put(0, ordinary());
    MessageBatch batch;
    CHECK(batch.prepare(memory.slab(), 1, true));
    CHECK_EQ(sys::recvmsg(pair.near.get(), batch.first(), 0), 1);
    memory.put(0, record);
    batch.finish(0, 1, &table);
    CHECK_EQ(memory.record().data_offset, kData);
    CHECK_EQ(memory.record().control_count, 1);
    CHECK(memory.words(memory.entry(kControl, 512, 0)) == std::vector<int>{0});
    CHECK_EQ(open_descriptors(), before + 1);
  }
}

}  // namespace sk
