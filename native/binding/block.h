// Memory that buffers of JavaScript show. It lasts until both they and its owner have let go, so a
// program that transfers or detaches one of them only loses sight of it.
#pragma once

#include <napi.h>

#include <cstdlib>
#include <memory>

namespace sk {

class Block {
 public:
  // Zeroed, for a program can look at what has not been written yet. Null without memory.
  explicit Block(size_t size)
      : memory_(static_cast<uint8_t*>(calloc(size, 1)), free), size_(size) {}

  uint8_t* get() const { return memory_.get(); }
  size_t size() const { return size_; }

  // A new buffer over it. Empty after throwing.
  Napi::ArrayBuffer show(Napi::Env env) const {
    using Held = std::shared_ptr<uint8_t>;
    return Napi::ArrayBuffer::New(
        env, get(), size_, [](Napi::Env, void*, Held* held) { delete held; }, new Held(memory_));
  }

 private:
  std::shared_ptr<uint8_t> memory_;
  size_t size_;
};

}  // namespace sk
