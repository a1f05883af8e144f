// Services, protocols and interfaces: tables of the machine, read at once.
#pragma once

#include <napi.h>

namespace sk {

// Adds serviceByName, serviceByPort, protocolByName, protocolByNumber, interfaces, interfaceIndex
// and interfaceName, as `src/addon/native-names.ts` describes them.
void add_name_tables(Napi::Env env, Napi::Object exports);

}  // namespace sk
