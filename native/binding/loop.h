// A reactor on Node's event loop: one watch on the poller's descriptor, one call into JavaScript
// for each batch of events.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "binding/block.h"
#include "binding/fd_watch.h"
#include "binding/spinner.h"
#include "core/faulty_kernel.h"
#include "core/reactor.h"

namespace sk {

class Loop;

// What everybody else reaches a loop by, for it ends when it must: `loop` is null from then on.
struct LoopHandle {
  Loop* loop = nullptr;
};

class Loop final : FdWatch::Owner, Spinner::Owner, Blocks {
 public:
  struct Options {
    std::unique_ptr<Poller> poller;
    std::unique_ptr<Kernel> kernel;
    // The kernel, if it is a faulty one.
    FaultyKernel* faulty = nullptr;
    Napi::Function on_batch;
    // Microseconds to go on looking for events after the last one before sleeping; 0 for none.
    uint32_t busy_poll = 0;
    // Whether malloc may be told to keep what is freed, once that is worth it.
    bool keeps_memory = false;
  };

  static constexpr size_t kSlabSize = 4 * 1024 * 1024;
  // Room for two addresses and some numbers.
  static constexpr size_t kScratchSize = 256;

  // Null after throwing.
  static std::shared_ptr<LoopHandle> create(Napi::Env env, Options options);

  // Null while the last calls of a closed loop return.
  Reactor* reactor() const { return reactor_.get(); }
  FaultyKernel* faulty() const { return faulty_; }
  // New views of the loop's memory. Empty after throwing.
  Napi::Value events() const;
  Napi::Value slab() const;
  Napi::Value scratch() const;
  uint8_t* scratch_data() const { return scratch_.get(); }

  // Keeps Node's loop alive while a referenced socket is open; to be called after any change.
  void update_reference();
  // Closes every socket now. The object frees itself when libuv has let go.
  void close();

 private:
  Loop(Napi::Env env, Options options);
  ~Loop() = default;

  // False after throwing; the loop has ended then, and is gone or will be.
  bool start();
  void on_ready() override;
  bool poll_once() override;
  // Hands over what is ready, in a few batches. False if nothing was.
  bool run_batches();
  void on_cleanup() override { close(); }
  void on_closed() override { delete this; }
  // Collects a batch, and hands it over. Answers how many events there were; `*ended` tells that
  // the loop was closed meanwhile.
  uint32_t run_batch(bool* ended);
  // Adds the chunks of the first `count` events that are to be their receivers'.
  void hand_over(uint32_t count, std::vector<napi_value>* args);
  uint8_t* give(size_t length) override;
  void take_back() override { blocks_.pop_back(); }
  // Copies the bytes of an event's messages out, each into a buffer of its own.
  void own_messages(const Event& event, std::vector<napi_value>* args);

  Napi::Env env_;
  Napi::FunctionReference on_batch_;
  Block events_;
  Block slab_;
  Block scratch_;
  std::unique_ptr<Reactor> reactor_;
  FdWatch* watch_ = nullptr;
  // The chunks of this batch; the handles last as long as it.
  std::vector<napi_value> blocks_;
  const bool keeps_memory_;
  const uint32_t busy_poll_;
  Spinner* spinner_ = nullptr;
  FaultyKernel* faulty_;
  std::shared_ptr<LoopHandle> handle_;
};

}  // namespace sk
