#include "core/options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#ifdef __linux__
#include <linux/if_packet.h>

#include "core/linux_names.h"
#endif

namespace sk {

namespace {

// One row an option, or a range of them.
struct Row {
  int level;
  int first;
  int last;
};

#ifdef __linux__
constexpr int kSolSctp = 132;

constexpr Row kFilters[] = {
    {SOL_SOCKET, SO_ATTACH_FILTER, SO_ATTACH_FILTER},
    {SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_CBPF},
    {SOL_PACKET, PACKET_FANOUT_DATA, PACKET_FANOUT_DATA},
};

constexpr Row kAddresses[] = {
    // Tables of iptables, arptables and ebtables: linux/netfilter_*/*_tables.h.
    {IPPROTO_IP, 64, 79},
    {IPPROTO_IP, 96, 111},
    {IPPROTO_IP, 128, 143},
    // Of the last only the two that are set: the numbers behind them are IPv6's own.
    {IPPROTO_IPV6, 64, 65},
    // Maps the caller's memory: linux/tcp.h.
    {IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, TCP_ZEROCOPY_RECEIVE},
    // Also holds the addresses of two tables that are filled: linux/mptcp.h.
    {SOL_MPTCP, MPTCP_FULL_INFO, MPTCP_FULL_INFO},
    // SCTP_SOCKOPT_CONNECTX3: linux/sctp.h.
    {kSolSctp, 111, 111},
    // RDS_GET_MR and RDS_GET_MR_FOR_DEST register memory: linux/rds.h.
    {SOL_RDS, 2, 2},
    {SOL_RDS, 7, 7},
    // XDP_UMEM_REG registers memory that the kernel writes to: linux/if_xdp.h.
    {SOL_XDP, 4, 4},
};

constexpr Row kControlAddresses[] = {
    // Of remote memory access (linux/rds.h): RDS_CMSG_RDMA_ARGS, RDS_CMSG_RDMA_MAP, and from
    // RDS_CMSG_ATOMIC_FADD to RDS_CMSG_MASKED_ATOMIC_CSWP.
    {SOL_RDS, 1, 1},
    {SOL_RDS, 3, 3},
    {SOL_RDS, 6, 9},
};

constexpr Row kDescriptors[] = {
    {SOL_SOCKET, SO_PEERPIDFD, SO_PEERPIDFD},
};
#else
constexpr Row kFilters[] = {{-1, 0, 0}};
constexpr Row kAddresses[] = {{-1, 0, 0}};
constexpr Row kControlAddresses[] = {{-1, 0, 0}};
constexpr Row kDescriptors[] = {{-1, 0, 0}};
#endif

template <typename Rows>
bool has(const Rows& rows, int level, int name) {
  for (const Row& row : rows) {
    if (row.level == level && name >= row.first && name <= row.last) return true;
  }
  return false;
}

}  // namespace

bool control_holds_address(int level, int type) { return has(kControlAddresses, level, type); }

bool value_is_descriptor(int level, int name) { return has(kDescriptors, level, name); }

bool takes_filter(int level, int name) { return has(kFilters, level, name); }

bool value_holds_address(int level, int name) {
  return has(kFilters, level, name) || has(kAddresses, level, name);
}

}  // namespace sk
