// The network interfaces of this machine, as the kernel tells of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/sockaddr.h"

namespace sk {

// 4 or 16 bytes.
using IpBytes = std::vector<uint8_t>;

struct InterfaceAddress {
  Family family;
  IpBytes bytes;
  uint8_t prefix_length;
  std::optional<IpBytes> broadcast;
  // The other end, where the address is one of two.
  std::optional<IpBytes> peer;
};

struct Interface {
  std::string name;
  uint32_t index = 0;
  // IFF_ bits.
  uint32_t flags = 0;
  uint32_t mtu = 0;
  // An ARPHRD_ number.
  uint16_t hardware_type = 0;
  std::vector<uint8_t> hardware_address;
  std::vector<InterfaceAddress> addresses;
};

// Collects interfaces and their addresses from rtnetlink(7) messages.
class InterfaceReader {
 public:
  explicit InterfaceReader(uint32_t sequence) : sequence_(sequence) {}

  enum class State { more, done, interrupted, failed };

  // Reads what one recv(2) brought. Messages with another sequence number are passed over; so is
  // what does not fit into its own length.
  State read(const uint8_t* bytes, size_t length);
  // With `failed`: a negative errno.
  int error() const { return error_; }
  // By index.
  const std::map<uint32_t, Interface>& interfaces() const { return interfaces_; }
  // Another dump is to be read, beside what has been read.
  void expect(uint32_t sequence) { sequence_ = sequence; }

 private:
  State fail(const uint8_t* body, size_t length);
  void read_link(const uint8_t* body, size_t length);
  void read_address(const uint8_t* body, size_t length);

  uint32_t sequence_;
  bool is_interrupted_ = false;
  int error_ = 0;
  std::map<uint32_t, Interface> interfaces_;
};

// All interfaces, by index, also those that are down. Returns 0 or a negative errno.
int list_interfaces(std::vector<Interface>* out);

// if_nametoindex(3). Returns the index or a negative errno.
int64_t interface_index(const std::string& name);
// if_indextoname(3). Returns 0 or a negative errno.
int interface_name(uint32_t index, std::string* out);

}  // namespace sk
