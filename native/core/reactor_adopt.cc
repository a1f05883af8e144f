// Descriptors that come from elsewhere, and those that go there.
#include <cerrno>

#include "core/reactor.h"

namespace sk {

namespace {

int ask(Kernel& kernel, int fd, int name, int* value) {
  socklen_t length = sizeof(*value);
  return kernel.get_option(fd, SOL_SOCKET, name, value, &length);
}

// What an adopted socket does: listens, or is connected. A negative errno if neither.
int state_of(Kernel& kernel, int fd, State* out) {
  int is_listening = 0;
  const int result = ask(kernel, fd, SO_ACCEPTCONN, &is_listening);
  if (result < 0) return result;
  *out = is_listening != 0 ? State::listening : State::connected;
  Sockaddr peer;
  return is_listening != 0 ? 0 : kernel.remote_address(fd, &peer);
}

}  // namespace

bool Reactor::owns(int fd) {
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    const Slot& slot = slots_.at(index);
    if (slot.state != State::free && slot.fd == fd) return true;
  }
  return false;
}

int64_t Reactor::adopt(int fd, bool is_lent) {
  int type = 0;
  int family = 0;
  State state = State::free;
  int result = ask(*kernel_, fd, SO_TYPE, &type);
  if (result < 0) return result;
  if (type != SOCK_STREAM) return -ESOCKTNOSUPPORT;
  result = ask(*kernel_, fd, SO_DOMAIN, &family);
  if (result < 0) return result;
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) return -EAFNOSUPPORT;
  result = state_of(*kernel_, fd, &state);
  if (result < 0) return result;
  if (!is_lent && owns(fd)) return -EEXIST;
  const int taken = is_lent ? kernel_->duplicate(fd) : fd;
  if (taken < 0) return taken;
  uint32_t index = 0;
  result = kernel_->prepare(taken);
  Slot* slot = result < 0 ? nullptr : adopt(taken, state, &index);
  if (slot == nullptr) {
    if (is_lent) kernel_->close(taken);
    return result < 0 ? result : -EMFILE;
  }
  if (family == AF_UNIX) slot->set(kUnix);
  return static_cast<int64_t>(id_of(*slot, index));
}

int Reactor::detach(Id id) {
  Slot* slot = slots_.find(id);
  if (slot == nullptr) return -EBADF;
  if (slot->pending() > 0 || slot->messages != nullptr) return -EBUSY;
  const int fd = slot->fd;
  if (slot->has(kRegistered)) poller_->remove(fd);
  if (slot->has(kReferenced)) --referenced_;
  slots_.release(slot_of(id));
  return fd;
}

}  // namespace sk
