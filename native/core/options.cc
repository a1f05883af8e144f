#include "core/options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#ifdef __linux__
#include <linux/if_packet.h>
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
constexpr int kSolMptcp = 284;
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
    {IPPROTO_IPV6, 64, 79},
    // Maps the caller's memory: linux/tcp.h.
    {IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, TCP_ZEROCOPY_RECEIVE},
    // MPTCP_FULL_INFO names two arrays that the kernel fills: linux/mptcp.h.
    {kSolMptcp, 4, 4},
    // SCTP_SOCKOPT_CONNECTX3: linux/sctp.h.
    {kSolSctp, 111, 111},
    // RDS_GET_MR and RDS_GET_MR_FOR_DEST register memory: linux/rds.h.
    {SOL_RDS, 2, 2},
    {SOL_RDS, 7, 7},
    // XDP_UMEM_REG registers memory that the kernel writes to: linux/if_xdp.h.
    {SOL_XDP, 4, 4},
};
#else
constexpr Row kFilters[] = {{-1, 0, 0}};
constexpr Row kAddresses[] = {{-1, 0, 0}};
#endif

template <typename Rows>
bool has(const Rows& rows, int level, int name) {
  for (const Row& row : rows) {
    if (row.level == level && name >= row.first && name <= row.last) return true;
  }
  return false;
}

}  // namespace

bool takes_filter(int level, int name) { return has(kFilters, level, name); }

bool value_holds_address(int level, int name) {
  return has(kFilters, level, name) || has(kAddresses, level, name);
}

}  // namespace sk
