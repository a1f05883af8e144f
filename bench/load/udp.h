// Datagram sockets of the load generator: IPv4 loopback, connected to the server, in batches.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "clock.h"
#include "net.h"

namespace load {

class UdpSocket {
 public:
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kMaxSize = 4096;

  explicit UdpSocket(std::uint16_t port);

  int fd() const { return fd_.get(); }

  // Room for as much as the system allows to be waiting.
  void enlarge_buffer();

  // From now on what is added is cut into datagrams of `size` bytes. @see udp(7), UDP_SEGMENT
  void cut_into(int size);

  // Datagrams for `flush`. The bytes stay the caller's, and must last until then.
  void add(const char* bytes, std::size_t length);
  bool full() const { return added_ == kBatch; }
  // Sends what was added. False, with errno set, if not all of it went out.
  bool flush();

  // Reads up to kBatch datagrams without blocking. Answers how many, or -1 with errno set.
  int receive();
  const char* data(int i) const { return slots_.data() + static_cast<std::size_t>(i) * kMaxSize; }
  std::size_t length(int i) const { return in_[static_cast<std::size_t>(i)].msg_len; }

  // Datagrams that found no room in this socket's buffer.
  std::int64_t drops() const;

  struct Answer {
    std::string text;           // empty if none came in time
    std::int64_t asked = 0;     // times: an answer may find no room
    std::int64_t answered = 0;  // of these
    std::int64_t others = 0;    // datagrams that were no answers
  };
  // Sends `question` until an answer comes, which begins with `prefix`.
  Answer ask(const std::string& question, const std::string& prefix, Nanos patience);
  // Reads all that is waiting, and counts it.
  void drain(const std::string& prefix, Answer* out);

 private:
  Fd fd_;
  std::size_t added_ = 0;
  std::array<iovec, kBatch> out_parts_{};
  std::array<mmsghdr, kBatch> out_{};
  std::array<iovec, kBatch> in_parts_{};
  std::array<mmsghdr, kBatch> in_{};
  std::vector<char> slots_;
};

// Datagrams that found no room in the buffer of the socket bound to 127.0.0.1:port, which is
// another process's. @see proc(5), /proc/net/udp
std::int64_t drops_of_port(std::uint16_t port);

}  // namespace load
