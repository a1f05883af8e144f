// Streams in one direction, and with TLS also echo, by a plain C++ epoll loop.
//
// usage: cpp-stream echo|sink|source [FOLDER]
// FOLDER has the certificate for TLS (tls.crt, tls.key). Prints its port; ends when stdin ends.
#include <csignal>
#include <memory>
#include <unordered_map>

#include "common.h"

#if __has_include(<openssl/ssl.h>)
#include <openssl/err.h>
#include <openssl/ssl.h>
#define WITH_TLS 1
#else
#define WITH_TLS 0
#endif

namespace {

// As recv(2) and send(2) of a non-blocking socket, in the clear or with TLS.
class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

#if WITH_TLS
  ~Wire() {
    SSL_free(ssl_);
    close(fd_);
  }
  void secure(SSL_CTX* context) {
    ssl_ = SSL_new(context);
    if (ssl_ == nullptr || SSL_set_fd(ssl_, fd_) != 1) server::fail("SSL_new");
    SSL_set_accept_state(ssl_);
  }
  ssize_t recv(char* bytes, std::size_t length) {
    if (ssl_ == nullptr) return ::recv(fd_, bytes, length, 0);
    ERR_clear_error();
    return answer(SSL_read(ssl_, bytes, static_cast<int>(length)));
  }
  ssize_t send(const char* bytes, std::size_t length) {
    if (ssl_ == nullptr) return ::send(fd_, bytes, length, MSG_NOSIGNAL);
    ERR_clear_error();
    return answer(SSL_write(ssl_, bytes, static_cast<int>(length)));
  }
  bool holds_input() const { return ssl_ != nullptr && SSL_has_pending(ssl_) == 1; }
#else
  ~Wire() { close(fd_); }
  ssize_t recv(char* bytes, std::size_t length) { return ::recv(fd_, bytes, length, 0); }
  ssize_t send(const char* bytes, std::size_t length) {
    return ::send(fd_, bytes, length, MSG_NOSIGNAL);
  }
  bool holds_input() const { return false; }
#endif

 private:
  const int fd_;
#if WITH_TLS
  ssize_t answer(int result) {
    if (result > 0) return result;
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    const bool waits = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    errno = waits ? EAGAIN : ECONNRESET;
    return -1;
  }
  SSL* ssl_ = nullptr;
#endif
};

struct Connection {
  explicit Connection(int fd) : wire(fd) {}
  Wire wire;
  long long count = 0;  // bytes read, or sent
  std::string unsent;   // of an echo or an answer
  bool sends = false;   // a source that has been asked
  bool waits = false;   // until more can be sent
  bool is_over = false;
};

class Server {
 public:
  Server(std::string service, const std::string& folder)
      : service_(std::move(service)), listener_(server::bind_on_loopback(SOCK_STREAM)) {
    if (listen(listener_, SOMAXCONN) != 0) server::fail("listen");
    loop_.watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
    if (!folder.empty()) load_certificate(folder);
  }

  void run() {
    server::print_port(listener_);
    while (loop_.turn(-1, [this](int fd, std::uint32_t events) { handle(fd, events); })) {
    }
  }

 private:
  void load_certificate(const std::string& folder) {
#if WITH_TLS
    context_ = SSL_CTX_new(TLS_server_method());
    const bool is_loaded =
        context_ != nullptr &&
        SSL_CTX_use_certificate_chain_file(context_, (folder + "/tls.crt").c_str()) == 1 &&
        SSL_CTX_use_PrivateKey_file(context_, (folder + "/tls.key").c_str(), SSL_FILETYPE_PEM) == 1;
    if (!is_loaded) server::fail("the certificate cannot be loaded");
    SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context_, 1);
#else
    server::fail(("built without OpenSSL, for " + folder).c_str());
#endif
  }

  void handle(int fd, std::uint32_t events) {
    if (fd == listener_) return accept_all();
    const auto found = connections_.find(fd);
    if (found == connections_.end()) return;
    Connection& connection = *found->second;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_all(connection);
    if (!connection.is_over) send_all(connection);
    if (connection.is_over) {
      connections_.erase(found);
      return;
    }
    const bool waits = !connection.unsent.empty() || connection.sends;
    if (waits == connection.waits) return;
    connection.waits = waits;
    loop_.watch(EPOLL_CTL_MOD, fd, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
      if (fd < 0 && errno == EAGAIN) return;
      if (fd < 0) server::fail("accept4");
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      auto connection = std::make_unique<Connection>(fd);
#if WITH_TLS
      if (context_ != nullptr) connection->wire.secure(context_);
#endif
      connections_[fd] = std::move(connection);
      loop_.watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
  }

  // Of TLS also what OpenSSL has read ahead, which epoll(7) cannot see.
  void read_all(Connection& connection) {
    do {
      const ssize_t got = connection.wire.recv(buffer_.data(), buffer_.size());
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (got <= 0) {
        connection.is_over = true;
        return;
      }
      take(connection, static_cast<std::size_t>(got));
    } while (connection.wire.holds_input());
  }

  void take(Connection& connection, std::size_t length) {
    if (service_ == "echo") {
      connection.unsent.append(buffer_.data(), length);
    } else if (service_ == "source") {
      connection.sends = true;
    } else {
      connection.count += static_cast<long long>(length);
      if (static_cast<unsigned char>(buffer_[length - 1]) == server::kEnd) {
        connection.unsent = std::to_string(connection.count) + "\n";
      }
    }
  }

  void send_all(Connection& connection) {
    for (;;) {
      const bool is_block = connection.unsent.empty();
      if (is_block && !connection.sends) return;
      const std::size_t at = static_cast<std::size_t>(connection.count) % server::kBlock;
      const ssize_t sent =
          is_block ? connection.wire.send(block_.data() + at, server::kBlock - at)
                   : connection.wire.send(connection.unsent.data(), connection.unsent.size());
      if (sent < 0 && errno == EAGAIN) return;
      if (sent <= 0) {
        connection.is_over = true;
        return;
      }
      if (is_block) {
        connection.count += sent;
      } else {
        connection.unsent.erase(0, static_cast<std::size_t>(sent));
      }
    }
  }

  const std::string service_;
  server::Loop loop_;
  const int listener_;
#if WITH_TLS
  SSL_CTX* context_ = nullptr;
#endif
  std::vector<char> buffer_ = std::vector<char>(64 * 1024);
  const std::vector<char> block_ = server::pattern(server::kBlock);
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string service = argc > 1 ? argv[1] : "";
  if (argc > 3 || (service != "echo" && service != "sink" && service != "source")) {
    std::fputs("usage: cpp-stream echo|sink|source [FOLDER]\n", stderr);
    return 2;
  }
  // OpenSSL writes without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  Server(service, argc > 2 ? argv[2] : "").run();
  return 0;
}
