#include "core/options.h"

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "core/linux_names.h"
#include "core/syscalls.h"
#include "test/net.h"

namespace sk {

using namespace sk::test;

namespace {

constexpr int kSolSctp = 132;

struct Row {
  int level;
  int name;
};

// The shortest program that lets everything through, longer by `more` instructions without effect.
std::vector<sock_filter> program(size_t more = 0) {
  std::vector<sock_filter> out(more, sock_filter{BPF_LD | BPF_IMM, 0, 0, 7});
  out.push_back({BPF_RET | BPF_K, 0, 0, 0xffffffff});
  return out;
}

int attach(int fd, int name, std::vector<sock_filter> code) {
  const sock_fprog value = {static_cast<unsigned short>(code.size()), code.data()};
  return sys::setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value));
}

}  // namespace

TEST("value_holds_address knows each option whose value does") {
  const Row rows[] = {
      {SOL_SOCKET, SO_ATTACH_FILTER},
      {SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF},
      {SOL_PACKET, PACKET_FANOUT_DATA},
      {IPPROTO_IP, IPT_SO_SET_REPLACE},
      {IPPROTO_IP, IPT_SO_SET_REPLACE + 1},
      {IPPROTO_IP, 79},
      {IPPROTO_IP, ARPT_SO_SET_REPLACE},
      {IPPROTO_IP, 111},
      {IPPROTO_IP, EBT_SO_SET_ENTRIES},
      {IPPROTO_IP, EBT_SO_GET_INIT_ENTRIES},
      {IPPROTO_IP, 143},
      {IPPROTO_IPV6, IP6T_SO_SET_REPLACE},
      {IPPROTO_IPV6, IP6T_SO_SET_REPLACE + 1},
      {IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE},
      {SOL_MPTCP, MPTCP_FULL_INFO},
      {kSolSctp, 111},
      {SOL_RDS, 2},
      {SOL_RDS, 7},
      {SOL_XDP, 4},
  };
  for (const Row& row : rows) CHECK(value_holds_address(row.level, row.name));
}

TEST("value_holds_address lets the neighbours of those through") {
  const Row rows[] = {
      {SOL_SOCKET, SO_ATTACH_FILTER - 1},
      {SOL_SOCKET, SO_DETACH_FILTER},
      {SOL_SOCKET, SO_ATTACH_BPF},
      {SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF + 1},
      {SOL_PACKET, PACKET_FANOUT},
      {SOL_PACKET, PACKET_FANOUT_DATA + 1},
      {SOL_PACKET, SO_ATTACH_FILTER},
      {IPPROTO_IP, 63},
      {IPPROTO_IP, 80},
      {IPPROTO_IP, 95},
      {IPPROTO_IP, 112},
      {IPPROTO_IP, 127},
      {IPPROTO_IP, 144},
      {IPPROTO_IPV6, 63},
      {IPPROTO_IPV6, IPV6_RECVTCLASS},
      {IPPROTO_IPV6, IPV6_RECVORIGDSTADDR},
      {IPPROTO_IPV6, IPV6_RECVFRAGSIZE},
      {IPPROTO_IPV6, IP6T_SO_ORIGINAL_DST},
      {IPPROTO_IPV6, 96},
      {IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE - 1},
      {IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE + 1},
      {SOL_MPTCP, MPTCP_INFO},
      {SOL_MPTCP, MPTCP_TCPINFO},
      {SOL_MPTCP, MPTCP_SUBFLOW_ADDRS},
      {kSolSctp, 110},
      {kSolSctp, 112},
      {SOL_RDS, 1},
      {SOL_RDS, 3},
      {SOL_XDP, 3},
      {SOL_XDP, 5},
      {-1, 0},
      {0, 0},
  };
  for (const Row& row : rows) CHECK(!value_holds_address(row.level, row.name));
}

