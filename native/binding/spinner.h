// Looks at the poller again and again, for a while after something has come, in place of sleeping:
// waking a thread takes longer than a peer on the same machine needs to answer.
#pragma once

#include <napi.h>
#include <uv.h>

#include <cstdint>

namespace sk {

// It spins where Node's loop is about to wait, and only if it would: timers, immediates and other
// descriptors get their turn between any two spins, each of which ends with the first event.
class Spinner {
 public:
  class Owner {
   public:
    // Handles what is ready now, without blocking. False if nothing was.
    virtual bool poll_once() = 0;

   protected:
    ~Owner() = default;
  };

  // Null after throwing.
  static Spinner* start(Napi::Env env, uint32_t micros, Owner* owner);
  Spinner(const Spinner&) = delete;
  Spinner& operator=(const Spinner&) = delete;

  // Something has come: spin from now on, until nothing has for so many microseconds.
  void heat();
  // The object frees itself when libuv has let go.
  void close();

 private:
  Spinner(uint32_t micros, Owner* owner) : nanos_(uint64_t{micros} * 1000), owner_(owner) {}
  ~Spinner() = default;

  void before_wait();
  void cool();
  void on_closed();

  const uint64_t nanos_;
  Owner* owner_;
  uint64_t until_ = 0;
  bool is_hot_ = false;
  int open_ = 2;
  // Runs before libuv waits.
  uv_prepare_t prepare_ = {};
  // Keeps libuv from blocking while it is active.
  uv_idle_t idle_ = {};
};

}  // namespace sk
