#include "binding/fd_watch.h"

namespace sk {

FdWatch* FdWatch::start(Napi::Env env, int fd, Owner* owner) {
  auto* watch = new FdWatch(owner);
  uv_loop_t* uv = nullptr;
  napi_get_uv_event_loop(env, &uv);
  int error = uv_poll_init(uv, &watch->poll_, fd);
  if (error != 0) {
    napi_throw_error(env, uv_err_name(error), "cannot watch the poller");
    owner->on_closed();
    delete watch;
    return nullptr;
  }
  watch->poll_.data = watch;
  // Only an asynchronous hook lets uv_close finish before the environment, and this library with
  // it, is gone (a worker's exit crashes otherwise).
  napi_add_async_cleanup_hook(
      env,
      [](napi_async_cleanup_hook_handle, void* data) {
        auto* self = static_cast<FdWatch*>(data);
        const auto* handle = reinterpret_cast<uv_handle_t*>(&self->poll_);
        if (uv_is_closing(handle) == 0) self->owner_->on_cleanup();
      },
      watch, &watch->hook_);
  error = uv_poll_start(&watch->poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
    static_cast<FdWatch*>(handle->data)->owner_->on_ready();
  });
  if (error != 0) {
    napi_throw_error(env, uv_err_name(error), "cannot watch the poller");
    watch->close();
    return nullptr;
  }
  return watch;
}

void FdWatch::reference(bool is_on) {
  if (is_on == is_referenced_) return;
  is_referenced_ = is_on;
  auto* handle = reinterpret_cast<uv_handle_t*>(&poll_);
  is_on ? uv_ref(handle) : uv_unref(handle);
}

void FdWatch::close() {
  uv_poll_stop(&poll_);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    auto* self = static_cast<FdWatch*>(handle->data);
    napi_remove_async_cleanup_hook(self->hook_);
    self->owner_->on_closed();
    delete self;
  });
}

}  // namespace sk
