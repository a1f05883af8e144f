#include "udp.h"

#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fail.h"

namespace load {

UdpSocket::UdpSocket(std::uint16_t port)
    : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      slots_(kBatch * kMaxSize) {
  if (!fd_) fail("socket");
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  target.sin_port = htons(port);
  if (connect(fd_.get(), reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0) {
    fail("connect");
  }
  for (std::size_t i = 0; i < kBatch; i++) {
    out_[i].msg_hdr.msg_iov = &out_parts_[i];
    out_[i].msg_hdr.msg_iovlen = 1;
    in_parts_[i] = {slots_.data() + i * kMaxSize, kMaxSize};
    in_[i].msg_hdr.msg_iov = &in_parts_[i];
    in_[i].msg_hdr.msg_iovlen = 1;
  }
}

void UdpSocket::enlarge_buffer() {
  const int bytes = 8 * 1024 * 1024;
  // Only a privileged process may go beyond net.core.rmem_max.
  if (setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) == 0) return;
  if (setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) != 0) fail("SO_RCVBUF");
}

void UdpSocket::cut_into(int size) {
  if (setsockopt(fd_.get(), SOL_UDP, UDP_SEGMENT, &size, sizeof size) != 0) fail("UDP_SEGMENT");
}

void UdpSocket::add(const char* bytes, std::size_t length) {
  out_parts_[added_++] = {const_cast<char*>(bytes), length};
}

bool UdpSocket::flush() {
  std::size_t sent = 0;
  while (sent < added_) {
    const int count =
        sendmmsg(fd_.get(), &out_[sent], static_cast<unsigned>(added_ - sent), MSG_NOSIGNAL);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      if (!wait_for(fd_.get(), POLLOUT)) break;
    } else if (errno != EINTR) {
      break;
    }
  }
  const bool all = sent == added_;
  added_ = 0;
  return all;
}

int UdpSocket::receive() {
  const int count = recvmmsg(fd_.get(), in_.data(), kBatch, MSG_DONTWAIT, nullptr);
  return count < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : count;
}

std::int64_t UdpSocket::drops() const {
  std::uint32_t info[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof info;
  if (getsockopt(fd_.get(), SOL_SOCKET, SO_MEMINFO, info, &size) != 0) fail("SO_MEMINFO");
  return info[SK_MEMINFO_DROPS];
}

UdpSocket::Answer UdpSocket::ask(const std::string& question, const std::string& prefix,
                                 Nanos patience) {
  constexpr int kAgainAfterMs = 100;
  const Nanos deadline = now() + patience;
  Answer answer;
  while (answer.text.empty() && now() < deadline) {
    if (send(fd_.get(), question.data(), question.size(), MSG_NOSIGNAL) < 0) break;
    answer.asked++;
    const Nanos again = now() + kAgainAfterMs * kMillisecond;
    while (answer.text.empty() && now() < again) {
      pollfd item{fd_.get(), POLLIN, 0};
      if (poll(&item, 1, kAgainAfterMs) == 1) drain(prefix, &answer);
    }
  }
  return answer;
}

void UdpSocket::drain(const std::string& prefix, Answer* out) {
  for (int count = receive(); count > 0; count = receive()) {
    for (int i = 0; i < count; i++) {
      const bool is_answer =
          length(i) > prefix.size() && std::memcmp(data(i), prefix.data(), prefix.size()) == 0;
      if (is_answer) out->text.assign(data(i), length(i));
      is_answer ? out->answered++ : out->others++;
    }
    if (out->answered > 0) return;
  }
}

std::int64_t drops_of_port(std::uint16_t port) {
  std::FILE* file = std::fopen("/proc/net/udp", "re");
  if (file == nullptr) fail("/proc/net/udp");
  std::int64_t drops = -1;
  char line[512];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    unsigned address = 0;
    unsigned local = 0;
    if (std::sscanf(line, " %*d: %8x:%4x", &address, &local) != 2 || local != port) continue;
    // The last word of the line.
    const char* last = line + std::strlen(line);
    while (last > line && (last[-1] == ' ' || last[-1] == '\n')) last--;
    while (last > line && last[-1] != ' ') last--;
    drops = std::max<std::int64_t>(drops, std::atoll(last));
  }
  std::fclose(file);
  if (drops < 0) fail("/proc/net/udp: no socket has the server's port", ENOENT);
  return drops;
}

}  // namespace load
