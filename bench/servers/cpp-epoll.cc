// A plain C++ server: one epoll loop, one recv and one send per event. It is what the machine can
// do for a program written this way, and so the mark that the other servers are measured against.
//
// usage: cpp-epoll echo|accept
// Prints its port; ends when stdin ends.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>

namespace {

constexpr int kBatch = 512;
constexpr std::size_t kReadSize = 64 * 1024;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "cpp-epoll: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

int listen_on_loopback() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (listen(fd, SOMAXCONN) != 0) fail("listen");
  return fd;
}

int port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("getsockname");
  return ntohs(address.sin_port);
}

class Server {
 public:
  explicit Server(bool echoes)
      : echoes_(echoes), epoll_(epoll_create1(EPOLL_CLOEXEC)), listener_(listen_on_loopback()) {
    if (epoll_ < 0) fail("epoll_create1");
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
    watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN);
  }

  void run() {
    std::printf("%d\n", port_of(listener_));
    std::fflush(stdout);
    std::array<epoll_event, kBatch> events{};
    while (!ended_) {
      const int count = epoll_wait(epoll_, events.data(), kBatch, -1);
      if (count < 0 && errno != EINTR) fail("epoll_wait");
      for (int i = 0; i < count; i++) handle(events[static_cast<std::size_t>(i)]);
    }
  }

 private:
  void watch(int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(epoll_, operation, fd, &event) != 0) fail("epoll_ctl");
  }

  void handle(const epoll_event& event) {
    const int fd = event.data.fd;
    if (fd == listener_) return accept_all();
    if (fd == STDIN_FILENO) return read_command();
    if ((event.events & EPOLLOUT) != 0) return flush(fd);
    echo(fd);
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EAGAIN) return;
        fail("accept4");
      }
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (echoes_) {
        watch(EPOLL_CTL_ADD, fd, EPOLLIN);
      } else {
        close(fd);
      }
    }
  }

  // The runner asks each server to collect its garbage, and waits for the answer. There is none.
  void read_command() {
    char bytes[256];
    const ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    if (got == 0) ended_ = true;
    if (got <= 0) return;
    std::puts("collected");
    std::fflush(stdout);
  }

  void echo(int fd) {
    const ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      close(fd);
      return;
    }
    const ssize_t sent = send(fd, buffer_.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL);
    if (sent == got) return;
    if (sent < 0 && errno != EAGAIN) {
      close(fd);
      return;
    }
    const ssize_t taken = sent < 0 ? 0 : sent;
    unsent_[fd].assign(buffer_.data() + taken, static_cast<std::size_t>(got - taken));
    watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
  }

  void flush(int fd) {
    std::string& rest = unsent_[fd];
    const ssize_t sent = send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) {
      unsent_.erase(fd);
      close(fd);
      return;
    }
    rest.erase(0, static_cast<std::size_t>(sent));
    if (!rest.empty()) return;
    unsent_.erase(fd);
    watch(EPOLL_CTL_MOD, fd, EPOLLIN);
  }

  const bool echoes_;
  const int epoll_;
  const int listener_;
  bool ended_ = false;
  std::array<char, kReadSize> buffer_{};
  std::unordered_map<int, std::string> unsent_;
};

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("setrlimit");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc == 2 ? argv[1] : "";
  if (mode != "echo" && mode != "accept") {
    std::fputs("usage: cpp-epoll echo|accept\n", stderr);
    return 2;
  }
  raise_file_limit();
  Server server(mode == "echo");
  server.run();
  return 0;
}
