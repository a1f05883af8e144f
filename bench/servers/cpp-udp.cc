// Datagrams by a plain C++ epoll loop: up to 64 with one system call (recvmmsg, sendmmsg), or, with
// the word `one`, one by one (recvfrom, sendto).
//
// usage: cpp-udp echo|sink|source [one]
// Prints its port; ends when stdin ends.
#include "common.h"

namespace {

constexpr std::size_t kMostAtOnce = 64;
constexpr std::size_t kMaxSize = 2048;
// Reads between two looks at what else there is to do.
constexpr int kReads = 16;

class Server {
 public:
  Server(std::string service, std::size_t batch)
      : service_(std::move(service)),
        batch_(batch),
        socket_(server::bind_on_loopback(SOCK_DGRAM)),
        bytes_(kMostAtOnce * kMaxSize) {
    loop_.watch(EPOLL_CTL_ADD, socket_, EPOLLIN);
    for (std::size_t i = 0; i < kMostAtOnce; i++) {
      msghdr& header = messages_[i].msg_hdr;
      header.msg_iov = &parts_[i];
      header.msg_iovlen = 1;
      header.msg_name = &peers_[i];
    }
  }

  void run() {
    server::print_port(socket_);
    const auto handle = [this](int, std::uint32_t) { read_some(); };
    while (loop_.turn(is_flooding_ ? 0 : -1, handle)) {
      if (is_flooding_) flood();
    }
  }

 private:
  void read_some() {
    for (int round = 0; round < kReads; round++) {
      const std::size_t count = receive();
      if (count == 0) return;
      if (service_ == "echo") {
        send(count);
      } else {
        for (std::size_t i = 0; i < count; i++) hear(i);
      }
      if (count < batch_) return;
    }
  }

  std::size_t receive() {
    for (std::size_t i = 0; i < batch_; i++) {
      parts_[i] = {bytes_.data() + i * kMaxSize, kMaxSize};
      messages_[i].msg_hdr.msg_namelen = sizeof peers_[i];
    }
    if (batch_ > 1) {
      const int count =
          recvmmsg(socket_, messages_.data(), static_cast<unsigned>(batch_), MSG_DONTWAIT, nullptr);
      if (count < 0 && errno != EAGAIN && errno != EINTR) server::fail("recvmmsg");
      for (int i = 0; i < count; i++) {
        parts_[static_cast<std::size_t>(i)].iov_len =
            messages_[static_cast<std::size_t>(i)].msg_len;
      }
      return count < 0 ? 0 : static_cast<std::size_t>(count);
    }
    socklen_t size = sizeof peers_[0];
    const ssize_t got = recvfrom(socket_, bytes_.data(), kMaxSize, MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&peers_[0]), &size);
    if (got < 0 && errno != EAGAIN && errno != EINTR) server::fail("recvfrom");
    parts_[0].iov_len = got < 0 ? 0 : static_cast<std::size_t>(got);
    return got < 0 ? 0 : 1;
  }

  // The first `count` of the parts, to their peers.
  void send(std::size_t count) {
    std::size_t sent = 0;
    while (sent < count) {
      const ssize_t step =
          batch_ > 1
              ? sendmmsg(socket_, &messages_[sent], static_cast<unsigned>(count - sent), 0)
              : sendto(socket_, parts_[sent].iov_base, parts_[sent].iov_len, 0,
                       reinterpret_cast<const sockaddr*>(&peers_[sent]), sizeof peers_[sent]);
      if (step < 0 && errno != EAGAIN && errno != EINTR) server::fail("send");
      if (step >= 0) sent += batch_ > 1 ? static_cast<std::size_t>(step) : 1;
    }
  }

  void hear(std::size_t i) {
    const auto* bytes = static_cast<const char*>(parts_[i].iov_base);
    if (service_ == "source") return obey(std::string(bytes, parts_[i].iov_len), peers_[i]);
    if (parts_[i].iov_len > 0 && static_cast<unsigned char>(bytes[0]) == server::kEnd) {
      answer("read " + std::to_string(count_) + "\n", peers_[i]);
    } else {
      count_++;
    }
  }

  void obey(const std::string& command, const sockaddr_in& peer) {
    if (command == "stop") {
      is_flooding_ = false;
      return answer("sent " + std::to_string(count_) + "\n", peer);
    }
    unsigned peers = 0;
    unsigned size = 0;
    if (std::sscanf(command.c_str(), "start %u %u", &peers, &size) != 2) server::fail("command");
    if (targets_.size() == wanted_) {
      targets_.clear();
      wanted_ = peers;
      payload_ = server::pattern(size);
      count_ = 0;
    }
    targets_.push_back(peer);
    is_flooding_ = targets_.size() == wanted_;
  }

  void answer(const std::string& text, const sockaddr_in& peer) {
    const ssize_t sent = sendto(socket_, text.data(), text.size(), 0,
                                reinterpret_cast<const sockaddr*>(&peer), sizeof peer);
    if (sent < 0) server::fail("sendto");
  }

  void flood() {
    for (std::size_t i = 0; i < kMostAtOnce; i++) {
      parts_[i] = {payload_.data(), payload_.size()};
      peers_[i] = targets_[i % wanted_];
      messages_[i].msg_hdr.msg_namelen = sizeof peers_[i];
    }
    send(kMostAtOnce);
    count_ += static_cast<long long>(kMostAtOnce);
  }

  const std::string service_;
  const std::size_t batch_;
  server::Loop loop_;
  const int socket_;
  std::vector<char> bytes_;
  std::array<sockaddr_in, kMostAtOnce> peers_{};
  std::array<iovec, kMostAtOnce> parts_{};
  std::array<mmsghdr, kMostAtOnce> messages_{};
  long long count_ = 0;
  std::vector<sockaddr_in> targets_;
  std::size_t wanted_ = 0;
  std::vector<char> payload_;
  bool is_flooding_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string service = argc > 1 ? argv[1] : "";
  const std::string word = argc > 2 ? argv[2] : "";
  const bool is_known = service == "echo" || service == "sink" || service == "source";
  if (argc > 3 || !is_known || (!word.empty() && word != "one")) {
    std::fputs("usage: cpp-udp echo|sink|source [one]\n", stderr);
    return 2;
  }
  Server(service, word == "one" ? 1 : kMostAtOnce).run();
  return 0;
}
