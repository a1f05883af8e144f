#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "clock.h"
#include "message.h"
#include "modes.h"
#include "net.h"
#include "result.h"

namespace load {

namespace {

// A kernel queues accepted connections up to a limit, often 511. The last connection of each run
// of this many sends a message and waits for it: connections are accepted in order, so its answer
// says that the server has accepted all those before it.
constexpr int kPace = 100;

bool echo_once(int fd, int size, std::uint32_t index, Errors& errors) {
  Message message(size);
  message.renew(index);
  if (send(fd, message.data(), message.size(), MSG_NOSIGNAL) < 0) errors.add("send", errno);
  while (!message.complete() && errors.count() == 0) {
    char bytes[8192];
    if (!wait_for(fd, POLLIN)) {
      errors.add("no answer in 5 s");
      break;
    }
    const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0) {
      errors.add(got == 0 ? "the server closed a connection" : "recv", got == 0 ? 0 : errno);
    } else if (!message.take(bytes, static_cast<std::size_t>(got))) {
      errors.add("the server sent something else than it received");
    }
  }
  return errors.count() == 0;
}

bool open_all(const Options& options, std::vector<Fd>& held, Errors& errors) {
  Dialler dialler(options.port);
  for (int i = 1; i <= options.connections; i++) {
    Fd fd = dialler.dial();
    if (!fd) {
      errors.add("connect", errno);
      return false;
    }
    const int error = await_connected(fd.get());
    if (error != 0) {
      errors.add("connect", error);
      return false;
    }
    const bool paces = i % kPace == 0 || i == options.connections;
    if (paces && !echo_once(fd.get(), options.size, static_cast<std::uint32_t>(i), errors)) {
      return false;
    }
    held.push_back(std::move(fd));
  }
  return true;
}

void wait_for_end_of_input() {
  char bytes[256];
  for (;;) {
    const ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    if (got == 0 || (got < 0 && errno != EINTR)) return;
  }
}

}  // namespace

int run_idle(const Options& options) {
  std::vector<Fd> held;
  Errors errors;
  const Nanos start = now();
  open_all(options, held, errors);
  print_open(static_cast<int>(held.size()), now() - start, errors);
  if (errors.count() == 0) wait_for_end_of_input();
  return 0;
}

}  // namespace load
