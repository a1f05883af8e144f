// The module: constants by name, names and tables of the machine, sockets and reactors.
#include <napi.h>

#include "binding/args.h"
#include "binding/name_tables.h"
#include "binding/names.h"
#include "binding/reactor_object.h"
#include "binding/sockets_object.h"
#include "core/constants.h"
#include "core/control.h"
#include "core/error_text.h"
#include "core/options.h"
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

// valueHoldsAddress(level, name)
Napi::Value value_holds_address_of_memory(const Napi::CallbackInfo& info) {
  const Args args(info, "valueHoldsAddress");
  int level;
  int name;
  if (!args.integer(0, "level", INT32_MIN, INT32_MAX, &level) ||
      !args.integer(1, "name", INT32_MIN, INT32_MAX, &name)) {
    return {};
  }
  return Napi::Boolean::New(info.Env(), value_holds_address(level, name));
}

// errorText(errno)
Napi::Value get_error_text(const Napi::CallbackInfo& info) {
  int error;
  if (!Args(info, "errorText").integer(0, "errno", INT32_MIN, INT32_MAX, &error)) return {};
  return Napi::String::New(info.Env(), error_text(error));
}

// resolveErrorText(code)
Napi::Value get_resolve_error_text(const Napi::CallbackInfo& info) {
  int code;
  if (!Args(info, "resolveErrorText").integer(0, "code", INT32_MIN, INT32_MAX, &code)) return {};
  return Napi::String::New(info.Env(), resolve_error_text(code));
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("constants", table(env, kConstants));
  exports.Set("errorNumbers", table(env, kErrorNumbers));
  exports.Set("resolveErrors", table(env, kResolveErrors));
  exports.Set("errorText", Napi::Function::New<get_error_text>(env, "errorText"));
  exports.Set("resolveErrorText",
              Napi::Function::New<get_resolve_error_text>(env, "resolveErrorText"));
  exports.Set("maxUnixPath", Napi::Number::New(env, static_cast<double>(max_unix_path())));
  add_names(env, exports);
  add_name_tables(env, exports);
  exports.Set("controlHeader", Napi::Number::New(env, static_cast<double>(control_header())));
  exports.Set("controlAlignment", Napi::Number::New(env, static_cast<double>(control_alignment())));
  exports.Set("createSockets", Napi::Function::New<create_sockets>(env, "createSockets"));
  exports.Set("valueHoldsAddress",
              Napi::Function::New<value_holds_address_of_memory>(env, "valueHoldsAddress"));
  exports.Set("createReactor", Napi::Function::New<create_reactor>(env, "createReactor"));
  return exports;
}

}  // namespace

NODE_API_MODULE(portside, init)  // NOLINT

}  // namespace sk
