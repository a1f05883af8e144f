// The module: constants by name, interface numbers by name, and reactors.
#include <napi.h>
#include <net/if.h>

#include <string>

#include "binding/reactor_object.h"
#include "binding/sockets_object.h"
#include "core/constants.h"
#include "core/control.h"
#include "core/sockaddr.h"

namespace sk {

namespace {

Napi::Object table(Napi::Env env, const Constant* rows) {
  Napi::Object out = Napi::Object::New(env);
  for (; rows->name != nullptr; ++rows)
    out.Set(rows->name, Napi::Number::New(env, static_cast<double>(rows->value)));
  out.Freeze();
  return out;
}

// if_nametoindex(3); 0 if there is no such interface.
Napi::Value interface_index(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) {
    napi_throw_type_error(info.Env(), "ERR_INVALID_ARG_TYPE",
                          "interfaceIndex: name must be a string");
    return {};
  }
  const std::string name = info[0].As<Napi::String>().Utf8Value();
  // A name ends where its C string does, or it is nobody's.
  const bool fits = name.size() < IF_NAMESIZE && name.find('\0') == std::string::npos;
  const unsigned index = fits ? if_nametoindex(name.c_str()) : 0;
  return Napi::Number::New(info.Env(), index);
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("constants", table(env, kConstants));
  exports.Set("errorNumbers", table(env, kErrorNumbers));
  exports.Set("resolveErrors", table(env, kResolveErrors));
  exports.Set("maxUnixPath", Napi::Number::New(env, static_cast<double>(max_unix_path())));
  exports.Set("interfaceIndex", Napi::Function::New<interface_index>(env, "interfaceIndex"));
  exports.Set("controlHeader", Napi::Number::New(env, static_cast<double>(control_header())));
  exports.Set("controlAlignment", Napi::Number::New(env, static_cast<double>(control_alignment())));
  exports.Set("createSockets", Napi::Function::New<create_sockets>(env, "createSockets"));
  exports.Set("createReactor", Napi::Function::New<create_reactor>(env, "createReactor"));
  return exports;
}

}  // namespace

NODE_API_MODULE(portside, init)  // NOLINT

}  // namespace sk
