// Descriptors that come from elsewhere, and those that go there.
#include <netinet/in.h>
#include <netinet/udp.h>

#include <cerrno>

#include "core/linux_names.h"
#include "core/reactor.h"

namespace sk {

namespace {

// What of the sockets that there are a reactor can use.
struct Usable {
  int family;
  int type;
  int protocol;
};
constexpr Usable kUsable[] = {
    {AF_INET, SOCK_DGRAM, IPPROTO_UDP},
    {AF_INET, SOCK_STREAM, IPPROTO_TCP},
    // A listener of another program may be one of these, whose connections are of TCP where the
    // peer knows no better.
    {AF_INET, SOCK_STREAM, IPPROTO_MPTCP},
    {AF_INET6, SOCK_DGRAM, IPPROTO_UDP},
    {AF_INET6, SOCK_STREAM, IPPROTO_TCP},
    {AF_INET6, SOCK_STREAM, IPPROTO_MPTCP},
    {AF_UNIX, SOCK_DGRAM, 0},
    {AF_UNIX, SOCK_SEQPACKET, 0},
    {AF_UNIX, SOCK_STREAM, 0},
};

// What a former owner may have set that would have messages joined or cut, descriptors come with
// them, or their own reports fill the buffer without anybody reading them.
struct Former {
  // As of Slot.
  uint32_t flag;
  int level;
  int name;
};
constexpr Former kFormer[] = {
    {kUdp, SOL_UDP, UDP_CORK},
    {kUdp, SOL_UDP, UDP_SEGMENT},
    {kUnix, SOL_SOCKET, SO_PASSPIDFD},
};
constexpr Former kReports[] = {
    {kUdp, IPPROTO_IP, IP_RECVERR},
    {kIpv6, IPPROTO_IPV6, IPV6_RECVERR},
};

int ask(Kernel& kernel, int fd, int level, int name, int* value) {
  socklen_t length = sizeof(*value);
  return kernel.get_option(fd, level, name, value, &length);
}

// 0 if it can be used, or a negative errno. Asking takes no pending error away.
int judge(Kernel& kernel, int fd, Usable* out) {
  int result = ask(kernel, fd, SOL_SOCKET, SO_TYPE, &out->type);
  if (result == 0) result = ask(kernel, fd, SOL_SOCKET, SO_DOMAIN, &out->family);
  if (result == 0) result = ask(kernel, fd, SOL_SOCKET, SO_PROTOCOL, &out->protocol);
  if (result < 0) return result;
  bool has_type = false;
  bool has_family = false;
  bool has_both = false;
  for (const Usable& row : kUsable) {
    has_type |= row.type == out->type;
    has_family |= row.family == out->family;
    if (row.type != out->type || row.family != out->family) continue;
    if (row.protocol == out->protocol) return 0;
    has_both = true;
  }
  if (!has_type) return -ESOCKTNOSUPPORT;
  if (!has_family) return -EAFNOSUPPORT;
  return has_both ? -EPROTONOSUPPORT : -ESOCKTNOSUPPORT;
}

// What an adopted socket does: listens, is connected, or waits to be made one of messages. A
// negative errno if it does nothing.
int state_of(Kernel& kernel, int fd, int type, State* out) {
  int is_listening = 0;
  const int result = ask(kernel, fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening);
  if (result < 0) return result;
  *out = is_listening != 0 ? State::listening : State::connected;
  Sockaddr peer;
  if (is_listening == 0 && type != SOCK_DGRAM) {
    const int connected = kernel.remote_address(fd, &peer);
    if (connected < 0) return connected;
  }
  if (is_listening == 0 && type != SOCK_STREAM) *out = State::opened;
  return 0;
}

}  // namespace

bool Reactor::owns(int fd) {
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    const Slot& slot = slots_.at(index);
    if (slot.state != State::free && slot.fd == fd) return true;
  }
  return false;
}

int64_t Reactor::adopt(int fd, bool is_lent) {
  Usable kind = {};
  State state = State::free;
  int result = judge(*kernel_, fd, &kind);
  if (result == 0) result = state_of(*kernel_, fd, kind.type, &state);
  if (result < 0) return result;
  if (!is_lent && owns(fd)) return -EEXIST;
  const int taken = is_lent ? kernel_->duplicate(fd) : fd;
  if (taken < 0) return taken;
  uint32_t index = 0;
  result = kernel_->prepare(taken);
  Slot* slot = result < 0 ? nullptr : adopt(taken, state, &index);
  if (slot == nullptr) {
    if (is_lent) kernel_->close(taken);
    return result < 0 ? result : -EMFILE;
  }
  slot->set(kForeign);
  if (is_lent) slot->set(kLent);
  if (kind.family == AF_UNIX) slot->set(kUnix);
  return static_cast<int64_t>(id_of(*slot, index));
}

// Sets an option off that is on. An option that the system has not is off.
int Reactor::unset(const Slot& slot, int level, int name) {
  int value = 0;
  const int result = ask(*kernel_, slot.fd, level, name, &value);
  if (result == -ENOPROTOOPT) return 0;
  return result < 0 || value == 0 ? result : set_flag(slot, level, name, 0);
}

// Makes a socket of messages that had another owner like one of our own.
int Reactor::take_over(Slot& slot, bool wants_icmp) {
  for (const Former& row : kFormer) {
    const int result = slot.has(row.flag) ? unset(slot, row.level, row.name) : 0;
    if (result < 0) return result;
  }
  for (const Former& row : kReports) {
    const int result = slot.has(row.flag) && !wants_icmp ? unset(slot, row.level, row.name) : 0;
    if (result < 0) return result;
  }
  int is_on = 0;
  if (slot.has(kUdp) && ask(*kernel_, slot.fd, SOL_UDP, UDP_GRO, &is_on) == 0 && is_on != 0) {
    slot.set(kTrains);
  }
  return unset_meta(slot);
}

int Reactor::detach(Id id) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->pending() > 0 || slot->messages != nullptr) return -EBUSY;
  const int fd = slot->fd;
  if (slot->has(kRegistered)) poller_->forget(fd);
  if (slot->has(kReferenced)) --referenced_;
  slots_.release(slot_of(id));
  return fd;
}

int Reactor::hand_over(Id id) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->state != State::connected) return -ENOTCONN;
  if (slot->has(kLent)) return -EPERM;
  if (slot->pending() > 0) return -EBUSY;
  if (slot->has(kRegistered)) poller_->forget(slot->fd);
  slot->clear(kRegistered | kActive);
  slot->state = State::handed;
  return 0;
}

}  // namespace sk
