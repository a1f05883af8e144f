// A connected stream socket, in the clear or with TLS on it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>

#include "net.h"

namespace load {

// The client's side of TLS on a connected, non-blocking socket. No certificate is checked: it is
// the speed of the server that is measured. (tls.cc)
class TlsSession {
 public:
  // Makes the handshake, and waits for its end. Null, with `*why` set, if it fails.
  static std::unique_ptr<TlsSession> open(int fd, const char** why);
  virtual ~TlsSession() = default;
  virtual ssize_t send(const char* bytes, std::size_t length) = 0;
  virtual ssize_t recv(char* bytes, std::size_t length) = 0;
  virtual bool holds_input() const = 0;
};

class Wire {
 public:
  Wire() = default;
  explicit Wire(Fd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  // Null if it worked, else what did not.
  const char* secure();

  // As send(2) and recv(2) of a non-blocking socket: -1 with EAGAIN if nothing can be done now.
  ssize_t send(const char* bytes, std::size_t length);
  ssize_t recv(char* bytes, std::size_t length);
  // Whether there is something to be read that epoll(7) cannot see.
  bool holds_input() const { return tls_ != nullptr && tls_->holds_input(); }

 private:
  Fd fd_;
  std::unique_ptr<TlsSession> tls_;
};

// Connects, and speaks TLS if that is wanted. An empty wire, with the error added, if it fails.
bool connect_wire(Dialler& dialler, bool with_tls, Wire* out, class Errors& errors);

}  // namespace load
