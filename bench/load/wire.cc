#include "wire.h"

#include <sys/socket.h>

#include <cerrno>

#include "result.h"

namespace load {

const char* Wire::secure() {
  const char* why = nullptr;
  tls_ = TlsSession::open(fd_.get(), &why);
  return tls_ == nullptr ? why : nullptr;
}

ssize_t Wire::send(const char* bytes, std::size_t length) {
  return tls_ ? tls_->send(bytes, length) : ::send(fd_.get(), bytes, length, MSG_NOSIGNAL);
}

ssize_t Wire::recv(char* bytes, std::size_t length) {
  return tls_ ? tls_->recv(bytes, length) : ::recv(fd_.get(), bytes, length, 0);
}

bool connect_wire(Dialler& dialler, bool with_tls, Wire* out, Errors& errors) {
  Fd fd = dialler.dial();
  if (!fd) {
    errors.add("connect", errno);
    return false;
  }
  // One at a time: a server's backlog is not what is measured here.
  const int error = await_connected(fd.get());
  if (error != 0) {
    errors.add("connect", error);
    return false;
  }
  *out = Wire(std::move(fd));
  const char* why = with_tls ? out->secure() : nullptr;
  if (why != nullptr) errors.add(why);
  return why == nullptr;
}

}  // namespace load
