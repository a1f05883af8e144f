// Control messages (cmsg(3)) that came with a message: where each of them is.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sk {

struct ControlEntry {
  int32_t level;
  int32_t type;
  int32_t offset;  // of the payload, from `base`
  int32_t length;  // of the payload
};

// What a header takes, and what headers are aligned to.
size_t control_header();
size_t control_alignment();

// Finds the messages in `length` bytes at `data`, and stores up to `capacity` entries with offsets
// counted from `base`. A payload that would go on behind the end is cut there; a header that cannot
// be one ends the walk. Returns how many there are.
size_t walk_control(const uint8_t* data, size_t length, const uint8_t* base, ControlEntry* entries,
                    size_t capacity);

}  // namespace sk
