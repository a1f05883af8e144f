// What the scratch says of a message: four words (what is chosen, interface, TTL, traffic class),
// then two addresses, the one to send from and the one to send to. An address is its family, its
// length, its port (two bytes), its scope (four), and its bytes.
#pragma once

#include <cstdint>

#include "core/reactor.h"

namespace sk {

// What stands there may be anything. 0, or a negative errno.
int read_envelope(const uint8_t* scratch, Sockaddr* to, SendChoice* choice);
// Only the addresses; Family::none where there is none, or none that could be one.
void read_ends(const uint8_t* scratch, Address* from, Address* to);

}  // namespace sk
