// A message that differs from every other one, and the check that exactly it came back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace load {

class Message {
 public:
  explicit Message(int size);

  // Makes the next message: the number of the connection, a sequence number, a pattern.
  void renew(std::uint32_t connection);

  const char* data() const { return sent_.data(); }
  std::size_t size() const { return sent_.size(); }
  bool complete() const { return received_ == sent_.size(); }

  // Takes what arrived. False if it is not the next part of the message, or too much.
  bool take(const char* bytes, std::size_t count);

 private:
  std::vector<char> sent_;
  std::size_t received_ = 0;
  std::uint64_t sequence_ = 0;
};

}  // namespace load
