#include "core/syscalls.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "test/net.h"
#include "test/signal_storm.h"

namespace sk {

using namespace sk::test;

namespace {

// A message of one part.
struct Message {
  Message(void* data, size_t length) : part{data, length} {
    header.msg_hdr.msg_iov = &part;
    header.msg_hdr.msg_iovlen = 1;
  }
  iovec part;
  mmsghdr header = {};
};

// Fills what the socket can hold.
void fill(int fd) {
  const std::string bytes = pattern(64 * 1024);
  while (sys::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
}

// Runs `call`, which waits on this thread, in a storm of signals; `release` ends its wait.
template <typename Call, typename Release>
auto in_storm(Call call, Release release) {
  const SignalStorm storm;
  std::thread other([&] {
    storm.await(20);
    release();
  });
  const auto result = call();
  other.join();
  CHECK(storm.count() >= 20);
  return result;
}

}  // namespace

TEST("sys: every call answers a negative errno for a descriptor that is not there") {
  char bytes[8] = {};
  int value = 0;
  socklen_t length = sizeof(value);
  Sockaddr name = sockaddr_of(loopback());
  Message message(bytes, sizeof(bytes));
  for (const int fd : {-1, 1 << 30}) {
    CHECK_EQ(sys::bind(fd, name), -EBADF);
    CHECK_EQ(sys::connect(fd, name), -EBADF);
    CHECK_EQ(sys::listen(fd, 1), -EBADF);
    CHECK_EQ(sys::accept(fd, &name, 0), -EBADF);
    CHECK_EQ(sys::send(fd, bytes, 8, 0), -EBADF);
    CHECK_EQ(sys::sendto(fd, bytes, 8, 0, name), -EBADF);
    CHECK_EQ(sys::recv(fd, bytes, 8, 0), -EBADF);
    CHECK_EQ(sys::recvfrom(fd, bytes, 8, 0, &name), -EBADF);
    CHECK_EQ(sys::sendmsg(fd, &message.header.msg_hdr, 0), -EBADF);
    CHECK_EQ(sys::recvmsg(fd, &message.header.msg_hdr, 0), -EBADF);
    CHECK_EQ(sys::sendmmsg(fd, &message.header, 1, 0), -EBADF);
    CHECK_EQ(sys::recvmmsg(fd, &message.header, 1, 0), -EBADF);
    CHECK_EQ(sys::shutdown(fd, SHUT_RD), -EBADF);
    CHECK_EQ(sys::getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length), -EBADF);
    CHECK_EQ(sys::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, length), -EBADF);
    CHECK_EQ(sys::getsockname(fd, &name), -EBADF);
    CHECK_EQ(sys::getpeername(fd, &name), -EBADF);
    CHECK_EQ(sys::duplicate(fd), -EBADF);
    CHECK_EQ(sys::probe(fd), -EBADF);
    CHECK_EQ(sys::set_blocking(fd, true), -EBADF);
    CHECK_EQ(sys::ioctl_int(fd, FIONREAD, &value), -EBADF);
    CHECK_EQ(sys::close(fd), -EBADF);
  }
}

