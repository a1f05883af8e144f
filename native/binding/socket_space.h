// The sockets of one environment: descriptors by id, memory that is shared with JavaScript, and,
// once somebody waits, a poller on Node's loop.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/block.h"
#include "binding/fd_watch.h"
#include "core/descriptors.h"
#include "core/message.h"
#include "core/watches.h"

namespace sk {

class SocketSpace final : FdWatch::Owner, public std::enable_shared_from_this<SocketSpace> {
 public:
  static constexpr size_t kSlabSize = 4 * 1024 * 1024;
  // Where things lie in the slab; src/addon/native-sockets.ts says the same.
  static constexpr size_t kName = 32768;
  static constexpr size_t kNameSize = 128;
  static constexpr size_t kData = 33024;
  static constexpr size_t kRoom = kSlabSize - kData;

  SocketSpace(Napi::Env env, Napi::Function on_ready, bool use_poll);
  SocketSpace(const SocketSpace&) = delete;
  SocketSpace& operator=(const SocketSpace&) = delete;
  ~SocketSpace();

  // After this every call throws.
  void dispose();
  bool is_disposed() const { return is_disposed_; }

  Descriptors& descriptors() { return descriptors_; }
  MessageBatch& batch() { return batch_; }
  const Block& block() const { return block_; }
  Slab slab() const { return {block_.get(), kSlabSize}; }
  uint8_t* name() const { return block_.get() + kName; }
  uint8_t* data() const { return block_.get() + kData; }
  void put_word(int32_t value);

  int watch(Id id, uint32_t interest);
  void unwatch(Id id);
  void reference(bool is_on);

 private:
  void on_ready() override;
  void on_cleanup() override { stop_watching(); }
  // By then there may be another one, after one that failed.
  void on_closed() override {
    if (fd_watch_ == nullptr) self_.reset();
  }
  int start_watching();
  void stop_watching();
  static void on_environment_end(void* self);

  Napi::Env env_;
  Napi::FunctionReference on_ready_;
  Block block_;
  Descriptors descriptors_;
  MessageBatch batch_;
  std::unique_ptr<Watches> watches_;
  FdWatch* fd_watch_ = nullptr;
  // Held while libuv has the watch.
  std::shared_ptr<SocketSpace> self_;
  bool use_poll_;
  bool is_referenced_ = false;
  bool is_disposed_ = false;
};

}  // namespace sk
