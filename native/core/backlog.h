// Bytes that the kernel would not take yet: a list of blocks, filled at the end, sent from the
// front.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace sk {

class Backlog {
 public:
  Backlog() = default;
  Backlog(const Backlog&) = delete;
  Backlog& operator=(const Backlog&) = delete;
  ~Backlog();

  bool empty() const { return head_ == nullptr; }
  size_t size() const { return size_; }
  // Copies. False if there is no memory; nothing is taken then.
  bool append(const uint8_t* bytes, size_t length);
  // The first bytes as a gather list. Returns the number of parts.
  int front(iovec* parts, int capacity) const;
  // Drops the first `length` bytes, at most size().
  void consume(size_t length);

 private:
  struct Block {
    Block* next;
    size_t capacity;
    size_t begin;
    size_t end;
    uint8_t* data() { return reinterpret_cast<uint8_t*>(this + 1); }
  };

  Block* head_ = nullptr;
  Block* tail_ = nullptr;
  size_t size_ = 0;
};

}  // namespace sk
