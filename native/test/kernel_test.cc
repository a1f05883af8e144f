#include "core/kernel.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <vector>

#include "core/faulty_kernel.h"
#include "test/net.h"

namespace sk {

using namespace sk::test;

namespace {

void check_flags(int fd) {
  CHECK(fd >= 0);
  CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
}

// What a call answers on a socket that is not there.
void check_bad_descriptor(Kernel& kernel) {
  char byte = 0;
  const iovec part = {&byte, 1};
  int value = 0;
  socklen_t length = sizeof(value);
  Sockaddr address = sockaddr_of(loopback());
  CHECK_EQ(kernel.bind(-1, address), -EBADF);
  CHECK_EQ(kernel.connect(-1, address), -EBADF);
  CHECK_EQ(kernel.listen(-1, 1), -EBADF);
  CHECK_EQ(kernel.accept(-1, &address), -EBADF);
  CHECK_EQ(kernel.recv(-1, &byte, 1, 0), -EBADF);
  CHECK_EQ(kernel.send(-1, &part, 1), -EBADF);
  CHECK_EQ(kernel.send(-1, &byte, 1), -EBADF);
  CHECK_EQ(kernel.shutdown(-1, SHUT_WR), -EBADF);
  CHECK_EQ(kernel.get_option(-1, SOL_SOCKET, SO_ERROR, &value, &length), -EBADF);
  CHECK_EQ(kernel.set_option(-1, SOL_SOCKET, SO_REUSEADDR, &value, length), -EBADF);
  CHECK_EQ(kernel.local_address(-1, &address), -EBADF);
  CHECK_EQ(kernel.remote_address(-1, &address), -EBADF);
  CHECK_EQ(kernel.close(-1), -EBADF);
}

}  // namespace

TEST("Kernel.socket makes descriptors that are close-on-exec and do not block") {
  Kernel kernel;
  for (const int family : {AF_INET, AF_INET6, AF_UNIX}) {
    const Fd fd(kernel.socket(family, SOCK_STREAM, 0));
    check_flags(fd.get());
  }
}

TEST("Kernel.accept makes descriptors that are close-on-exec and do not block") {
  Kernel kernel;
  const Fd listener = tcp_listener();
  const Fd client = connect_to(port_of(listener.get()));
  CHECK(is_ready(listener.get(), POLLIN));
  Sockaddr peer;
  const Fd accepted(kernel.accept(listener.get(), &peer));
  check_flags(accepted.get());
  Address address;
  CHECK_EQ(decode(peer, &address), 0);
  CHECK_EQ(address.family, Family::ipv4);
  CHECK_EQ(address.port, port_of(client.get()));
}

TEST("Kernel's calls answer a negative errno") {
  Kernel kernel;
  check_bad_descriptor(kernel);
  CHECK_EQ(kernel.socket(12345, SOCK_STREAM, 0), -EAFNOSUPPORT);
}

TEST("FaultyKernel without faults is a kernel") {
  FaultyKernel kernel;
  check_bad_descriptor(kernel);
  const Fd fd(kernel.socket(AF_INET, SOCK_STREAM, 0));
  check_flags(fd.get());
  CHECK(!kernel.reads_short());
}

TEST("Kernel.send to a peer that is gone answers EPIPE and raises no signal") {
  signal(SIGPIPE, SIG_DFL);
  Kernel kernel;
  Pair pair = unix_pair();
  pair.far.close();
  char bytes[2] = {'a', 'b'};
  const iovec parts[2] = {{bytes, 1}, {bytes + 1, 1}};
  CHECK_EQ(kernel.send(pair.near.get(), bytes, 2), -EPIPE);
  CHECK_EQ(kernel.send(pair.near.get(), parts, 2), -EPIPE);
}

TEST("Kernel.recv and send do not block on a descriptor that would") {
  Kernel kernel;
  const Pair pair = unix_pair();
  char byte;
  CHECK_EQ(kernel.recv(pair.near.get(), &byte, 1, 0), -EAGAIN);
  const std::string bytes = pattern(256 * 1024);
  ssize_t sent;
  do {
    sent = kernel.send(pair.near.get(), bytes.data(), bytes.size());
  } while (sent > 0);
  CHECK_EQ(sent, -EAGAIN);
}

TEST("Kernel.send gathers its parts in order") {
  Kernel kernel;
  const Pair pair = unix_pair();
  char a[] = "one ";
  char b[] = "two";
  const iovec parts[3] = {{a, 4}, {b, 0}, {b, 3}};
  CHECK_EQ(kernel.send(pair.near.get(), parts, 3), 7);
  CHECK_EQ(receive(pair.far, 7), std::string("one two"));
}

TEST("FaultyKernel.limit bounds each read and write") {
  FaultyKernel kernel;
  kernel.limit(2, 3);
  CHECK(kernel.reads_short());
  const Pair pair = unix_pair();
  char bytes[] = "abcdef";
  const iovec parts[2] = {{bytes, 5}, {bytes + 5, 1}};
  CHECK_EQ(kernel.send(pair.near.get(), bytes, 6), 3);
  CHECK_EQ(kernel.send(pair.near.get(), parts, 2), 3);
  char got[8];
  CHECK_EQ(kernel.recv(pair.far.get(), got, 8, 0), 2);
  CHECK_EQ(kernel.recv(pair.far.get(), got, 1, 0), 1);
  kernel.limit(0, 0);
  CHECK_EQ(kernel.recv(pair.far.get(), got, 8, 0), 3);
}

TEST("FaultyKernel fails after `skip` calls, `times` times, and does not reach the system") {
  FaultyKernel kernel;
  const Pair pair = unix_pair();
  kernel.add({Call::send, ENOBUFS, 1, 2});
  const char byte = 'x';
  const iovec part = {const_cast<char*>(&byte), 1};
  CHECK_EQ(kernel.send(pair.near.get(), &byte, 1), 1);
  CHECK_EQ(kernel.send(pair.near.get(), &byte, 1), -ENOBUFS);
  CHECK_EQ(kernel.send(pair.near.get(), &part, 1), -ENOBUFS);
  CHECK_EQ(kernel.send(pair.near.get(), &byte, 1), 1);
  CHECK_EQ(receive(pair.far, 2), std::string("xx"));
  CHECK(!is_ready(pair.far.get(), POLLIN, 0));
}

TEST("FaultyKernel has a fault for each call, and clear ends them") {
  FaultyKernel kernel;
  const Pair pair = unix_pair();
  const int fd = pair.near.get();
  for (int call = 0; call <= static_cast<int>(Call::close); ++call) {
    kernel.add({static_cast<Call>(call), 1000 + call, 0, 1});
  }
  int value = 0;
  socklen_t length = sizeof(value);
  Sockaddr address = sockaddr_of(abstract_name());
  const auto wanted = [](Call call) { return -1000 - static_cast<int>(call); };
  CHECK_EQ(kernel.socket(AF_UNIX, SOCK_STREAM, 0), wanted(Call::socket));
  CHECK_EQ(kernel.bind(fd, address), wanted(Call::bind));
  CHECK_EQ(kernel.connect(fd, address), wanted(Call::connect));
  CHECK_EQ(kernel.listen(fd, 1), wanted(Call::listen));
  CHECK_EQ(kernel.accept(fd, &address), wanted(Call::accept));
  CHECK_EQ(kernel.recv(fd, &value, 1, 0), wanted(Call::recv));
  CHECK_EQ(kernel.send(fd, &value, 1), wanted(Call::send));
  CHECK_EQ(kernel.shutdown(fd, SHUT_RDWR), wanted(Call::shutdown));
  CHECK_EQ(kernel.get_option(fd, SOL_SOCKET, SO_ERROR, &value, &length), wanted(Call::get_option));
  CHECK_EQ(kernel.set_option(fd, SOL_SOCKET, SO_RCVBUF, &value, length), wanted(Call::set_option));
  kernel.clear();
  CHECK_EQ(kernel.recv(fd, &value, 1, 0), -EAGAIN);
}

TEST("FaultyKernel.close closes although it fails") {
  FaultyKernel kernel;
  kernel.add({Call::close, EIO, 0, 1});
  const int fd = kernel.socket(AF_INET, SOCK_STREAM, 0);
  CHECK_EQ(kernel.close(fd), -EIO);
  CHECK_EQ(::fcntl(fd, F_GETFD), -1);
}

TEST("FaultyKernel.accept drops the connection that it says was aborted, and keeps it otherwise") {
  FaultyKernel kernel;
  const Fd listener = tcp_listener();
  make_nonblocking(listener.get());
  Sockaddr peer;
  kernel.add({Call::accept, ECONNABORTED, 0, 1});
  const Fd dropped = connect_to(port_of(listener.get()));
  CHECK(is_ready(listener.get(), POLLIN));
  CHECK_EQ(kernel.accept(listener.get(), &peer), -ECONNABORTED);
  CHECK_EQ(receive_to_end(dropped), std::string());
  CHECK_EQ(kernel.accept(listener.get(), &peer), -EAGAIN);
  kernel.add({Call::accept, EMFILE, 0, 1});
  const Fd kept = connect_to(port_of(listener.get()));
  CHECK(is_ready(listener.get(), POLLIN));
  CHECK_EQ(kernel.accept(listener.get(), &peer), -EMFILE);
  const Fd accepted(kernel.accept(listener.get(), &peer));
  CHECK(accepted.get() >= 0);
}

}  // namespace sk
