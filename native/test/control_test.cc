#include "core/control.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "test/net.h"

namespace sk {

using namespace sk::test;

namespace {

constexpr size_t kMost = 512;

struct Found {
  int level;
  int type;
  std::string payload;
};

// Control data as bytes of exactly their length, so that a read past the end is noticed.
class Control {
 public:
  // A message whose header claims `claimed` bytes, header included.
  Control& header(int level, int type, size_t claimed) {
    cmsghdr header = {};
    header.cmsg_len = claimed;
    header.cmsg_level = level;
    header.cmsg_type = type;
    return raw(&header, CMSG_LEN(0));
  }
  Control& message(int level, int type, const std::string& payload) {
    header(level, type, CMSG_LEN(payload.size()));
    raw(payload.data(), payload.size());
    bytes_.resize((bytes_.size() + control_alignment() - 1) / control_alignment() *
                  control_alignment());
    return *this;
  }
  Control& raw(const void* data, size_t length) {
    const auto* start = static_cast<const uint8_t*>(data);
    bytes_.insert(bytes_.end(), start, start + length);
    return *this;
  }
  Control& cut(size_t length) {
    bytes_.resize(length);
    return *this;
  }
  size_t size() const { return bytes_.size(); }

  std::vector<Found> walk(size_t capacity = kMost) const {
    std::vector<uint8_t> bytes(bytes_);
    bytes.shrink_to_fit();
    std::vector<ControlEntry> entries(capacity);
    // Counted from a place before the data, as from the start of a slab.
    constexpr size_t kBefore = 24;
    std::vector<uint8_t> slab(kBefore + bytes.size());
    if (!bytes.empty()) memcpy(slab.data() + kBefore, bytes.data(), bytes.size());
    const size_t count =
        walk_control(slab.data() + kBefore, bytes.size(), slab.data(), entries.data(), capacity);
    CHECK(count <= capacity);
    std::vector<Found> out;
    for (size_t i = 0; i < count; ++i) {
      const ControlEntry& entry = entries[i];
      CHECK(entry.offset >= static_cast<int32_t>(kBefore + control_header()));
      CHECK(entry.length >= 0);
      const size_t offset = static_cast<size_t>(entry.offset);
      const size_t length = static_cast<size_t>(entry.length);
      CHECK(offset + length <= slab.size());
      out.push_back({entry.level, entry.type,
                     std::string(reinterpret_cast<char*>(slab.data()) + offset, length)});
    }
    return out;
  }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace

TEST("control_header and control_alignment are the system's") {
  CHECK_EQ(control_header(), CMSG_LEN(0));
  CHECK_EQ(CMSG_SPACE(1), control_header() + control_alignment());
  CHECK_EQ(CMSG_SPACE(control_alignment()), control_header() + control_alignment());
}

TEST("walk_control finds nothing in nothing, and in less than a header") {
  CHECK_EQ(walk_control(nullptr, 0, nullptr, nullptr, 0), 0u);
  CHECK(Control().walk().empty());
  for (size_t length = 1; length < control_header(); ++length) {
    CHECK(Control().message(1, 2, "").cut(length).walk().empty());
  }
}

TEST("walk_control finds one message of each length, empty included") {
  for (size_t length = 0; length < 70; ++length) {
    const std::string payload = pattern(length, length);
    const auto found = Control().message(-5, 1 << 30, payload).walk();
    CHECK_EQ(found.size(), 1u);
    CHECK_EQ(found[0].level, -5);
    CHECK_EQ(found[0].type, 1 << 30);
    CHECK_EQ(found[0].payload, payload);
  }
}

TEST("walk_control finds several, in their order") {
  Control control;
  for (int i = 0; i < 50; ++i) control.message(i, -i, pattern(static_cast<size_t>(i)));
  const auto found = control.walk();
  CHECK_EQ(found.size(), 50u);
  for (int i = 0; i < 50; ++i) {
    const Found& each = found[static_cast<size_t>(i)];
    CHECK_EQ(each.level, i);
    CHECK_EQ(each.type, -i);
    CHECK_EQ(each.payload, pattern(static_cast<size_t>(i)));
  }
}

TEST("walk_control takes a last message whose padding is not there") {
  const auto found = Control().message(1, 2, "abc").message(3, 4, "d").cut(24 + 17).walk();
  CHECK_EQ(found.size(), 2u);
  CHECK_EQ(found[1].payload, std::string("d"));
}

TEST("walk_control cuts a payload where the data end (F36)") {
  for (const size_t claimed :
       {CMSG_LEN(6), CMSG_LEN(100), CMSG_LEN(1) << 31, std::numeric_limits<size_t>::max(),
        std::numeric_limits<size_t>::max() - control_header(),
        std::numeric_limits<size_t>::max() / 2 + 1}) {
    const auto found =
        Control().message(9, 9, "first").header(1, 2, claimed).raw("12345", 5).walk();
    CHECK_EQ(found.size(), 2u);
    CHECK_EQ(found[1].level, 1);
    CHECK_EQ(found[1].payload, std::string("12345"));
  }
}

TEST("walk_control ends at a header that claims less than a header (F36)") {
  for (size_t claimed = 0; claimed < control_header(); ++claimed) {
    const auto found = Control()
                           .message(9, 9, "first")
                           .header(1, 2, claimed)
                           .raw("12345678", 8)
                           .message(3, 4, "never")
                           .walk();
    CHECK_EQ(found.size(), 1u);
    CHECK_EQ(found[0].payload, std::string("first"));
  }
}

TEST("walk_control ends where no whole header is left (F36)") {
  Control whole;
  whole.message(1, 2, "12345678").message(3, 4, "");
  for (size_t length = 24; length < 40; ++length) {
    CHECK_EQ(Control(whole).cut(length).walk().size(), 1u);
  }
  CHECK_EQ(whole.walk().size(), 2u);
}

TEST("walk_control stores no more than there is room for") {
  Control control;
  for (int i = 0; i < 10; ++i) control.message(i, i, "x");
  for (size_t capacity = 0; capacity <= 12; ++capacity) {
    CHECK_EQ(control.walk(capacity).size(), std::min<size_t>(capacity, 10));
  }
}

TEST("walk_control never finds more than one message for each header's bytes, and one") {
  Control control;
  for (size_t length = 0; length < 200; ++length) {
    CHECK(control.walk().size() <= length / control_header() + 1);
    control.raw("\x10\0\0\0\0\0\0\0" + length % 8, 1);
  }
}

TEST("walk_control survives garbage, and finds what CMSG_NXTHDR finds in what is well formed") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20000; ++round) {
    const size_t length = random() % 160;
    Control control;
    for (size_t i = 0; i < length; ++i) {
      const uint8_t byte = random() % 3 == 0 ? static_cast<uint8_t>(random()) : 0;
      control.raw(&byte, 1);
    }
    control.walk(random() % 12);
  }
  for (int round = 0; round < 2000; ++round) {
    Control control;
    std::vector<std::string> payloads;
    for (size_t i = random() % 6; i > 0; --i) {
      payloads.push_back(pattern(random() % 40, random() % 100));
      control.message(1, 2, payloads.back());
    }
    const auto found = control.walk();
    CHECK_EQ(found.size(), payloads.size());
    for (size_t i = 0; i < found.size(); ++i) CHECK_EQ(found[i].payload, payloads[i]);
  }
}

namespace {

// What the kernel told with one datagram, as it wrote it.
struct Told {
  std::vector<Found> found;
  int flags;
};

// Receives with `room` bytes of control data, and walks what came.
Told receive_control(int fd, size_t room) {
  alignas(8) uint8_t buffer[1024] = {};
  char byte[16];
  iovec part = {byte, sizeof(byte)};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = buffer;
  message.msg_controllen = room;
  CHECK(is_ready(fd, POLLIN));
  CHECK_EQ(::recvmsg(fd, &message, 0), 1);
  Control control;
  control.raw(buffer, static_cast<size_t>(message.msg_controllen));
  Told told = {control.walk(), message.msg_flags};
  // The C library's own walk, which trusts the kernel.
  size_t count = 0;
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
    CHECK(count < told.found.size());
    CHECK_EQ(told.found[count].level, at->cmsg_level);
    CHECK_EQ(told.found[count].type, at->cmsg_type);
    CHECK_EQ(told.found[count].payload,
             std::string(reinterpret_cast<char*>(CMSG_DATA(at)), at->cmsg_len - CMSG_LEN(0)));
    ++count;
  }
  CHECK_EQ(count, told.found.size());
  return told;
}

// A UDP socket that asks for everything that can come with a datagram.
Fd curious_socket(std::set<std::pair<int, int>>* kinds) {
  struct Row {
    int level;
    int option;
    int type;
  };
  constexpr Row kRows[] = {
      {IPPROTO_IP, IP_PKTINFO, IP_PKTINFO},
      {IPPROTO_IP, IP_RECVTTL, IP_TTL},
      {IPPROTO_IP, IP_RECVTOS, IP_TOS},
      {IPPROTO_IP, IP_RECVORIGDSTADDR, IP_ORIGDSTADDR},
      {SOL_SOCKET, SO_TIMESTAMPNS, SO_TIMESTAMPNS},
      {SOL_SOCKET, SO_RXQ_OVFL, SO_RXQ_OVFL},
  };
  Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Sockaddr address = sockaddr_of(loopback());
  CHECK_EQ(::bind(fd.get(), address.get(), address.length), 0);
  const int on = 1;
  for (const Row& row : kRows) {
    CHECK_EQ(::setsockopt(fd.get(), row.level, row.option, &on, sizeof(on)), 0);
    // Without a drop there is nothing to tell.
    if (row.option != SO_RXQ_OVFL || row.level != SOL_SOCKET) kinds->insert({row.level, row.type});
  }
  return fd;
}

}  // namespace

