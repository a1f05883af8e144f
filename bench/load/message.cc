#include "message.h"

#include <cstring>

namespace load {

Message::Message(int size) : sent_(static_cast<std::size_t>(size)) {
  for (std::size_t i = 0; i < sent_.size(); i++) sent_[i] = static_cast<char>(i * 7 + 1);
}

void Message::renew(std::uint32_t connection) {
  sequence_++;
  std::memcpy(sent_.data(), &sequence_, sizeof sequence_);
  std::memcpy(sent_.data() + sizeof sequence_, &connection, sizeof connection);
  received_ = 0;
}

bool Message::take(const char* bytes, std::size_t count) {
  if (count > sent_.size() - received_) return false;
  if (std::memcmp(sent_.data() + received_, bytes, count) != 0) return false;
  received_ += count;
  return true;
}

}  // namespace load
