// What the tests of sockets of messages have in common.
#pragma once

#include <string>
#include <vector>

#include "test/harness.h"

namespace sk::test {

constexpr uint32_t kWhole = Reactor::kMaxMessage;

Id opened(Owner& owner, const Address& address, bool wants_icmp = false);
// A plain socket of datagrams, blocking.
Fd plain(const Address& address);
void start(Owner& owner, Id id, uint32_t size = kWhole, uint32_t meta = 0);
// To the peer of a connected socket if `to` is of no family.
int64_t send(Owner& owner, Id id, const std::string& bytes, const Address& to = {},
             SendChoice choice = {});
// Sends all of them in one turn.
void send_all(Owner& owner, Id id, const std::vector<std::string>& all, const Address& to);
// From a plain socket.
void throw_at(const Fd& fd, const std::string& bytes, const Address& to);
// The next message of a plain socket.
std::string catch_one(const Fd& fd);
// The messages of this socket until there are `count`; no more may have come.
std::vector<Message> received(Owner& owner, Id id, size_t count);
void check_bytes(const std::vector<Message>& got, const std::vector<std::string>& wanted);

}  // namespace sk::test
