#include "binding/socket_space.h"

#include <cerrno>
#include <cstring>

#include "core/poller.h"

namespace sk {

namespace {
// Batches that one wake-up may hand over before the rest of Node gets its turn.
constexpr int kRounds = 4;
// Entries stand where records do.
constexpr uint32_t kCapacity = SocketSpace::kName / sizeof(ReadySlot);
}  // namespace

SocketSpace::SocketSpace(Napi::Env env, Napi::Function on_ready, bool use_poll)
    : env_(env), on_ready_(Napi::Persistent(on_ready)), block_(kSlabSize), use_poll_(use_poll) {
  napi_add_env_cleanup_hook(env_, &SocketSpace::on_environment_end, this);
}

SocketSpace::~SocketSpace() {
  napi_remove_env_cleanup_hook(env_, &SocketSpace::on_environment_end, this);
}

// The functions that hold the space may outlast their environment's sockets.
void SocketSpace::on_environment_end(void* self) { static_cast<SocketSpace*>(self)->dispose(); }

void SocketSpace::dispose() {
  is_disposed_ = true;
  stop_watching();
  descriptors_.close_all();
}

void SocketSpace::put_word(int32_t value) { memcpy(block_.get(), &value, sizeof(value)); }

int SocketSpace::start_watching() {
  if (watches_ != nullptr) return 0;
  int error = 0;
  auto poller = use_poll_ ? make_poll_poller(&error) : make_epoll_poller(&error);
  if (poller == nullptr) return -error;
  watches_ = std::make_unique<Watches>(std::move(poller));
  self_ = shared_from_this();
  FdWatch* watch = FdWatch::start(env_, watches_->fd(), this);
  if (watch == nullptr) {
    watches_.reset();
    return -ENOMEM;  // an exception is pending: nobody sees this
  }
  fd_watch_ = watch;
  fd_watch_->reference(is_referenced_);
  return 0;
}

void SocketSpace::stop_watching() {
  if (fd_watch_ == nullptr) return;
  // libuv must let go of the descriptor before it is closed.
  fd_watch_->close();
  fd_watch_ = nullptr;
  watches_.reset();
}

int SocketSpace::watch(Id id, uint32_t interest) {
  const int fd = descriptors_.fd(id);
  if (fd < 0) return fd;
  const int error = start_watching();
  return error != 0 ? error : watches_->watch(id, fd, interest);
}

void SocketSpace::unwatch(Id id) {
  if (watches_ != nullptr) watches_->unwatch(id);
}

void SocketSpace::reference(bool is_on) {
  is_referenced_ = is_on;
  if (fd_watch_ != nullptr) fd_watch_->reference(is_on);
}

void SocketSpace::on_ready() {
  const std::shared_ptr<SocketSpace> held = shared_from_this();
  for (int round = 0; round < kRounds && watches_ != nullptr; ++round) {
    const Napi::HandleScope scope(env_);
    const uint32_t count = watches_->collect(reinterpret_cast<ReadySlot*>(block_.get()), kCapacity);
    if (count == 0) return;
    napi_value argument;
    napi_value receiver;
    napi_create_uint32(env_, count, &argument);
    napi_get_global(env_, &receiver);
    const napi_status status =
        napi_make_callback(env_, nullptr, receiver, on_ready_.Value(), 1, &argument, nullptr);
    if (status == napi_pending_exception) {
      napi_value error;
      napi_get_and_clear_last_exception(env_, &error);
      napi_fatal_exception(env_, error);
    }
  }
}

}  // namespace sk
