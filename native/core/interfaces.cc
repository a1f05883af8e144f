// getifaddrs(3) has neither an interface's MTU nor whether an address has a broadcast address (it
// gives the address itself in that place where there is none), so the kernel is asked directly.
#include "core/interfaces.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sk {

namespace {

// The kernel fills no more than this at a time. @see netlink(7)
constexpr size_t kBufferSize = 64 * 1024;
// Dumps that changes of the network have made inconsistent, in a row, until that is the answer.
constexpr int kAttempts = 32;

template <typename T>
bool read_struct(const uint8_t* bytes, size_t length, T* out) {
  if (length < sizeof(T)) return false;
  memcpy(out, bytes, sizeof(T));
  return true;
}

struct Attribute {
  int type;
  const uint8_t* bytes;
  size_t length;
};

// Calls `visit` for each attribute behind a message's head, as long as they fit.
template <typename Visit>
void each_attribute(const uint8_t* bytes, size_t length, Visit visit) {
  rtattr head;
  while (read_struct(bytes, length, &head)) {
    if (head.rta_len < sizeof(head) || head.rta_len > length) return;
    visit(Attribute{head.rta_type & NLA_TYPE_MASK, bytes + RTA_LENGTH(0),
                    head.rta_len - RTA_LENGTH(0)});
    const size_t step = RTA_ALIGN(head.rta_len);
    if (step >= length) return;
    bytes += step;
    length -= step;
  }
}

// The bytes of an address of the family, if that is what the attribute holds.
std::optional<IpBytes> ip_of(const Attribute& attribute, Family family) {
  if (attribute.length != (family == Family::ipv4 ? 4u : 16u)) return std::nullopt;
  return IpBytes(attribute.bytes, attribute.bytes + attribute.length);
}

class Netlink {
 public:
  Netlink() : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
    error_ = fd_ < 0 ? -errno : 0;
  }
  ~Netlink() {
    if (fd_ >= 0) ::close(fd_);
  }
  Netlink(const Netlink&) = delete;
  Netlink& operator=(const Netlink&) = delete;
  int error() const { return error_; }

