#include "core/datagram_record.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace sk {

uint8_t* write_peer(const void* name, socklen_t length, uint8_t* at) {
  auto* record = reinterpret_cast<DatagramRecord*>(at);
  uint8_t* behind = at + sizeof(DatagramRecord);
  sa_family_t family = AF_UNIX;
  if (length >= sizeof(family)) memcpy(&family, name, sizeof(family));
  if (family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    memcpy(&in, name, sizeof(in));
    record->family = static_cast<int32_t>(Family::ipv4);
    record->host = static_cast<int32_t>(ntohl(in.sin_addr.s_addr));
    record->port = ntohs(in.sin_port);
    return behind;
  }
  if (family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in6;
    memcpy(&in6, name, sizeof(in6));
    record->family = static_cast<int32_t>(Family::ipv6);
    record->host = static_cast<int32_t>(in6.sin6_scope_id);
    record->port = ntohs(in6.sin6_port);
    memcpy(record->peer, &in6.sin6_addr, sizeof(record->peer));
    return behind;
  }
  Sockaddr from;
  from.length = std::min<socklen_t>(length, sizeof(from.storage));
  memcpy(&from.storage, name, from.length);
  Address address;
  decode(from, &address);
  record->family = static_cast<int32_t>(Family::unix_path);
  record->host = 0;
  record->port = address.length;
  memcpy(behind, address.bytes, address.length);
  return behind + padded_to_8(address.length);
}

}  // namespace sk
