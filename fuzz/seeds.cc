// Writes the seeds of the corpus: what this machine's kernel says. `seeds FOLDER` fills
// FOLDER/<target>; a kind of socket that the machine does not have is left out.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/linux_names.h"
#include "core/message.h"
#include "test/net.h"

namespace {

using namespace sk::test;

std::string folder;

void write(const std::string& target, const std::string& name, const std::string& bytes) {
  const std::string path = folder + "/" + target;
  std::filesystem::create_directories(path);
  std::ofstream(path + "/" + name, std::ios::binary) << bytes;
}

template <typename T>
std::string raw(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

// --- names ------------------------------------------------------------------------------------

// What getsockname(2) says after binding.
void write_name(const std::string& name, int family, int type, const std::string& address) {
  const Fd fd(::socket(family, type | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return;
  if (!address.empty()) {
    ::bind(fd.get(), reinterpret_cast<const sockaddr*>(address.data()),
           static_cast<socklen_t>(address.size()));
  }
  sk::Sockaddr told;
  if (::getsockname(fd.get(), told.get(), &told.length) != 0) return;
  write("sockaddr", name,
        {reinterpret_cast<const char*>(&told.storage),
         std::min<size_t>(told.length, sizeof(told.storage))});
}

std::string unix_name(const std::string& path) { return raw(sa_family_t{AF_UNIX}) + path; }

void write_names() {
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  write_name("ipv4", AF_INET, SOCK_DGRAM, raw(in));
  sockaddr_in6 in6 = {};
  in6.sin6_family = AF_INET6;
  in6.sin6_addr = in6addr_loopback;
  write_name("ipv6", AF_INET6, SOCK_DGRAM, raw(in6));
  write_name("ipv6-any", AF_INET6, SOCK_DGRAM, "");
  write_name("unix-unnamed", AF_UNIX, SOCK_STREAM, "");
  write_name("unix-abstract", AF_UNIX, SOCK_STREAM, unix_name(std::string("\0a\0b", 4)));
  write_name("unix-abstract-long", AF_UNIX, SOCK_STREAM,
             unix_name(std::string(1, '\0') + std::string(107, 'n')));
  const std::string path = "/tmp/portside-seed";
  write_name("unix-path", AF_UNIX, SOCK_STREAM, unix_name(path));
  ::unlink(path.c_str());
  // All 108 bytes, without a NUL.
  const std::string longest = "/tmp/" + std::string(103, 'p');
  write_name("unix-path-long", AF_UNIX, SOCK_STREAM, unix_name(longest));
  ::unlink(longest.c_str());
  write_name("netlink", AF_NETLINK, SOCK_RAW, "");
  sockaddr_ll packet = {};
  packet.sll_family = AF_PACKET;
  packet.sll_ifindex = 1;
  packet.sll_protocol = htons(3);
  write_name("packet", AF_PACKET, SOCK_DGRAM, raw(packet));
  sockaddr_vm vm = {};
  vm.svm_family = AF_VSOCK;
  vm.svm_cid = VMADDR_CID_ANY;
  vm.svm_port = VMADDR_PORT_ANY;
  write_name("vsock", AF_VSOCK, SOCK_STREAM, raw(vm));
  // Addresses of ours: family, length, port, scope, bytes.
  const std::string port_and_scope(6, '\x11');
  write("sockaddr", "ours-ipv4", "\x04\x04" + port_and_scope + std::string(4, '\x7f'));
  write("sockaddr", "ours-ipv6", "\x06\x10" + port_and_scope + std::string(16, '\xfe'));
  write("sockaddr", "ours-unix", "\x01\x6b" + port_and_scope + std::string(107, '/'));
  write("sockaddr", "ours-unix-too-long", "\x01\x6c" + port_and_scope + std::string(108, '/'));
}

// --- control messages -------------------------------------------------------------------------

// Receives one message, and writes its control data, whole and for `message` as the kernel would.
void write_control(const std::string& name, int fd, int flags = 0, size_t room = 512) {
  alignas(8) char control[512] = {};
  char bytes[64];
  iovec part = {bytes, sizeof(bytes)};
  sk::Sockaddr from;
  msghdr header = {};
  header.msg_name = from.get();
  header.msg_namelen = from.length;
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = room;
  CHECK(is_ready(fd, POLLIN));
  const ssize_t got = ::recvmsg(fd, &header, flags);
  CHECK(got >= 0);
  const std::string told(control, header.msg_controllen);
  write("control", name, told);
  // The order in which fuzz/message.cc takes its input.
  const sk::MessageRecord record = {256, static_cast<int32_t>(got), 384, 128, 512, 512, 0, 0};
  write("message", name,
        std::string("\0\1", 2) + raw(record) + std::string(bytes, static_cast<size_t>(got)) +
            std::string(reinterpret_cast<char*>(&from.storage), sizeof(from.storage)) +
            static_cast<char>(header.msg_namelen) + told + std::string(512 - told.size(), '\0') +
            static_cast<char>(told.size() * 255 / 512) + static_cast<char>(header.msg_flags) +
            std::string(2, '\0'));
}

void turn_on(int fd, int level, const std::vector<int>& options) {
  const int on = 1;
  for (const int option : options) ::setsockopt(fd, level, option, &on, sizeof(on));
}

void write_ip_control() {
  const std::vector<int> general = {SO_TIMESTAMPNS, SO_RXQ_OVFL};
  const Fd v4(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sk::Sockaddr to4 = sockaddr_of(loopback());
  CHECK_EQ(::bind(v4.get(), to4.get(), to4.length), 0);
  turn_on(v4.get(), SOL_SOCKET, general);
  turn_on(v4.get(), IPPROTO_IP,
          {IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_RECVORIGDSTADDR, IP_RECVERR, IP_RECVOPTS});
  const Fd c4 = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  for (const size_t room : {512, 100, 20}) {
    const sk::Sockaddr to = sockaddr_of(loopback(port_of(v4.get())));
    ::sendto(c4.get(), "seed", 4, 0, to.get(), to.length);
    write_control("ipv4-" + std::to_string(room), v4.get(), 0, room);
  }
  // Nobody is there: the answer comes to the error queue.
  const sk::Sockaddr nobody = sockaddr_of(loopback(9));
  ::sendto(v4.get(), "seed", 4, 0, nobody.get(), nobody.length);
  if (is_ready(v4.get(), POLLERR)) write_control("ipv4-error", v4.get(), MSG_ERRQUEUE);
  const Fd v6(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sk::Sockaddr own6 = sockaddr_of(loopback6());
  if (::bind(v6.get(), own6.get(), own6.length) != 0) return;
  turn_on(v6.get(), SOL_SOCKET, general);
  turn_on(v6.get(), IPPROTO_IPV6,
          {IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_RECVORIGDSTADDR});
  const sk::Sockaddr to6 = sockaddr_of(loopback6(port_of(v6.get())));
  const Fd c6(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ::sendto(c6.get(), "seed", 4, 0, to6.get(), to6.length);
  write_control("ipv6", v6.get());
}

void write_unix_control() {
  int ends[2];
  CHECK_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
  const Pair pair = {Fd(ends[0]), Fd(ends[1])};
  turn_on(pair.near.get(), SOL_SOCKET, {SO_PASSCRED, SO_PASSPIDFD, SO_TIMESTAMP});
  for (const size_t room : {512, 60, 30}) {
    alignas(8) char control[CMSG_SPACE(3 * sizeof(int))] = {};
    char byte = 's';
    iovec part = {&byte, 1};
    msghdr header = {};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    *rights = {};
    rights->cmsg_len = CMSG_LEN(3 * sizeof(int));
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    const int fds[3] = {ends[0], ends[1], ends[0]};
    memcpy(CMSG_DATA(rights), fds, sizeof(fds));
    CHECK_EQ(::sendmsg(pair.far.get(), &header, 0), 1);
    write_control("unix-" + std::to_string(room), pair.near.get(), MSG_CMSG_CLOEXEC, room);
  }
}

// What no kernel should write.
void write_malformed_control() {
  const auto header = [](size_t claimed) {
    cmsghdr header = {};
    header.cmsg_len = claimed;
    header.cmsg_level = SOL_SOCKET;
    header.cmsg_type = SCM_RIGHTS;
    return raw(header);
  };
  const std::string whole = header(CMSG_LEN(8)) + std::string(8, '\1');
  write("control", "claims-nothing", whole + header(0) + whole);
  write("control", "claims-too-little", whole + header(CMSG_LEN(0) - 1) + whole);
  write("control", "claims-more-than-there-is", whole + header(CMSG_LEN(9)) + std::string(8, '\1'));
  write("control", "claims-all-memory", whole + header(~size_t{0}) + std::string(8, '\1'));
  write("control", "header-cut", whole + header(CMSG_LEN(0)).substr(0, CMSG_LEN(0) - 1));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: seeds FOLDER\n");
    return 2;
  }
  folder = argv[1];
  std::filesystem::create_directories(folder);
  write_names();
  write_ip_control();
  write_unix_control();
  write_malformed_control();
  return 0;
}
