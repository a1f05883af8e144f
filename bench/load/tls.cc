// TLS by OpenSSL, where its headers are; without them the load generator has no TLS.
#if __has_include(<openssl/ssl.h>)
#include <openssl/err.h>
#include <openssl/ssl.h>
#endif

#include <poll.h>

#include <cerrno>

#include "fail.h"
#include "wire.h"

namespace load {

#if __has_include(<openssl/ssl.h>)

namespace {

SSL_CTX* shared_context() {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_client_method());
    if (made == nullptr) fail("SSL_CTX_new", ENOMEM);
    // A write of 64 KiB goes out record by record, and is repeated from wherever it stopped.
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(made, 1);
    return made;
  }();
  return context;
}

class OpensslSession final : public TlsSession {
 public:
  explicit OpensslSession(int fd) : fd_(fd), ssl_(SSL_new(shared_context())) {
    if (ssl_ == nullptr || SSL_set_fd(ssl_, fd) != 1) fail("SSL_new", ENOMEM);
    SSL_set_connect_state(ssl_);
  }
  OpensslSession(const OpensslSession&) = delete;
  OpensslSession& operator=(const OpensslSession&) = delete;
  ~OpensslSession() override { SSL_free(ssl_); }

  const char* shake_hands() {
    for (;;) {
      ERR_clear_error();
      const int result = SSL_do_handshake(ssl_);
      if (result == 1) return nullptr;
      const int error = SSL_get_error(ssl_, result);
      const bool reads = error == SSL_ERROR_WANT_READ;
      if (!reads && error != SSL_ERROR_WANT_WRITE) return "the TLS handshake failed";
      if (!wait_for(fd_, reads ? POLLIN : POLLOUT)) return "the TLS handshake had no answer in 5 s";
    }
  }

  ssize_t send(const char* bytes, std::size_t length) override {
    ERR_clear_error();
    return answer(SSL_write(ssl_, bytes, static_cast<int>(length)));
  }

  ssize_t recv(char* bytes, std::size_t length) override {
    ERR_clear_error();
    return answer(SSL_read(ssl_, bytes, static_cast<int>(length)));
  }

  bool holds_input() const override { return SSL_has_pending(ssl_) == 1; }

 private:
  ssize_t answer(int result) {
    if (result > 0) return result;
    switch (SSL_get_error(ssl_, result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      default:
        if (errno == 0 || errno == EAGAIN) errno = EPROTO;
        return -1;
    }
  }

  const int fd_;
  SSL* ssl_;
};

}  // namespace

std::unique_ptr<TlsSession> TlsSession::open(int fd, const char** why) {
  auto session = std::make_unique<OpensslSession>(fd);
  *why = session->shake_hands();
  if (*why != nullptr) return nullptr;
  return session;
}

#else

std::unique_ptr<TlsSession> TlsSession::open(int, const char** why) {
  *why = "the load generator was built without OpenSSL";
  return nullptr;
}

#endif

}  // namespace load