TEST("sys: other errors are the system's") {
  int ends[2];
  CHECK_EQ(sys::socket(12345, SOCK_STREAM, 0), -EAFNOSUPPORT);
  CHECK_EQ(sys::socket(AF_INET, 999, 0), -EINVAL);
  CHECK_EQ(sys::socketpair(AF_INET, SOCK_STREAM, 0, ends), -EOPNOTSUPP);
  const Fd fd(sys::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Sockaddr name;
  int value;
  CHECK_EQ(sys::getpeername(fd.get(), &name), -ENOTCONN);
  CHECK_EQ(sys::shutdown(fd.get(), SHUT_RDWR), -ENOTCONN);
  CHECK_EQ(sys::accept(fd.get(), &name, 0), -EINVAL);
  name.length = 0;
  CHECK_EQ(sys::bind(fd.get(), name), -EINVAL);
  CHECK_EQ(sys::setsockopt(fd.get(), SOL_SOCKET, 9999, &value, 4), -ENOPROTOOPT);
  const Fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK_EQ(sys::recv(file.get(), &value, 1, 0), -ENOTSOCK);
  CHECK_EQ(sys::ioctl_int(file.get(), SIOCOUTQ, &value), -ENOTTY);
}

TEST("sys: errno is not what tells: a call that succeeds answers no old error") {
  const Pair pair = unix_pair();
  errno = EINTR;
  CHECK_EQ(sys::send(pair.near.get(), "x", 1, MSG_NOSIGNAL), 1);
  errno = EINTR;
  char byte;
  CHECK_EQ(sys::recv(pair.far.get(), &byte, 1, 0), 1);
  CHECK_EQ(sys::probe(pair.near.get()), 0);
}

TEST("sys.socket, socketpair and accept take the flags of birth (F59)") {
  constexpr int kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  const auto is_born_well = [](const Fd& fd) {
    return (::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0 &&
           (::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) != 0;
  };
  const Fd fd(sys::socket(AF_UNIX, SOCK_DGRAM | kFlags, 0));
  CHECK(is_born_well(fd));
  int ends[2];
  CHECK_EQ(sys::socketpair(AF_UNIX, SOCK_STREAM | kFlags, 0, ends), 0);
  CHECK(is_born_well(Fd(ends[0])));
  CHECK(is_born_well(Fd(ends[1])));
  const Fd listener = tcp_listener();
  const Fd client = connect_to(port_of(listener.get()));
  CHECK(is_ready(listener.get(), POLLIN));
  Sockaddr peer;
  const Fd accepted(sys::accept(listener.get(), &peer, kFlags));
  CHECK(is_born_well(accepted));
  CHECK_EQ(peer.length, sizeof(sockaddr_in));
  const Fd copy(sys::duplicate(fd.get()));
  CHECK((::fcntl(copy.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST("sys.recvfrom tells the sender's name, and none where there is none (F36)") {
  char bytes[4];
  Sockaddr from;
  const Pair pair = unix_pair();
  send_all(pair.far, "x");
  from.length = 77;
  CHECK_EQ(sys::recvfrom(pair.near.get(), bytes, 4, 0, &from), 1);
  CHECK_EQ(from.length, 0u);
  const Pair stream = tcp_pair();
  send_all(stream.far, "x");
  CHECK(is_ready(stream.near.get(), POLLIN));
  CHECK_EQ(sys::recvfrom(stream.near.get(), bytes, 4, 0, &from), 1);
  CHECK_EQ(from.length, 0u);
  const Fd receiver(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Sockaddr own = sockaddr_of(abstract_name());
  CHECK_EQ(sys::bind(receiver.get(), own), 0);
  const Fd unnamed(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  CHECK_EQ(sys::sendto(unnamed.get(), "y", 1, 0, own), 1);
  CHECK_EQ(sys::recvfrom(receiver.get(), bytes, 4, 0, &from), 1);
  CHECK_EQ(from.length, 0u);
  const Sockaddr name = sockaddr_of(abstract_name());
  CHECK_EQ(sys::bind(unnamed.get(), name), 0);
  CHECK_EQ(sys::sendto(unnamed.get(), "z", 1, 0, own), 1);
  CHECK_EQ(sys::recvfrom(receiver.get(), bytes, 4, 0, &from), 1);
  CHECK_EQ(from.length, name.length);
  CHECK_EQ(memcmp(&from.storage, &name.storage, name.length), 0);
}

TEST("sys.getsockname and getpeername tell the longest name there is (F39)") {
  // A path of 108 bytes, which the kernel counts as 111 with the family and a NUL.
  std::string folder = "/tmp/portside-XXXXXX";
  CHECK(::mkdtemp(folder.data()) != nullptr);
  sockaddr_un un = {};
  un.sun_family = AF_UNIX;
  const std::string path = folder + "/" + std::string(sizeof(un.sun_path) - folder.size() - 1, 'p');
  CHECK_EQ(path.size(), sizeof(un.sun_path));
  memcpy(un.sun_path, path.data(), path.size());
  Sockaddr name;
  memcpy(&name.storage, &un, sizeof(un));
  name.length = sizeof(un);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int result = sys::bind(fd.get(), name);
  Sockaddr told;
  const int named = sys::getsockname(fd.get(), &told);
  ::unlink(path.c_str());
  ::rmdir(folder.c_str());
  CHECK_EQ(result, 0);
  CHECK_EQ(named, 0);
  CHECK_EQ(told.length, sizeof(un) + 1);
  CHECK_EQ(memcmp(&told.storage, &un, sizeof(un)), 0);
}

TEST("sys.send to a peer that is gone answers EPIPE, and raises no signal (F60)") {
  signal(SIGPIPE, SIG_DFL);
  Pair pair = unix_pair();
  pair.far.close();
  CHECK_EQ(sys::send(pair.near.get(), "x", 1, MSG_NOSIGNAL), -EPIPE);
  char byte = 'x';
  Message message(&byte, 1);
  CHECK_EQ(sys::sendmsg(pair.near.get(), &message.header.msg_hdr, MSG_NOSIGNAL), -EPIPE);
  CHECK_EQ(sys::sendmmsg(pair.near.get(), &message.header, 1, MSG_NOSIGNAL), -EPIPE);
}

TEST("sys.set_blocking sets and clears one flag, and no other") {
  const Pair pair = unix_pair();
  const int before = ::fcntl(pair.near.get(), F_GETFL);
  CHECK_EQ(before & O_NONBLOCK, 0);
  for (const bool is_blocking : {true, false, false, true}) {
    CHECK_EQ(sys::set_blocking(pair.near.get(), is_blocking), 0);
    CHECK_EQ(::fcntl(pair.near.get(), F_GETFL), is_blocking ? before : before | O_NONBLOCK);
  }
}

TEST("sys.ioctl_int tells what is unread and unsent") {
  const Pair pair = tcp_pair();
  send_all(pair.far, "12345");
  CHECK(is_ready(pair.near.get(), POLLIN));
  int value = 0;
  CHECK_EQ(sys::ioctl_int(pair.near.get(), FIONREAD, &value), 0);
  CHECK_EQ(value, 5);
  CHECK_EQ(sys::ioctl_int(pair.near.get(), SIOCATMARK, &value), 0);
  CHECK_EQ(value, 0);
  CHECK_EQ(sys::ioctl_int(pair.near.get(), SIOCOUTQ, &value), 0);
  CHECK_EQ(value, 0);
}

TEST("sys.recv of nothing takes nothing from a stream, and one datagram of another kind") {
  const Pair stream = unix_pair();
  send_all(stream.far, "x");
  CHECK_EQ(sys::recv(stream.near.get(), nullptr, 0, 0), 0);
  char byte = 0;
  CHECK_EQ(sys::recv(stream.near.get(), &byte, 1, 0), 1);
  CHECK_EQ(byte, 'x');
  CHECK_EQ(sys::recv(stream.near.get(), nullptr, 0, MSG_DONTWAIT), -EAGAIN);
}

TEST("sys.recv, recvfrom and recvmsg that wait go on through signals (F55)") {
  const Pair pair = unix_pair();
  char byte = 0;
  const auto send_one = [&] { ::send(pair.far.get(), "x", 1, MSG_NOSIGNAL); };
  const int fd = pair.near.get();
  CHECK_EQ(in_storm([&] { return sys::recv(fd, &byte, 1, 0); }, send_one), 1);
  Sockaddr from;
  CHECK_EQ(in_storm([&] { return sys::recvfrom(fd, &byte, 1, 0, &from); }, send_one), 1);
  CHECK_EQ(from.length, 0u);
  Message message(&byte, 1);
  CHECK_EQ(in_storm([&] { return sys::recvmsg(fd, &message.header.msg_hdr, 0); }, send_one), 1);
  CHECK_EQ(in_storm([&] { return sys::recvmmsg(fd, &message.header, 1, 0); }, send_one), 1);
  CHECK_EQ(message.header.msg_len, 1u);
}

TEST("sys.send, sendmsg and sendmmsg that wait go on through signals (F55)") {
  const Pair pair = unix_pair();
  const int fd = pair.near.get();
  fill(fd);
  std::vector<char> sink(4 * 1024 * 1024);
  const auto make_room = [&] {
    while (::recv(pair.far.get(), sink.data(), sink.size(), MSG_DONTWAIT) > 0) {
    }
  };
  char byte = 'x';
  CHECK_EQ(in_storm([&] { return sys::send(fd, &byte, 1, MSG_NOSIGNAL); }, make_room), 1);
  fill(fd);
  Message message(&byte, 1);
  const auto send_message = [&] { return sys::sendmsg(fd, &message.header.msg_hdr, MSG_NOSIGNAL); };
  CHECK_EQ(in_storm(send_message, make_room), 1);
  fill(fd);
  const auto send_messages = [&] { return sys::sendmmsg(fd, &message.header, 1, MSG_NOSIGNAL); };
  CHECK_EQ(in_storm(send_messages, make_room), 1);
}

TEST("sys.accept that waits goes on through signals (F55)") {
  const Fd listener = tcp_listener();
  const uint16_t port = port_of(listener.get());
  Fd client;
  Sockaddr peer;
  const Fd accepted(in_storm([&] { return sys::accept(listener.get(), &peer, SOCK_CLOEXEC); },
                             [&] { client = connect_to(port); }));
  CHECK(accepted.get() >= 0);
  Address address;
  CHECK_EQ(decode(peer, &address), 0);
  CHECK_EQ(address.port, port_of(client.get()));
}

TEST("sys.poll and connect tell of a signal: their callers know better what to do (F55)") {
  const Pair pair = unix_pair();
  const SignalStorm storm;
  pollfd item = {pair.near.get(), POLLIN, 0};
  CHECK_EQ(sys::poll(&item, 1, kPatience), -EINTR);
  // A listener with a full backlog, so that connecting waits.
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Sockaddr name = sockaddr_of(abstract_name());
  CHECK_EQ(sys::bind(listener.get(), name), 0);
  CHECK_EQ(sys::listen(listener.get(), 0), 0);
  const Fd first(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int result;
  do {
    result = sys::connect(first.get(), name);
  } while (result == -EINTR);
  CHECK_EQ(result, 0);
  const Fd second(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK_EQ(sys::connect(second.get(), name), -EINTR);
}

}  // namespace sk
