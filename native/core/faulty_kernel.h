// A kernel that fails on demand: short reads and writes, and chosen errors at chosen calls. It
// exists for tests, and ships, so that programs can test their own handling of faults.
#pragma once

#include <vector>

#include "core/kernel.h"

namespace sk {

enum class Call : int {
  socket,
  bind,
  connect,
  listen,
  accept,
  recv,
  send,
  shutdown,
  get_option,
  set_option,
  close,
  recvmsg,
  sendmsg,
};
constexpr Call kLastCall = Call::sendmsg;

// After `skip` further calls of `call`, the next `times` of them fail with `error` (an errno) and
// do not reach the system; for `accept` with ECONNABORTED the waiting connection is dropped as
// well.
struct Fault {
  Call call;
  int error;
  int skip;
  int times;
};

class FaultyKernel final : public Kernel {
 public:
  // The most bytes of one recv and of one send; 0 for no limit. Messages are never cut: with a
  // limit a call sends one of them.
  void limit(size_t read, size_t write) {
    max_read_ = read;
    max_write_ = write;
  }
  void add(const Fault& fault) { faults_.push_back(fault); }
  void clear() {
    faults_.clear();
    held_ = 0;
  }
  bool reads_short() const override { return max_read_ != 0; }

  int socket(int family, int type, int protocol) override;
  int bind(int fd, const Sockaddr& address) override;
  int connect(int fd, const Sockaddr& address) override;
  int listen(int fd, int backlog) override;
  int accept(int fd, Sockaddr* peer) override;
  ssize_t recv(int fd, void* buffer, size_t length, int flags) override;
  ssize_t recv_unix(int fd, void* buffer, size_t length, bool* is_cut) override;
  ssize_t send(int fd, const iovec* parts, int count) override;
  ssize_t send(int fd, const void* buffer, size_t length) override;
  ssize_t send_to(int fd, const void* buffer, size_t length, const Sockaddr& to) override;
  int send_messages(int fd, mmsghdr* messages, unsigned count) override;
  int receive_messages(int fd, mmsghdr* messages, unsigned count) override;
  int shutdown(int fd, int how) override;
  int get_option(int fd, int level, int name, void* value, socklen_t* length) override;
  int set_option(int fd, int level, int name, const void* value, socklen_t length) override;
  int close(int fd) override;

 private:
  // The error that this call must fail with, or 0.
  int due(Call call);

  size_t max_read_ = 0;
  size_t max_write_ = 0;
  std::vector<Fault> faults_;
  // The failure of a message that a batch ended before.
  int held_ = 0;
};

}  // namespace sk
