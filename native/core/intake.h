// Where messages are received before they are laid close together for their owner: room for the
// longest of each, touched only where one comes.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace sk {

// What came with a message beside its bytes, as far as it was asked for.
struct MessageMeta {
  int32_t flags = 0;  // RecordFlag
  int32_t local_size = 0;
  int32_t interface_index = 0;
  int32_t ttl = 0;
  int32_t traffic_class = 0;
  int32_t segment_size = 0;
  int64_t timestamp = 0;
  uint8_t local[16] = {};
};

class Intake {
 public:
  static constexpr unsigned kCount = 64;
  static constexpr size_t kData = 64 * 1024;
  // The most messages that may come as one (UDP_MAX_SEGMENTS of Linux).
  static constexpr size_t kMaxSegments = 128;

  // Null if there is no memory.
  static std::unique_ptr<Intake> create();
  ~Intake();
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  // The first `count` headers, ready for recvmmsg(2).
  mmsghdr* prepare(unsigned count);
  const mmsghdr& header(unsigned index) const { return headers_[index]; }
  const uint8_t* data(unsigned index) const { return data_ + index * kStride; }
  // Reads the control messages, and closes descriptors that came along.
  MessageMeta read_meta(unsigned index, bool wants_timestamp);

 private:
  // Not a power of two, so that the beginnings do not all fall into the same lines of the cache.
  static constexpr size_t kStride = kData + 17 * 64;
  static constexpr size_t kControl = 256;

  Intake() = default;

  mmsghdr headers_[kCount] = {};
  iovec parts_[kCount] = {};
  sockaddr_storage names_[kCount];
  alignas(8) uint8_t controls_[kCount][kControl];
  uint8_t* data_ = nullptr;
};

}  // namespace sk
