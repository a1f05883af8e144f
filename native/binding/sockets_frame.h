// What the functions of the sockets object share: how they are called, and what they are about.
#pragma once

#include <node_api.h>

#include <climits>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "binding/args.h"
#include "binding/socket_space.h"

namespace sk {

using Space = SocketSpace;
using SpaceHandle = std::shared_ptr<SocketSpace>;

constexpr int kRoom = static_cast<int>(Space::kRoom);

// What a call came to: a number, a negative errno, or nothing after throwing.
using Answer = std::optional<int64_t>;

// An id that a call is about, and its descriptor, or -EBADF if there is none any more.
struct Subject {
  Space* space;
  Id id;
  int fd;

  // The answer of a system call on the descriptor, if there is one.
  template <typename Call, typename... Rest>
  int64_t call(Call made, Rest&&... rest) const {
    return fd < 0 ? fd : made(fd, std::forward<Rest>(rest)...);
  }
};

// What the program has called: its arguments, and the space that the function is bound to.
class Frame {
 public:
  Frame(napi_env env, napi_callback_info info, const char* function)
      : env_(env), args_(env, info, function, &data_) {}

  napi_env env() const { return env_; }
  const Args& args() const { return args_; }

  // The space, also when it is disposed of.
  Space* any_space() const { return static_cast<SpaceHandle*>(data_)->get(); }
  // The space; null after throwing, when it is disposed of.
  Space* space() const {
    Space* space = any_space();
    if (!space->is_disposed()) return space;
    napi_throw_error(env_, "ERR_DISPOSED", "the sockets are disposed of");
    return nullptr;
  }

  // The first argument, an id. False after throwing.
  bool subject(Subject* out) const {
    out->space = space();
    if (out->space == nullptr || !args_.id(0, &out->id)) return false;
    out->fd = out->space->descriptors().fd(out->id);
    return true;
  }

  bool integer(size_t index, const char* name, int low, int high, int* out) const {
    return args_.integer(index, name, low, high, out);
  }
  bool flags(size_t index, int* out) const {
    return integer(index, "flags", INT_MIN, INT_MAX, out);
  }
  bool length(size_t index, size_t* out) const {
    return args_.integer(index, "length", size_t{0}, Space::kRoom, out);
  }

  napi_value answer(int64_t value) const {
    napi_value result = nullptr;
    if (value >= INT_MIN && value <= INT_MAX) {
      napi_create_int32(env_, static_cast<int32_t>(value), &result);
    } else {
      napi_create_int64(env_, value, &result);
    }
    return result;
  }
  napi_value answer(const Answer& value) const { return value ? answer(*value) : nullptr; }

 private:
  void* data_ = nullptr;
  napi_env env_;
  Args args_;
};

// --- shapes of functions ----------------------------------------------------------------------

// A function of the space: `call` is told which.
template <Answer (*call)(const Frame&, Space*)>
napi_value of_space(const Frame& frame) {
  Space* space = frame.space();
  return space == nullptr ? nullptr : frame.answer(call(frame, space));
}

// A function of one socket, which is its first argument: `call` reads the others, and is made also
// when the socket is closed.
template <Answer (*call)(const Frame&, const Subject&)>
napi_value of_socket(const Frame& frame) {
  Subject subject;
  return frame.subject(&subject) ? frame.answer(call(frame, subject)) : nullptr;
}

// --- names ------------------------------------------------------------------------------------

// The name that the program has put into the slab. False after throwing.
inline bool name_argument(const Frame& frame, const Space& space, size_t index, Sockaddr* out) {
  int length;
  if (!frame.integer(index, "nameLength", 0, Space::kNameSize, &length)) return false;
  memcpy(&out->storage, space.name(), static_cast<size_t>(length));
  out->length = static_cast<socklen_t>(length);
  return true;
}

// Shows a name that the kernel told, never more of it than it can have written.
inline int put_name(const Space& space, const Sockaddr& name) {
  const size_t length = name.length < Space::kNameSize ? name.length : Space::kNameSize;
  memcpy(space.name(), &name.storage, length);
  return static_cast<int>(length);
}

// --- tables -----------------------------------------------------------------------------------

struct Function {
  const char* name;
  napi_callback callback;
};

// A row of a table: the frame is made here, once for all functions.
#define SOCKETS_FUNCTION(name, call)                                \
  {                                                                 \
    name, [](napi_env env, napi_callback_info info) -> napi_value { \
      return call(Frame(env, info, name));                          \
    }                                                               \
  }

// A table that lives as long as the module.
struct FunctionTable {
  template <size_t count>
  explicit constexpr FunctionTable(const Function (&functions)[count])
      : first(functions), last(functions + count) {}

  const Function* begin() const { return first; }
  const Function* end() const { return last; }

  const Function* first;
  const Function* last;
};

FunctionTable descriptor_functions();
FunctionTable message_functions();
FunctionTable option_functions();
FunctionTable wait_functions();

}  // namespace sk
