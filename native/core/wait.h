// poll(2) until something is ready or the time is up, however often signals interrupt it.
#pragma once

#include <poll.h>

namespace sk {

// `timeout` in milliseconds, negative for ever. How many are ready, or a negative errno.
int wait_for(pollfd* items, nfds_t count, int timeout);

}  // namespace sk
