// Sockets of messages: what they are, and what is set on them. Receiving is in reactor_receive.cc,
// sending in reactor_send.cc.
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "core/reactor.h"

namespace sk {

namespace {

// An option that has something told of each message.
struct MetaRow {
  uint32_t bit;
  // The flags that a socket must have, of kUdp, kIpv6 and kUnix.
  uint32_t needs;
  int level;
  int name;
};

// An IPv6 socket may receive over IPv4, and then tells what the options of IPv4 ask for, but for
// addresses, which it tells in its own form.
constexpr MetaRow kMetaRows[] = {
    {kMetaLocal, kIpv6, IPPROTO_IPV6, IPV6_RECVPKTINFO},
    {kMetaLocal, kIpv4, IPPROTO_IP, IP_PKTINFO},
    {kMetaTtl, kIpv6, IPPROTO_IPV6, IPV6_RECVHOPLIMIT},
    {kMetaTtl, kUdp, IPPROTO_IP, IP_RECVTTL},
    {kMetaTrafficClass, kIpv6, IPPROTO_IPV6, IPV6_RECVTCLASS},
    {kMetaTrafficClass, kUdp, IPPROTO_IP, IP_RECVTOS},
    {kMetaTimestamp, kUdp, SOL_SOCKET, SO_TIMESTAMPNS},
    {kMetaTimestamp, kUnix, SOL_SOCKET, SO_TIMESTAMPNS},
};

int ask(Kernel& kernel, int fd, int name, int* value) {
  socklen_t length = sizeof(*value);
  return kernel.get_option(fd, SOL_SOCKET, name, value, &length);
}

bool is_mapped(const Sockaddr& address) {
  if (address.storage.ss_family != AF_INET6) return false;
  sockaddr_in6 in6;
  memcpy(&in6, &address.storage, sizeof(in6));
  return IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
}

}  // namespace

int Reactor::set_flag(const Slot& slot, int level, int name, int value) {
  return kernel_->set_option(slot.fd, level, name, &value, sizeof(value));
}

// Finds out what the socket is. 0, or a negative errno.
int Reactor::recognize(Slot& slot) {
  int type = 0;
  int family = 0;
  int result = ask(*kernel_, slot.fd, SO_TYPE, &type);
  if (result == 0) result = ask(*kernel_, slot.fd, SO_DOMAIN, &family);
  if (result < 0) return result;
  if (type != SOCK_DGRAM && type != SOCK_SEQPACKET) return -ESOCKTNOSUPPORT;
  if (family == AF_UNIX) {
    slot.set(kUnix | (type == SOCK_SEQPACKET ? kSequenced : 0u));
    return 0;
  }
  if (family != AF_INET && family != AF_INET6) return -EAFNOSUPPORT;
  slot.set(kUdp | (family == AF_INET6 ? kIpv6 : kIpv4));
  Sockaddr peer;
  if (kernel_->remote_address(slot.fd, &peer) == 0 && is_mapped(peer)) slot.set(kMapped);
  return 0;
}

int Reactor::open_messages(Id id, bool wants_icmp) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->state != State::opened && slot->state != State::connected) return -EINVAL;
  int result = recognize(*slot);
  if (result < 0) return result;
  if (slot->has(kForeign)) result = take_over(*slot, wants_icmp);
  if (result < 0) return result;
  std::unique_ptr<Messages> messages(new (std::nothrow) Messages);
  if (messages == nullptr) return -ENOMEM;
  if (slot->has(kUdp)) {
    messages->out.allow_runs(Outbox::kMaxRunBytes);
    if (wants_icmp) {
      slot->set(kIcmp);
      result = set_flag(*slot, IPPROTO_IP, IP_RECVERR, 1);
      if (result == 0 && slot->has(kIpv6)) {
        result = set_flag(*slot, IPPROTO_IPV6, IPV6_RECVERR, 1);
      }
    }
  } else if (slot->has(kSequenced)) {
    // Only a control message tells an empty packet from the end.
    result = set_flag(*slot, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  }
  if (result < 0) return result;
  slot->messages = std::move(messages);
  slot->state = State::messaging;
  return 0;
}

// Nothing is asked for any more.
int Reactor::unset_meta(const Slot& slot) {
  for (const MetaRow& row : kMetaRows) {
    const int result = slot.has(row.needs) ? unset(slot, row.level, row.name) : 0;
    if (result < 0) return result;
  }
  return 0;
}

// Asks for what is not asked for yet, and no more for what is no longer wanted.
int Reactor::ask_for_meta(Slot& slot, uint32_t meta) {
  const uint32_t changed = slot.messages->meta ^ meta;
  for (const MetaRow& row : kMetaRows) {
    if ((changed & row.bit) == 0 || !slot.has(row.needs)) continue;
    const bool is_on = (meta & row.bit) != 0 || slot.has(kSequenced);
    const int result = set_flag(slot, row.level, row.name, is_on ? 1 : 0);
    if (result < 0) return result;
  }
  slot.messages->meta = meta;
  return 0;
}

int Reactor::membership(Id id, const Membership& wanted) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  const int level = wanted.group.family == Family::ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
  Sockaddr group;
  int result = encode(wanted.group, &group);
  if (result < 0) return result;
  if (wanted.source.family == Family::none) {
    group_req request = {};
    request.gr_interface = wanted.interface_index;
    memcpy(&request.gr_group, &group.storage, group.length);
    return kernel_->set_option(slot->fd, level, wanted.joins ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP,
                               &request, sizeof(request));
  }
  Sockaddr source;
  result = encode(wanted.source, &source);
  if (result < 0) return result;
  group_source_req request = {};
  request.gsr_interface = wanted.interface_index;
  memcpy(&request.gsr_group, &group.storage, group.length);
  memcpy(&request.gsr_source, &source.storage, source.length);
  return kernel_->set_option(slot->fd, level,
                             wanted.joins ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP,
                             &request, sizeof(request));
}

int64_t Reactor::drops(Id id) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  uint32_t values[SK_MEMINFO_VARS] = {};
  socklen_t length = sizeof(values);
  const int result = kernel_->get_option(slot->fd, SOL_SOCKET, SO_MEMINFO, values, &length);
  return result < 0 ? result : values[SK_MEMINFO_DROPS];
}

}  // namespace sk
