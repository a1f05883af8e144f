#include "test/messages_kit.h"

#include <poll.h>
#include <sys/socket.h>

namespace sk::test {

Id opened(Owner& owner, const Address& address, bool wants_icmp) {
  const int family = address.family == Family::ipv4   ? AF_INET
                     : address.family == Family::ipv6 ? AF_INET6
                                                      : AF_UNIX;
  const int64_t made = owner.reactor().socket(family, SOCK_DGRAM, 0);
  CHECK(made > 0);
  const Id id = static_cast<Id>(made);
  CHECK_EQ(owner.reactor().bind(id, sockaddr_of(address)), 0);
  CHECK_EQ(owner.reactor().open_messages(id, wants_icmp), 0);
  return id;
}

Fd plain(const Address& address) {
  const Sockaddr at = sockaddr_of(address);
  Fd fd(::socket(at.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  CHECK_EQ(::bind(fd.get(), at.get(), at.length), 0);
  return fd;
}

void start(Owner& owner, Id id, uint32_t size, uint32_t meta) {
  CHECK_EQ(owner.reactor().start_receiving(id, size, false, meta), 0);
}

int64_t send(Owner& owner, Id id, const std::string& bytes, const Address& to, SendChoice choice) {
  OutMessage message;
  message.bytes = reinterpret_cast<const uint8_t*>(bytes.data());
  message.length = bytes.size();
  if (to.family != Family::none) message.to = sockaddr_of(to);
  return owner.reactor().send_message(id, &message, &choice);
}

void send_all(Owner& owner, Id id, const std::vector<std::string>& all, const Address& to) {
  owner.turn_of([&] {
    for (const std::string& bytes : all) CHECK(send(owner, id, bytes, to) >= 0);
  });
}

void throw_at(const Fd& fd, const std::string& bytes, const Address& to) {
  const Sockaddr at = sockaddr_of(to);
  CHECK_EQ(::sendto(fd.get(), bytes.data(), bytes.size(), 0, at.get(), at.length),
           static_cast<ssize_t>(bytes.size()));
}

std::string catch_one(const Fd& fd) {
  CHECK(is_ready(fd.get(), POLLIN));
  std::string bytes(kWhole, '\0');
  const ssize_t got = ::recv(fd.get(), bytes.data(), bytes.size(), 0);
  CHECK(got >= 0);
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

std::vector<Message> received(Owner& owner, Id id, size_t count) {
  std::vector<Message> all;
  while (all.size() < count) {
    for (Message& each : owner.take(EventKind::datagram_view, id).messages) {
      all.push_back(std::move(each));
    }
  }
  CHECK_EQ(all.size(), count);
  return all;
}

void check_bytes(const std::vector<Message>& got, const std::vector<std::string>& wanted) {
  CHECK_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i].bytes == wanted[i]);
    CHECK_EQ(static_cast<size_t>(got[i].record.length), wanted[i].size());
    CHECK_EQ(got[i].record.flags & kTruncated, 0);
  }
}

}  // namespace sk::test