TEST("takes_filter knows the options of classic programs, and no others") {
  CHECK(takes_filter(SOL_SOCKET, SO_ATTACH_FILTER));
  CHECK(takes_filter(SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF));
  CHECK(takes_filter(SOL_PACKET, PACKET_FANOUT_DATA));
  for (const Row& row : {Row{SOL_SOCKET, SO_ATTACH_BPF}, Row{SOL_SOCKET, SO_DETACH_FILTER},
                         Row{SOL_PACKET, PACKET_FANOUT}, Row{IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE},
                         Row{IPPROTO_IP, SO_ATTACH_FILTER}, Row{-1, 0}}) {
    CHECK(!takes_filter(row.level, row.name));
  }
}

TEST("control_holds_address knows the messages of remote memory access") {
  for (const int type : {1, 3, 6, 7, 8, 9}) CHECK(control_holds_address(SOL_RDS, type));
  for (const int type : {0, 2, 4, 5, 10, 12}) CHECK(!control_holds_address(SOL_RDS, type));
  for (const int level : {SOL_SOCKET, int{IPPROTO_IP}, int{IPPROTO_IPV6}, int{IPPROTO_UDP}}) {
    for (int type = 0; type < 64; ++type) CHECK(!control_holds_address(level, type));
  }
}

TEST("value_is_descriptor: reading SO_PEERPIDFD makes a descriptor, told or not") {
  CHECK(value_is_descriptor(SOL_SOCKET, SO_PEERPIDFD));
  CHECK(!value_is_descriptor(SOL_SOCKET, SO_PEERCRED));
  CHECK(!value_is_descriptor(SOL_SOCKET, SO_TYPE));
  CHECK(!value_is_descriptor(IPPROTO_IP, SO_PEERPIDFD));
  const Pair pair = unix_pair();
  const int before = open_descriptors();
  int fd = -1;
  socklen_t length = sizeof(fd);
  const int result = sys::getsockopt(pair.near.get(), SOL_SOCKET, SO_PEERPIDFD, &fd, &length);
  if (result != 0) {
    CHECK_EQ(result, -ENOPROTOOPT);  // before Linux 6.5
    return;
  }
  CHECK_EQ(length, sizeof(fd));
  CHECK_EQ(open_descriptors(), before + 1);
  ::close(fd);
}

TEST("a filter is read back whole: its length is in instructions") {
  const Pair pair = unix_pair();
  const int fd = pair.near.get();
  for (const size_t more : {size_t{0}, size_t{1}, size_t{100}, size_t{BPF_MAXINSNS - 1}}) {
    const std::vector<sock_filter> code = program(more);
    CHECK_EQ(attach(fd, SO_ATTACH_FILTER, code), 0);
    // Exactly the room that is needed, so that a byte more would be noticed.
    std::vector<sock_filter> told(code.size());
    auto count = static_cast<socklen_t>(code.size());
    CHECK_EQ(sys::getsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, told.data(), &count), 0);
    CHECK_EQ(count, code.size());
    CHECK_EQ(memcmp(told.data(), code.data(), code.size() * sizeof(sock_filter)), 0);
    if (more == 0) continue;
    count = static_cast<socklen_t>(code.size() - 1);
    CHECK_EQ(sys::getsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, told.data(), &count), -EINVAL);
  }
  CHECK_EQ(attach(fd, SO_ATTACH_FILTER, program(BPF_MAXINSNS)), -EINVAL);
  CHECK_EQ(attach(fd, SO_ATTACH_FILTER, {}), -EINVAL);
}

TEST("a socket without a filter tells of 0 instructions") {
  const Pair pair = unix_pair();
  sock_filter one;
  socklen_t count = BPF_MAXINSNS;
  CHECK_EQ(sys::getsockopt(pair.near.get(), SOL_SOCKET, SO_ATTACH_FILTER, &one, &count), 0);
  CHECK_EQ(count, 0u);
}

}  // namespace sk
