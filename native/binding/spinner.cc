#include "binding/spinner.h"

#include <algorithm>

namespace sk {

namespace {
constexpr uint64_t kNanosPerMilli = 1'000'000;
}

Spinner* Spinner::start(Napi::Env env, uint32_t micros, Owner* owner) {
  uv_loop_t* uv = nullptr;
  if (napi_get_uv_event_loop(env, &uv) != napi_ok) {
    napi_throw_error(env, "ERR_NO_LOOP", "there is no event loop to poll before");
    return nullptr;
  }
  auto* spinner = new Spinner(micros, owner);
  // Neither can fail (uv_prepare_init(3), uv_idle_init(3)).
  uv_prepare_init(uv, &spinner->prepare_);
  uv_idle_init(uv, &spinner->idle_);
  spinner->prepare_.data = spinner->idle_.data = spinner;
  // Whether the process goes on is for the sockets to say.
  uv_unref(reinterpret_cast<uv_handle_t*>(&spinner->prepare_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&spinner->idle_));
  return spinner;
}

void Spinner::heat() {
  until_ = uv_hrtime() + nanos_;
  if (is_hot_) return;
  is_hot_ = true;
  uv_prepare_start(
      &prepare_, [](uv_prepare_t* handle) { static_cast<Spinner*>(handle->data)->before_wait(); });
  uv_idle_start(&idle_, [](uv_idle_t*) {});
}

void Spinner::cool() {
  is_hot_ = false;
  uv_prepare_stop(&prepare_);
  uv_idle_stop(&idle_);
}

void Spinner::before_wait() {
  // How long libuv would block if it were not for the idle handle.
  uv_idle_stop(&idle_);
  const int timeout_ms = uv_backend_timeout(prepare_.loop);
  uv_idle_start(&idle_, [](uv_idle_t*) {});
  if (timeout_ms == 0) return;
  uint64_t end = until_;
  if (timeout_ms > 0) {
    end = std::min(end, uv_hrtime() + static_cast<uint64_t>(timeout_ms) * kNanosPerMilli);
  }
  do {
    if (owner_->poll_once()) return;
  } while (uv_hrtime() < end);
  if (end == until_) cool();
}

void Spinner::close() {
  cool();
  const auto closed = [](uv_handle_t* handle) { static_cast<Spinner*>(handle->data)->on_closed(); };
  uv_close(reinterpret_cast<uv_handle_t*>(&prepare_), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&idle_), closed);
}

void Spinner::on_closed() {
  if (--open_ == 0) delete this;
}

}  // namespace sk
