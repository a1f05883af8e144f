#include "binding/envelope.h"

#include <cstring>

namespace sk {

namespace {

constexpr size_t kFrom = 16;
constexpr size_t kTo = 40;
constexpr uint32_t kHasTo = 1;

template <typename T>
T value_at(const uint8_t* at) {
  T value;
  memcpy(&value, at, sizeof(value));
  return value;
}

void read_end(const uint8_t* at, size_t most, Address* out) {
  *out = {};
  if (at[1] > most) return;
  out->family = static_cast<Family>(at[0]);
  out->length = at[1];
  out->port = value_at<uint16_t>(at + 2);
  out->scope = value_at<uint32_t>(at + 4);
  memcpy(out->bytes, at + 8, out->length);
}

}  // namespace

void read_ends(const uint8_t* scratch, Address* from, Address* to) {
  read_end(scratch + kFrom, 16, from);
  read_end(scratch + kTo, Address::kMaxBytes, to);
}

int read_envelope(const uint8_t* scratch, Sockaddr* to, SendChoice* choice) {
  choice->mask = value_at<uint32_t>(scratch);
  choice->interface_index = value_at<int32_t>(scratch + 4);
  choice->ttl = value_at<int32_t>(scratch + 8);
  choice->traffic_class = value_at<int32_t>(scratch + 12);
  Address destination;
  read_ends(scratch, &choice->from, &destination);
  const bool has_to = (choice->mask & kHasTo) != 0;
  choice->mask &= ~kHasTo;
  return has_to ? encode(destination, to) : 0;
}

}  // namespace sk
