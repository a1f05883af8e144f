#include "core/interfaces.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <set>

#include "test/check.h"

namespace sk {

namespace {

using State = InterfaceReader::State;

constexpr uint32_t kSequence = 9;

template <typename T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + 3) / 4 * 4);
  return bytes;
}

std::string attribute(int type, const std::string& value) {
  const rtattr head = {static_cast<uint16_t>(RTA_LENGTH(value.size())),
                       static_cast<uint16_t>(type)};
  return padded(bytes_of(head) + value);
}

std::string message(uint16_t type, const std::string& body, uint16_t flags = NLM_F_MULTI,
                    uint32_t sequence = kSequence) {
  nlmsghdr head = {};
  head.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(body.size()));
  head.nlmsg_type = type;
  head.nlmsg_flags = flags;
  head.nlmsg_seq = sequence;
  return padded(bytes_of(head) + body);
}

std::string link(int index, const std::string& attributes) {
  ifinfomsg info = {};
  info.ifi_index = index;
  info.ifi_flags = IFF_UP | IFF_BROADCAST;
  info.ifi_type = 1;
  return message(RTM_NEWLINK, bytes_of(info) + attributes);
}

std::string named_link(int index, const std::string& name) {
  return link(index, attribute(IFLA_IFNAME, name + '\0'));
}

std::string address(uint32_t index, uint8_t family, const std::string& attributes) {
  ifaddrmsg info = {};
  info.ifa_family = family;
  info.ifa_prefixlen = 24;
  info.ifa_index = index;
  return message(RTM_NEWADDR, bytes_of(info) + attributes);
}

std::string done() { return message(NLMSG_DONE, bytes_of(0)); }

State read(InterfaceReader* reader, const std::string& bytes) {
  // A copy of exactly its size, so that a sanitizer sees a read past it.
  const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
  return reader->read(exact.data(), exact.size());
}

const std::string kOne("\x0a\0\0\x01", 4);
const std::string kTwo("\x0a\0\0\x02", 4);
const std::string kLast("\x0a\0\0\xff", 4);

}  // namespace

TEST("InterfaceReader reads a link's name, MTU and hardware address") {
  InterfaceReader reader(kSequence);
  const uint32_t mtu = 1400;
  CHECK_EQ(read(&reader, link(3, attribute(IFLA_IFNAME, std::string("eth0\0", 5)) +
                                     attribute(IFLA_MTU, bytes_of(mtu)) +
                                     attribute(IFLA_ADDRESS, "abcdef"))),
           State::more);
  CHECK_EQ(read(&reader, done()), State::done);
  const Interface& found = reader.interfaces().at(3);
  CHECK_EQ(found.name, std::string("eth0"));
  CHECK_EQ(found.index, 3u);
  CHECK_EQ(found.mtu, 1400u);
  CHECK_EQ(found.flags, static_cast<uint32_t>(IFF_UP | IFF_BROADCAST));
  CHECK_EQ(found.hardware_type, 1);
  CHECK_EQ(found.hardware_address.size(), 6u);
  CHECK(found.addresses.empty());
}

TEST("InterfaceReader tells one's own address from the peer's and from the broadcast one") {
  InterfaceReader reader(kSequence);
  read(&reader, named_link(3, "eth0"));
  read(&reader, address(3, AF_INET,
                        attribute(IFA_ADDRESS, kOne) + attribute(IFA_LOCAL, kOne) +
                            attribute(IFA_BROADCAST, kLast)));
  read(&reader, address(3, AF_INET, attribute(IFA_ADDRESS, kTwo) + attribute(IFA_LOCAL, kOne)));
  read(&reader, address(3, AF_INET6, attribute(IFA_ADDRESS, std::string(16, 'x'))));
  const std::vector<InterfaceAddress>& found = reader.interfaces().at(3).addresses;
  CHECK_EQ(found.size(), 3u);
  CHECK(found[0].bytes == IpBytes({10, 0, 0, 1}));
  CHECK(!found[0].peer);
  CHECK(found[0].broadcast == IpBytes({10, 0, 0, 255}));
  CHECK(found[1].bytes == IpBytes({10, 0, 0, 1}));
  CHECK(found[1].peer == IpBytes({10, 0, 0, 2}));
  CHECK(!found[1].broadcast);
  CHECK_EQ(found[2].family, Family::ipv6);
  CHECK_EQ(found[2].bytes.size(), 16u);
  CHECK_EQ(found[2].prefix_length, 24);
}

TEST("InterfaceReader passes over families, lengths and interfaces that it does not know") {
  InterfaceReader reader(kSequence);
  read(&reader, named_link(3, "eth0"));
  read(&reader, named_link(0, "none"));
  read(&reader, address(3, AF_UNIX, attribute(IFA_LOCAL, kOne)));
  read(&reader, address(4, AF_INET, attribute(IFA_LOCAL, kOne)));
  read(&reader, address(3, AF_INET, attribute(IFA_LOCAL, "12345")));
  read(&reader, address(3, AF_INET6, attribute(IFA_ADDRESS, kOne)));
  read(&reader, address(3, AF_INET, ""));
  CHECK_EQ(reader.interfaces().size(), 1u);
  CHECK(reader.interfaces().at(3).addresses.empty());
}

