#include "core/control.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace sk {

namespace {
constexpr size_t kHeader = CMSG_LEN(0);
// What an empty and a one-byte payload differ by.
constexpr size_t kAlignment = CMSG_SPACE(1) - CMSG_SPACE(0);
}  // namespace

size_t control_header() { return kHeader; }
size_t control_alignment() { return kAlignment; }

size_t walk_control(const uint8_t* data, size_t length, const uint8_t* base, ControlEntry* entries,
                    size_t capacity) {
  size_t count = 0;
  size_t at = 0;
  while (count < capacity && length - at >= kHeader) {
    cmsghdr header;
    memcpy(&header, data + at, sizeof(header));
    const size_t claimed = header.cmsg_len;
    if (claimed < kHeader) break;
    const size_t rest = length - at;
    const size_t used = std::min(claimed, rest);
    entries[count++] = {header.cmsg_level, header.cmsg_type,
                        static_cast<int32_t>(data + at + kHeader - base),
                        static_cast<int32_t>(used - kHeader)};
    const size_t step = (used + kAlignment - 1) / kAlignment * kAlignment;
    if (step >= rest) break;
    at += step;
  }
  return count;
}

}  // namespace sk