TEST("walk_control finds all that the kernel tells with one datagram, and what is cut (F37)") {
  std::set<std::pair<int, int>> kinds;
  const Fd fd = curious_socket(&kinds);
  const Sockaddr to = sockaddr_of(loopback(port_of(fd.get())));
  const auto tell = [&](size_t room) {
    const Fd sender(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    CHECK_EQ(::sendto(sender.get(), "x", 1, 0, to.get(), to.length), 1);
    return receive_control(fd.get(), room);
  };
  const Told whole = tell(1024);
  CHECK_EQ(whole.flags & MSG_CTRUNC, 0);
  std::set<std::pair<int, int>> told;
  for (const Found& each : whole.found) CHECK(told.insert({each.level, each.type}).second);
  for (const auto& kind : kinds) CHECK(told.count(kind) == 1);
  // With less room the kernel cuts the last one, or leaves it out.
  size_t before = 0;
  for (size_t room = 0; room <= 400; room += 4) {
    const Told part = tell(room);
    CHECK(part.found.size() >= before);
    CHECK(part.found.size() <= whole.found.size());
    before = part.found.size();
    if (before < whole.found.size()) CHECK((part.flags & MSG_CTRUNC) != 0);
  }
  CHECK_EQ(before, whole.found.size());
}

}  // namespace sk