  int ask(uint16_t type, uint32_t sequence) {
    struct {
      nlmsghdr head;
      rtgenmsg body;
    } request = {};
    request.head.nlmsg_len = NLMSG_LENGTH(sizeof(request.body));
    request.head.nlmsg_type = type;
    request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.head.nlmsg_seq = sequence;
    request.body.rtgen_family = AF_UNSPEC;
    ssize_t sent;
    do {
      sent = ::send(fd_, &request, request.head.nlmsg_len, 0);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
  }

  // Never waits for anybody but the kernel.
  ssize_t receive(std::vector<uint8_t>* buffer) {
    ssize_t got;
    do {
      got = ::recv(fd_, buffer->data(), buffer->size(), MSG_TRUNC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return -errno;
    return static_cast<size_t>(got) > buffer->size() ? -EMSGSIZE : got;
  }

 private:
  int fd_;
  int error_;
};

// Reads a whole dump. Returns 0, -EINTR if it is inconsistent, or another negative errno.
int read_dump(Netlink* netlink, uint16_t type, uint32_t sequence, InterfaceReader* reader) {
  int error = netlink->ask(type, sequence);
  if (error != 0) return error;
  reader->expect(sequence);
  std::vector<uint8_t> buffer(kBufferSize);
  for (;;) {
    const ssize_t got = netlink->receive(&buffer);
    if (got < 0) return static_cast<int>(got);
    switch (reader->read(buffer.data(), static_cast<size_t>(got))) {
      case InterfaceReader::State::more:
        break;
      case InterfaceReader::State::done:
        return 0;
      case InterfaceReader::State::interrupted:
        return -EINTR;
      case InterfaceReader::State::failed:
        return reader->error();
    }
  }
}

int list_once(std::vector<Interface>* out) {
  Netlink netlink;
  if (netlink.error() != 0) return netlink.error();
  InterfaceReader reader(1);
  int error = read_dump(&netlink, RTM_GETLINK, 1, &reader);
  if (error == 0) error = read_dump(&netlink, RTM_GETADDR, 2, &reader);
  if (error != 0) return error;
  out->clear();
  for (const auto& [index, interface] : reader.interfaces()) out->push_back(interface);
  return 0;
}

}  // namespace

InterfaceReader::State InterfaceReader::read(const uint8_t* bytes, size_t length) {
  nlmsghdr head;
  while (read_struct(bytes, length, &head)) {
    if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > length) break;
    const uint8_t* body = bytes + NLMSG_HDRLEN;
    const size_t body_length = head.nlmsg_len - NLMSG_HDRLEN;
    if (head.nlmsg_seq == sequence_) {
      is_interrupted_ = is_interrupted_ || (head.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (head.nlmsg_type == NLMSG_ERROR) return fail(body, body_length);
      if (head.nlmsg_type == NLMSG_DONE) {
        return is_interrupted_ ? State::interrupted : State::done;
      }
      if (head.nlmsg_type == RTM_NEWLINK) read_link(body, body_length);
      if (head.nlmsg_type == RTM_NEWADDR) read_address(body, body_length);
    }
    const size_t step = NLMSG_ALIGN(head.nlmsg_len);
    if (step >= length) break;
    bytes += step;
    length -= step;
  }
  return State::more;
}

InterfaceReader::State InterfaceReader::fail(const uint8_t* body, size_t length) {
  nlmsgerr message = {};
  read_struct(body, length, &message);
  error_ = message.error < 0 ? message.error : -EBADMSG;
  return State::failed;
}

void InterfaceReader::read_link(const uint8_t* body, size_t length) {
  ifinfomsg info;
  if (!read_struct(body, length, &info) || info.ifi_index <= 0) return;
  Interface interface;
  interface.index = static_cast<uint32_t>(info.ifi_index);
  interface.flags = info.ifi_flags;
  interface.hardware_type = info.ifi_type;
  const size_t head = NLMSG_ALIGN(sizeof(info));
  if (length > head) {
    each_attribute(body + head, length - head, [&interface](const Attribute& attribute) {
      const auto* text = reinterpret_cast<const char*>(attribute.bytes);
      if (attribute.type == IFLA_IFNAME) {
        interface.name.assign(text, strnlen(text, attribute.length));
      } else if (attribute.type == IFLA_MTU) {
        read_struct(attribute.bytes, attribute.length, &interface.mtu);
      } else if (attribute.type == IFLA_ADDRESS) {
        interface.hardware_address.assign(attribute.bytes, attribute.bytes + attribute.length);
      }
    });
  }
  interfaces_[interface.index] = std::move(interface);
}

void InterfaceReader::read_address(const uint8_t* body, size_t length) {
  ifaddrmsg info;
  if (!read_struct(body, length, &info)) return;
  if (info.ifa_family != AF_INET && info.ifa_family != AF_INET6) return;
  // An interface that came after the links were read is left out as a whole.
  const auto interface = interfaces_.find(info.ifa_index);
  if (interface == interfaces_.end()) return;
  InterfaceAddress address = {};
  address.family = info.ifa_family == AF_INET ? Family::ipv4 : Family::ipv6;
  address.prefix_length = info.ifa_prefixlen;
  std::optional<IpBytes> local;
  std::optional<IpBytes> far;
  const size_t head = NLMSG_ALIGN(sizeof(info));
  if (length > head) {
    each_attribute(body + head, length - head, [&](const Attribute& attribute) {
      if (attribute.type == IFA_LOCAL) local = ip_of(attribute, address.family);
      if (attribute.type == IFA_ADDRESS) far = ip_of(attribute, address.family);
      if (attribute.type == IFA_BROADCAST) address.broadcast = ip_of(attribute, address.family);
    });
  }
  // IFA_ADDRESS is the peer's where IFA_LOCAL is there and another (linux/if_addr.h).
  if (!local && !far) return;
  address.bytes = local ? *local : *far;
  if (local && far && *far != *local) address.peer = std::move(far);
  interface->second.addresses.push_back(std::move(address));
}

int list_interfaces(std::vector<Interface>* out) {
  int error = -EINTR;
  for (int i = 0; i < kAttempts && error == -EINTR; ++i) error = list_once(out);
  return error;
}

int64_t interface_index(const std::string& name) {
  // A name ends where its C string does, or it is nobody's.
  if (name.find('\0') != std::string::npos) return -ENODEV;
  const unsigned index = ::if_nametoindex(name.c_str());
  return index == 0 ? -errno : static_cast<int64_t>(index);
}

int interface_name(uint32_t index, std::string* out) {
  char name[IF_NAMESIZE];
  if (::if_indextoname(index, name) == nullptr) return -errno;
  *out = name;
  return 0;
}

}  // namespace sk
