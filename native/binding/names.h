// Lookups of names: blocking ones, and such as a pool of threads makes while JavaScript goes on.
#pragma once

#include <napi.h>

namespace sk {

// Adds createNames, findAddresses and findNames, as `src/addon/native-names.ts` describes them.
void add_names(Napi::Env env, Napi::Object exports);

}  // namespace sk
