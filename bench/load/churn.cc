#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "clock.h"
#include "fail.h"
#include "message.h"
#include "modes.h"
#include "net.h"
#include "result.h"

namespace load {

namespace {

constexpr Nanos kGrace = kSecond;

// One of the connections that are open at the same time; reopened again and again.
struct Slot {
  Fd fd;
  Message message;
  bool connected = false;
};

class ChurnLoad {
 public:
  explicit ChurnLoad(const Options& options)
      : options_(options),
        with_request_(options.mode == "crr"),
        server_(options.pid),
        dialler_(options.port),
        slots_() {
    for (int i = 0; i < options.connections; i++) {
      slots_.push_back({Fd(), Message(options.size)});
    }
  }

  int run() {
    server_.wait_until_idle(kGrace);
    Window window(server_, options_.warm_up, options_.duration);
    for (std::size_t i = 0; i < slots_.size(); i++) open(i);
    while (errors_.count() == 0 && window.update(completed_) != Window::Phase::kOver) {
      step(window.timeout_ms());
    }
    await_rest();
    slots_.clear();
    const bool settled = server_.wait_until_idle(kGrace);
    print_result(options_.mode, options_.connections, window, no_latencies_, settled, errors_);
    return 0;
  }

 private:
  void open(std::size_t index) {
    Slot& slot = slots_[index];
    slot.fd = dialler_.dial();
    slot.connected = false;
    if (!slot.fd) {
      errors_.add("connect", errno);
      return;
    }
    open_++;
    epoll_.add(slot.fd.get(), with_request_ ? EPOLLOUT : EPOLLIN,
               static_cast<std::uint32_t>(index));
  }

  void step(int timeout_ms) {
    const int count = epoll_.wait(timeout_ms);
    for (int i = 0; i < count; i++) {
      const std::size_t index = epoll_.event(i).data.u32;
      const bool done = with_request_ ? advance_request(index) : saw_close(index);
      if (!done) continue;
      slots_[index].fd.reset();
      completed_++;
      open_--;
      if (!stopping_) open(index);
    }
  }

  bool advance_request(std::size_t index) {
    Slot& slot = slots_[index];
    if (slot.connected) return receive(slot);
    slot.connected = true;
    const int error = connect_error(slot.fd.get());
    if (error != 0) {
      errors_.add("connect", error);
      return false;
    }
    slot.message.renew(static_cast<std::uint32_t>(index));
    const ssize_t sent =
        send(slot.fd.get(), slot.message.data(), slot.message.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(slot.message.size())) errors_.add("send", errno);
    epoll_.modify(slot.fd.get(), EPOLLIN, static_cast<std::uint32_t>(index));
    return false;
  }

  bool receive(Slot& slot) {
    char bytes[8192];
    const ssize_t got = recv(slot.fd.get(), bytes, sizeof bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got <= 0) {
      errors_.add(got == 0 ? "the server closed before it answered" : "recv", got == 0 ? 0 : errno);
      return false;
    }
    if (!slot.message.take(bytes, static_cast<std::size_t>(got))) {
      errors_.add("the server sent something else than it received");
      return false;
    }
    return slot.message.complete();
  }

  bool saw_close(std::size_t index) {
    char byte = 0;
    const ssize_t got = recv(slots_[index].fd.get(), &byte, 1, 0);
    if (got == 0) return true;
    if (got > 0) {
      errors_.add("the server sent something before it closed");
    } else if (errno != EAGAIN && errno != EINTR) {
      errors_.add("recv", errno);
    }
    return false;
  }

  void await_rest() {
    stopping_ = true;
    const Nanos deadline = now() + kGrace;
    while (open_ > 0 && errors_.count() == 0) {
      if (now() > deadline) {
        errors_.add("connections were left without an answer");
        return;
      }
      step(10);
    }
  }

  const Options& options_;
  const bool with_request_;
  CpuClock server_;
  Dialler dialler_;
  Epoll epoll_;
  Errors errors_;
  std::vector<Slot> slots_;
  std::vector<Nanos> no_latencies_;
  std::int64_t completed_ = 0;
  std::int64_t open_ = 0;
  bool stopping_ = false;
};

}  // namespace

int run_churn(const Options& options) { return ChurnLoad(options).run(); }

}  // namespace load
