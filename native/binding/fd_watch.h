// One descriptor on Node's event loop: a uv_poll_t that ends well, also with its environment.
#pragma once

#include <napi.h>
#include <uv.h>

namespace sk {

class FdWatch {
 public:
  class Owner {
   public:
    // The descriptor is readable.
    virtual void on_ready() = 0;
    // The environment ends: `close` must be called now.
    virtual void on_cleanup() = 0;
    // After `close`, or when `start` has failed: libuv has let go. The watch is gone after this
    // call.
    virtual void on_closed() = 0;

   protected:
    ~Owner() = default;
  };

  // Null after throwing. If libuv has begun with it by then, `on_closed` follows.
  static FdWatch* start(Napi::Env env, int fd, Owner* owner);
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  // Whether it keeps the loop alive, as it does at first.
  void reference(bool is_on);
  // No more `on_ready` from here on; the descriptor may be closed when this returns.
  void close();

 private:
  explicit FdWatch(Owner* owner) : owner_(owner) {}
  ~FdWatch() = default;

  Owner* owner_;
  uv_poll_t poll_ = {};
  napi_async_cleanup_hook_handle hook_ = nullptr;
  bool is_referenced_ = true;
};

}  // namespace sk
