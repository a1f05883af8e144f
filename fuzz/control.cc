// The walk over control messages: the input is what a kernel wrote, or a hostile one.
#include "core/control.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "fuzz.h"

namespace {

using sk::ControlEntry;

// The C library's walk, over data that it can be trusted with: every length is whole.
void check_beside_libc(std::vector<uint8_t>* data, const std::vector<ControlEntry>& entries) {
  msghdr message = {};
  message.msg_control = data->data();
  message.msg_controllen = data->size();
  size_t count = 0;
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
    const size_t left =
        data->size() - static_cast<size_t>(reinterpret_cast<uint8_t*>(at) - data->data());
    if (at->cmsg_len < CMSG_LEN(0) || at->cmsg_len > left) return;
    MUST(count < entries.size());
    MUST(entries[count].level == at->cmsg_level && entries[count].type == at->cmsg_type);
    MUST(entries[count].offset == static_cast<int32_t>(CMSG_DATA(at) - data->data()));
    MUST(static_cast<size_t>(entries[count].length) == at->cmsg_len - CMSG_LEN(0));
    ++count;
  }
}

std::vector<ControlEntry> walk(const std::vector<uint8_t>& data, size_t capacity) {
  std::vector<ControlEntry> entries(capacity);
  const size_t count =
      sk::walk_control(data.data(), data.size(), data.data(), entries.data(), capacity);
  MUST(count <= capacity);
  entries.resize(count);
  return entries;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy of exactly its size, aligned as the kernel's are.
  std::vector<uint8_t> control(data, data + size);
  const size_t most = size / sk::control_header() + 1;
  const std::vector<ControlEntry> all = walk(control, most);
  size_t before = 0;
  for (const ControlEntry& entry : all) {
    MUST(entry.offset >= 0 && entry.length >= 0);
    const auto start = static_cast<size_t>(entry.offset);
    MUST(start >= before + sk::control_header());
    before = start + static_cast<size_t>(entry.length);
    MUST(before <= size);
  }
  // With less room the first ones are found.
  for (size_t capacity = 0; capacity < all.size(); ++capacity) {
    const std::vector<ControlEntry> some = walk(control, capacity);
    MUST(some.size() == capacity);
    MUST(std::equal(some.begin(), some.end(), all.begin(), [](const auto& a, const auto& b) {
      return a.offset == b.offset && a.length == b.length;
    }));
  }
  check_beside_libc(&control, all);
  return 0;
}
