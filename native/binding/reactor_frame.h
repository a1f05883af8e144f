// What the functions of the reactor object share: what they are bound to, and how arguments become
// a call.
#pragma once

#include <napi.h>

#include <climits>
#include <functional>
#include <memory>
#include <tuple>
#include <utility>

#include "binding/args.h"
#include "binding/loop.h"

namespace sk {

using Info = const Napi::CallbackInfo&;
using Handle = std::shared_ptr<LoopHandle>;

inline Napi::Value number(Info info, int64_t value) {
  return Napi::Number::New(info.Env(), static_cast<double>(value));
}

// The loop that the called function is bound to; null after throwing, when it is closed.
inline Loop* loop_of(Info info) {
  Loop* loop = (*static_cast<Handle*>(info.Data()))->loop;
  if (loop == nullptr) {
    napi_throw_error(info.Env(), "ERR_DISPOSED", "the reactor is disposed of");
  }
  return loop;
}

// --- what an argument is to be: each reads one, and answers false after throwing --------------

// The id of a socket.
struct Socket {
  using Value = Id;
  bool read(const Args& args, size_t index, Id* out) const { return args.id(index, out); }
};

// A whole number within bounds.
template <typename T>
struct Whole {
  using Value = T;
  const char* name;
  T low;
  T high;
  bool read(const Args& args, size_t index, T* out) const {
    return args.integer(index, name, low, high, out);
  }
};

// One that a system call takes.
inline Whole<int> natural(const char* name) { return {name, 0, INT_MAX}; }

struct Truth {
  using Value = bool;
  const char* name;
  bool read(const Args& args, size_t index, bool* out) const {
    return args.boolean(index, name, out);
  }
};

template <typename Function, size_t... at, typename... Parts>
Napi::Value call_at(std::index_sequence<at...>, Info info, const char* name, Function&& function,
                    const Parts&... parts) {
  Loop* loop = loop_of(info);
  if (loop == nullptr) return {};
  const Args args(info, name);
  std::tuple<typename Parts::Value...> values;
  if (!(parts.read(args, at, &std::get<at>(values)) && ...)) return {};
  const int64_t result = std::invoke(function, *loop->reactor(), std::get<at>(values)...);
  loop->update_reference();
  return number(info, result);
}

// Reads the arguments in their order, and calls `function`, of the reactor, with them. No argument
// runs code of the program's. Answers the number that it answers, or nothing after throwing.
template <typename Function, typename... Parts>
Napi::Value call(Info info, const char* name, Function&& function, const Parts&... parts) {
  return call_at(std::index_sequence_for<Parts...>{}, info, name, std::forward<Function>(function),
                 parts...);
}

// --- the object -------------------------------------------------------------------------------

template <Napi::Value (*call)(Info)>
void add(Napi::Object object, const char* name, const Handle& handle) {
  auto* data = new Handle(handle);
  Napi::Function function = Napi::Function::New<call>(object.Env(), name, data);
  function.AddFinalizer([](Napi::Env, Handle* held) { delete held; }, data);
  object.Set(name, function);
}

// The functions that make sockets, know them, and end them.
void add_socket_calls(Napi::Object object, const Handle& handle);
// Those that have something told: bytes, connections, messages.
void add_input_calls(Napi::Object object, const Handle& handle);
// Those that send.
void add_output_calls(Napi::Object object, const Handle& handle);

}  // namespace sk
