// What JavaScript sees of a reactor: an object of functions, each bound to it.
#pragma once

#include <napi.h>

namespace sk {

// createReactor(onBatch, usePoll, withFaults): the object that `src/addon/types.ts` describes.
//
// The functions find their reactor without `this`: they cannot be called on anything else, may be
// taken off the object, and outlive it; and a method spends as much on unwrapping its object as on
// the rest of a small write. When the reactor is closed they throw.
Napi::Value create_reactor(const Napi::CallbackInfo& info);

}  // namespace sk
