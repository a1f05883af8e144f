#include "core/faulty_kernel.h"

#include <algorithm>
#include <cerrno>

namespace sk {

namespace {
size_t limited(size_t length, size_t limit) {
  return limit == 0 ? length : std::min(length, limit);
}
}  // namespace

int FaultyKernel::due(Call call) {
  for (Fault& fault : faults_) {
    if (fault.call != call || fault.times == 0) continue;
    if (fault.skip > 0) {
      --fault.skip;
      continue;
    }
    --fault.times;
    return fault.error;
  }
  return 0;
}

int FaultyKernel::socket(int family, int type, int protocol) {
  const int error = due(Call::socket);
  return error != 0 ? -error : Kernel::socket(family, type, protocol);
}

int FaultyKernel::bind(int fd, const Sockaddr& address) {
  const int error = due(Call::bind);
  return error != 0 ? -error : Kernel::bind(fd, address);
}

int FaultyKernel::connect(int fd, const Sockaddr& address) {
  const int error = due(Call::connect);
  return error != 0 ? -error : Kernel::connect(fd, address);
}

int FaultyKernel::listen(int fd, int backlog) {
  const int error = due(Call::listen);
  return error != 0 ? -error : Kernel::listen(fd, backlog);
}

int FaultyKernel::accept(int fd, Sockaddr* peer) {
  const int error = due(Call::accept);
  if (error == 0) return Kernel::accept(fd, peer);
  if (error == ECONNABORTED) {
    const int dropped = Kernel::accept(fd, peer);
    if (dropped < 0) return dropped;
    Kernel::close(dropped);
  }
  return -error;
}

ssize_t FaultyKernel::recv(int fd, void* buffer, size_t length, int flags) {
  const int error = due(Call::recv);
  return error != 0 ? -error : Kernel::recv(fd, buffer, limited(length, max_read_), flags);
}

ssize_t FaultyKernel::recv_unix(int fd, void* buffer, size_t length, bool* is_cut) {
  const int error = due(Call::recv);
  return error != 0 ? -error : Kernel::recv_unix(fd, buffer, limited(length, max_read_), is_cut);
}

ssize_t FaultyKernel::send(int fd, const iovec* parts, int count) {
  if (max_write_ != 0 && count > 0) return send(fd, parts[0].iov_base, parts[0].iov_len);
  const int error = due(Call::send);
  return error != 0 ? -error : Kernel::send(fd, parts, count);
}

ssize_t FaultyKernel::send(int fd, const void* buffer, size_t length) {
  const int error = due(Call::send);
  if (error != 0) return -error;
  return Kernel::send(fd, buffer, limited(length, max_write_));
}

ssize_t FaultyKernel::send_to(int fd, const void* buffer, size_t length, const Sockaddr& to) {
  const int error = due(Call::sendmsg);
  return error != 0 ? -error : Kernel::send_to(fd, buffer, length, to);
}

// Each message counts as a call, so that a fault may hit one amid a batch. As the system does, the
// ones before are sent then, and the failure is told by the next call.
int FaultyKernel::send_messages(int fd, mmsghdr* messages, unsigned count) {
  const unsigned most = max_write_ != 0 ? 1 : count;
  for (unsigned i = 0; i < most; ++i) {
    if (faults_.empty()) return Kernel::send_messages(fd, messages, most);
    int error = held_;
    held_ = 0;
    if (error == 0) error = due(Call::sendmsg);
    if (error != 0 && i == 0) return -error;
    if (error != 0) {
      held_ = error;
      return static_cast<int>(i);
    }
    const int sent = Kernel::send_messages(fd, messages + i, 1);
    if (sent <= 0) return i > 0 ? static_cast<int>(i) : sent;
  }
  return static_cast<int>(most);
}

int FaultyKernel::receive_messages(int fd, mmsghdr* messages, unsigned count) {
  const int error = due(Call::recvmsg);
  if (error != 0) return -error;
  return Kernel::receive_messages(fd, messages, count);
}

int FaultyKernel::shutdown(int fd, int how) {
  const int error = due(Call::shutdown);
  return error != 0 ? -error : Kernel::shutdown(fd, how);
}

int FaultyKernel::get_option(int fd, int level, int name, void* value, socklen_t* length) {
  const int error = due(Call::get_option);
  return error != 0 ? -error : Kernel::get_option(fd, level, name, value, length);
}

int FaultyKernel::set_option(int fd, int level, int name, const void* value, socklen_t length) {
  const int error = due(Call::set_option);
  return error != 0 ? -error : Kernel::set_option(fd, level, name, value, length);
}

int FaultyKernel::close(int fd) {
  // A failing close(2) has closed all the same: the descriptor must not leak because of a test.
  const int result = Kernel::close(fd);
  const int error = due(Call::close);
  return error != 0 ? -error : result;
}

}  // namespace sk
