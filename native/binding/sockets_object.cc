#include "binding/sockets_object.h"

#include <cerrno>
#include <memory>

#include "binding/args.h"
#include "binding/sockets_frame.h"

namespace sk {

namespace {

// slab()
napi_value slab(const Frame& frame) {
  const Space* space = frame.space();
  if (space == nullptr) return nullptr;
  return Napi::Uint8Array::New(frame.env(), Space::kSlabSize, space->block().show(frame.env()), 0);
}

// dispose(); again: nothing
napi_value dispose(const Frame& frame) {
  frame.any_space()->dispose();
  return nullptr;
}

constexpr Function kFunctions[] = {
    SOCKETS_FUNCTION("dispose", dispose),
    SOCKETS_FUNCTION("slab", slab),
};

// Each function holds the space.
bool add(Napi::Env env, napi_value object, const Function& function, const SpaceHandle& handle) {
  auto* data = new SpaceHandle(handle);
  napi_value made;
  if (napi_create_function(env, function.name, NAPI_AUTO_LENGTH, function.callback, data, &made) !=
      napi_ok) {
    delete data;
    return false;
  }
  napi_add_finalizer(
      env, made, data, [](napi_env, void* held, void*) { delete static_cast<SpaceHandle*>(held); },
      nullptr, nullptr);
  return napi_set_named_property(env, object, function.name, made) == napi_ok;
}

}  // namespace

Napi::Value create_sockets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Args args(info, "createSockets");
  bool use_poll;
  if (!info[0].IsFunction()) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "createSockets: onReady must be a function");
    return {};
  }
  if (!args.boolean(1, "usePoll", &use_poll)) return {};
  const auto space = std::make_shared<Space>(env, info[0].As<Napi::Function>(), use_poll);
  if (space->block().get() == nullptr) return Napi::Number::New(env, -ENOMEM);
  const Napi::Object object = Napi::Object::New(env);
  for (const FunctionTable& table : {FunctionTable(kFunctions), descriptor_functions(),
                                     message_functions(), option_functions(), wait_functions()}) {
    for (const Function& function : table) {
      if (!add(env, object, function, space)) return {};
    }
  }
  return object;
}

}  // namespace sk
