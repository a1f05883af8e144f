// `createSockets` of the module: an object of functions over one environment's sockets.
#pragma once

#include <napi.h>

namespace sk {

// createSockets(onReady, usePoll)
Napi::Value create_sockets(const Napi::CallbackInfo& info);

}  // namespace sk
