// Names and addresses, services and protocols: what getaddrinfo(3) and its kin answer, as plain
// data. Every function may block, and may be called on any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/sockaddr.h"

namespace sk {

// What is asked of getaddrinfo(3), or, with an address, of getnameinfo(3). Text is UTF-8 without a
// NUL.
struct Question {
  std::optional<std::string> host;
  std::optional<std::string> service;
  int family = 0;
  int type = 0;
  int protocol = 0;
  int flags = 0;
  std::optional<Sockaddr> address;
};

struct AddressInfo {
  int family;
  int type;
  int protocol;
  int flags;
  Sockaddr address;
  // The system gives it with the first row, if it was asked for.
  std::optional<std::string> canonical_name;
};

struct Answer {
  // 0, or an EAI_ number.
  int code = 0;
  // With EAI_SYSTEM: the errno. A lack of descriptors is one, whatever the C library makes of it.
  int error = 0;
  // Of getaddrinfo(3), in its order.
  std::vector<AddressInfo> rows;
  // Of getnameinfo(3).
  std::string host;
  std::string service;
};

Answer look_up(const Question& question);

struct Service {
  std::string name;
  std::vector<std::string> aliases;
  uint16_t port;
  std::string protocol;
};

struct Protocol {
  std::string name;
  std::vector<std::string> aliases;
  int number;
};

// These answer 0, -ENOENT if there is none, or another negative errno. `protocol` may be null.

// getservbyname_r(3)
int service_by_name(const char* name, const char* protocol, Service* out);
// getservbyport_r(3)
int service_by_port(uint16_t port, const char* protocol, Service* out);
// getprotobyname_r(3)
int protocol_by_name(const char* name, Protocol* out);
// getprotobynumber_r(3)
int protocol_by_number(int number, Protocol* out);

}  // namespace sk