TEST("InterfaceReader passes over messages of another dump") {
  InterfaceReader reader(kSequence + 1);
  CHECK_EQ(read(&reader, named_link(3, "eth0") + done()), State::more);
  CHECK(reader.interfaces().empty());
  reader.expect(kSequence);
  CHECK_EQ(read(&reader, named_link(3, "eth0") + done()), State::done);
  CHECK_EQ(reader.interfaces().size(), 1u);
}

TEST("InterfaceReader tells of a dump that the network's changes have cut across") {
  InterfaceReader reader(kSequence);
  ifinfomsg info = {};
  info.ifi_index = 3;
  const std::string cut = message(RTM_NEWLINK, bytes_of(info), NLM_F_MULTI | NLM_F_DUMP_INTR);
  CHECK_EQ(read(&reader, cut), State::more);
  CHECK_EQ(read(&reader, done()), State::interrupted);
}

TEST("InterfaceReader hands on what the kernel refuses") {
  InterfaceReader reader(kSequence);
  nlmsgerr error = {};
  error.error = -EPERM;
  CHECK_EQ(read(&reader, message(NLMSG_ERROR, bytes_of(error), 0)), State::failed);
  CHECK_EQ(reader.error(), -EPERM);
  CHECK_EQ(read(&reader, message(NLMSG_ERROR, "", 0)), State::failed);
  CHECK_EQ(reader.error(), -EBADMSG);
}

TEST("InterfaceReader survives messages that are cut anywhere") {
  const std::string whole =
      named_link(3, "eth0") + link(4, attribute(IFLA_ADDRESS, "abcdef")) +
      address(3, AF_INET, attribute(IFA_ADDRESS, kTwo) + attribute(IFA_LOCAL, kOne)) + done();
  for (size_t length = 0; length < whole.size(); ++length) {
    InterfaceReader reader(kSequence);
    CHECK_EQ(read(&reader, whole.substr(0, length)), State::more);
  }
}

TEST("InterfaceReader survives garbage (F49)") {
  const std::string whole =
      named_link(3, "eth0") + link(4, attribute(IFLA_ADDRESS, "abcdef")) +
      address(3, AF_INET, attribute(IFA_ADDRESS, kTwo) + attribute(IFA_LOCAL, kOne)) + done();
  std::mt19937 random(1);
  for (int round = 0; round < 50000; ++round) {
    std::string bytes = whole;
    const size_t changes = 1 + random() % 4;
    for (size_t i = 0; i < changes; ++i)
      bytes[random() % bytes.size()] =
          static_cast<char>(random() % 3 == 0 ? random() : random() % 24);
    bytes.resize(bytes.size() - random() % 8);
    InterfaceReader reader(kSequence);
    read(&reader, bytes);
    for (const auto& [index, interface] : reader.interfaces())
      CHECK(interface.index == index && interface.hardware_address.size() <= bytes.size());
  }
}

TEST("list_interfaces knows those that if_nameindex(3) knows, in order") {
  std::vector<Interface> interfaces;
  CHECK_EQ(list_interfaces(&interfaces), 0);
  std::set<std::pair<uint32_t, std::string>> wanted;
  struct if_nameindex* names = if_nameindex();
  for (auto* each = names; each->if_index != 0; ++each)
    wanted.emplace(each->if_index, each->if_name);
  if_freenameindex(names);
  CHECK_EQ(interfaces.size(), wanted.size());
  uint32_t last = 0;
  for (const Interface& each : interfaces) {
    CHECK_EQ(wanted.count({each.index, each.name}), 1u);
    CHECK(each.index > last);
    last = each.index;
    CHECK(each.mtu > 0);
  }
}

TEST("list_interfaces says what the system refuses (F02)") {
  std::vector<Interface> interfaces;
  const int first = test::open_descriptors();
  std::vector<int> taken;
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.push_back(fd);
  const int error = list_interfaces(&interfaces);
  for (const int fd : taken) ::close(fd);
  CHECK_EQ(error, -EMFILE);
  CHECK_EQ(test::open_descriptors(), first);
}

TEST("interface_index and interface_name are each other's inverse") {
  std::vector<Interface> interfaces;
  CHECK_EQ(list_interfaces(&interfaces), 0);
  for (const Interface& each : interfaces) {
    CHECK_EQ(interface_index(each.name), static_cast<int64_t>(each.index));
    std::string name;
    CHECK_EQ(interface_name(each.index, &name), 0);
    CHECK_EQ(name, each.name);
  }
}

TEST("interface_index and interface_name say what there is not") {
  const std::string names[] = {"",
                               "no-such-device",
                               std::string(16, 'x'),
                               std::string(70000, 'x'),
                               std::string("lo\0", 3),
                               std::string("lo\0x", 4)};
  for (const std::string& name : names) CHECK_EQ(interface_index(name), -ENODEV);
  std::string name = "kept";
  for (const uint32_t index : {0u, 0x7fffffffu, UINT32_MAX})
    CHECK_EQ(interface_name(index, &name), -ENXIO);
  CHECK_EQ(name, std::string("kept"));
}

}  // namespace sk
