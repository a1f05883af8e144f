// System calls from C++: what a call costs when no language is in the way, and so the mark that the
// other callers are measured against.
//
// usage: cpp-calls pair|option|datagrams [one|threads]
// `one`: datagrams by one system call each. `threads`: with a second thread that only waits, as a
// runtime has several, for which the kernel takes more care of descriptors. Prints `ready`; answers
// `slice WARM-UP-MS MS` and `repeat TURNS` with a line of JSON; ends when stdin ends.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

namespace {

constexpr std::size_t kSize = 64;
constexpr unsigned kBatch = 32;
constexpr int kTurn = 1024;
constexpr int kSend = MSG_DONTWAIT | MSG_NOSIGNAL;

using Message = std::array<unsigned char, kSize>;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "Error: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

void require(bool is_right, const char* what) {
  if (!is_right) fail(what);
}

double read_clock(clockid_t id) {
  timespec time{};
  require(clock_gettime(id, &time) == 0, "clock_gettime");
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// What is measured.
class Loop {
 public:
  virtual ~Loop() = default;
  // Operations of one turn.
  virtual int size() const = 0;
  // Does them; exits if the answer of a single one is not what it must be.
  virtual void turn() = 0;
  // Sends a message, and exits if something else arrives.
  virtual void verify(const Message&) {}
};

class Pair final : public Loop {
 public:
  Pair() { require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_) == 0, "socketpair"); }
  int size() const override { return kTurn; }

  void turn() override {
    for (int i = 0; i < kTurn; i++) {
      require(send(ends_[0], sent_.data(), kSize, kSend) == kSize, "send");
      require(recv(ends_[1], got_.data(), kSize, MSG_DONTWAIT) == kSize, "recv");
    }
  }

  void verify(const Message& message) override {
    require(send(ends_[0], message.data(), kSize, kSend) == kSize, "send");
    require(recv(ends_[1], got_.data(), kSize, MSG_DONTWAIT) == kSize, "recv");
    require(got_ == message, "something else arrived than was sent");
  }

 private:
  int ends_[2] = {-1, -1};
  Message sent_{};
  Message got_{};
};

class Option final : public Loop {
 public:
  Option() : socket_(socket(AF_UNIX, SOCK_STREAM, 0)) { require(socket_ >= 0, "socket"); }
  int size() const override { return kTurn; }

  void turn() override {
    for (int i = 0; i < kTurn; i++) {
      int value = 0;
      socklen_t length = sizeof value;
      const int result = getsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &value, &length);
      require(result == 0 && value > 0, "getsockopt");
    }
  }

 private:
  const int socket_;
};

int bind_udp() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  require(fd >= 0, "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  require(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
  return fd;
}

void connect_to(int fd, int peer) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  require(getsockname(peer, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  require(connect(fd, reinterpret_cast<sockaddr*>(&address), size) == 0, "connect");
}

class Datagrams final : public Loop {
 public:
  explicit Datagrams(bool is_one_by_one) : is_one_by_one_(is_one_by_one) {
    connect_to(left_, right_);
    connect_to(right_, left_);
  }
  int size() const override { return kBatch; }

  void turn() override {
    if (is_one_by_one_) {
      one_by_one();
    } else {
      at_once();
    }
  }

  void verify(const Message& message) override {
    sent_.fill(message);
    turn();
    for (const Message& got : got_) {
      require(got == message, "something else arrived than was sent");
    }
  }

 private:
  void one_by_one() {
    for (const Message& message : sent_) {
      require(send(left_, message.data(), kSize, kSend) == kSize, "send");
    }
    for (unsigned i = 0; i < kBatch; i++) {
      socklen_t size = sizeof names_[i];
      const ssize_t got = recvfrom(right_, got_[i].data(), kSize, MSG_DONTWAIT,
                                   reinterpret_cast<sockaddr*>(&names_[i]), &size);
      require(got == kSize, "recvfrom");
    }
  }

  void at_once() {
    prepare(sent_, false);
    require(sendmmsg(left_, headers_, kBatch, kSend) == kBatch, "sendmmsg");
    prepare(got_, true);
    require(recvmmsg(right_, headers_, kBatch, MSG_DONTWAIT, nullptr) == kBatch, "recvmmsg");
  }

  void prepare(std::array<Message, kBatch>& messages, bool has_names) {
    for (unsigned i = 0; i < kBatch; i++) {
      parts_[i] = {messages[i].data(), kSize};
      headers_[i] = {};
      headers_[i].msg_hdr.msg_iov = &parts_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
      if (!has_names) continue;
      headers_[i].msg_hdr.msg_name = &names_[i];
      headers_[i].msg_hdr.msg_namelen = sizeof names_[i];
    }
  }

  const bool is_one_by_one_;
  const int left_ = bind_udp();
  const int right_ = bind_udp();
  std::array<Message, kBatch> sent_{};
  std::array<Message, kBatch> got_{};
  sockaddr_in names_[kBatch] = {};
  iovec parts_[kBatch] = {};
  mmsghdr headers_[kBatch] = {};
};

long turns_until(Loop& loop, double end) {
  long operations = 0;
  do {
    loop.turn();
    operations += loop.size();
  } while (read_clock(CLOCK_MONOTONIC) < end);
  return operations;
}

void slice(Loop& loop, double warm_up, double length) {
  const double begin = read_clock(CLOCK_MONOTONIC);
  turns_until(loop, begin + warm_up);
  const double cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
  const double start = read_clock(CLOCK_MONOTONIC);
  const long operations = turns_until(loop, begin + length);
  const double wall_seconds = read_clock(CLOCK_MONOTONIC) - start;
  const double cpu_seconds = read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  Message message;
  for (std::size_t i = 0; i < kSize; i++) {
    message[i] = static_cast<unsigned char>((operations >> (i % 16)) ^ static_cast<long>(i * 31));
  }
  loop.verify(message);
  std::printf("{\"operations\":%ld,\"seconds\":%.9f,\"cpuSeconds\":%.9f}\n", operations,
              wall_seconds, cpu_seconds);
}

void repeat(Loop& loop, int turns) {
  for (int i = 0; i < turns; i++) loop.turn();
  std::printf("{\"operations\":%d}\n", turns * loop.size());
}

std::unique_ptr<Loop> make_loop(const std::string& task, bool is_one_by_one) {
  if (task == "pair") return std::make_unique<Pair>();
  if (task == "option") return std::make_unique<Option>();
  if (task == "datagrams") return std::make_unique<Datagrams>(is_one_by_one);
  std::fputs("usage: cpp-calls pair|option|datagrams [one|threads]\n", stderr);
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string way = argc > 2 ? argv[2] : "";
  const std::unique_ptr<Loop> loop = make_loop(argc > 1 ? argv[1] : "", way == "one");
  if (way == "threads") std::thread([] { pause(); }).detach();
  std::puts("ready");
  std::fflush(stdout);
  char line[128];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    double warm_up = 0;
    double length = 0;
    int turns = 0;
    if (std::sscanf(line, "slice %lf %lf", &warm_up, &length) == 2) {
      slice(*loop, warm_up / 1e3, length / 1e3);
    } else if (std::sscanf(line, "repeat %d", &turns) == 1) {
      repeat(*loop, turns);
    } else {
      errno = EINVAL;
      fail(line);
    }
    std::fflush(stdout);
  }
  return 0;
}
