#include "core/backlog.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace sk {

namespace {
constexpr size_t kBlockSize = 16 * 1024;
}

Backlog::~Backlog() {
  while (head_ != nullptr) {
    Block* next = head_->next;
    free(head_);
    head_ = next;
  }
}

bool Backlog::append(const uint8_t* bytes, size_t length) {
  const size_t room = tail_ == nullptr ? 0 : tail_->capacity - tail_->end;
  const size_t first = std::min(room, length);
  const size_t rest = length - first;
  Block* block = nullptr;
  if (rest > 0) {
    const size_t capacity = std::max(rest, kBlockSize);
    block = static_cast<Block*>(malloc(sizeof(Block) + capacity));
    if (block == nullptr) return false;
    *block = {nullptr, capacity, 0, rest};
    memcpy(block->data(), bytes + first, rest);
  }
  if (first > 0) {
    memcpy(tail_->data() + tail_->end, bytes, first);
    tail_->end += first;
  }
  if (block != nullptr) {
    (tail_ == nullptr ? head_ : tail_->next) = block;
    tail_ = block;
  }
  size_ += length;
  return true;
}

int Backlog::front(iovec* parts, int capacity) const {
  int count = 0;
  for (Block* block = head_; block != nullptr && count < capacity; block = block->next) {
    parts[count++] = {block->data() + block->begin, block->end - block->begin};
  }
  return count;
}

void Backlog::consume(size_t length) {
  size_ -= length;
  while (length > 0) {
    Block* block = head_;
    const size_t part = std::min(length, block->end - block->begin);
    block->begin += part;
    length -= part;
    if (block->begin < block->end) return;
    head_ = block->next;
    if (head_ == nullptr) tail_ = nullptr;
    free(block);
  }
}

}  // namespace sk
