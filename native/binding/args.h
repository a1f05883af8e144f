// Readers of JavaScript arguments. Each answers false after throwing: a wrong type is a TypeError,
// a number outside its range a RangeError, and nothing has been done by then.
#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>

#include "core/slot.h"
#include "core/sockaddr.h"

namespace sk {

class Args {
 public:
  static constexpr size_t kMax = 6;
  // Bytes of a text.
  static constexpr size_t kMaxText = 4096;

  Args(const Napi::CallbackInfo& info, const char* function)
      : env_(info.Env()), function_(function) {
    for (size_t i = 0; i < kMax; ++i) values_[i] = info[i];
  }
  // Of a plain callback, which costs less. Arguments that are missing are undefined.
  Args(napi_env env, napi_callback_info info, const char* function, void** data)
      : env_(env), function_(function) {
    size_t count = kMax;
    napi_get_cb_info(env, info, &count, values_, nullptr, data);
  }

  // A whole number within the bounds. Inline, since most calls read several. It says false itself:
  // what the compiler cannot see into might say true, and the number be used without having been
  // set.
  template <typename T>
  bool integer(size_t index, const char* name, T low, T high, T* out) const {
    double number = 0;
    if (napi_get_value_double(env_, value(index), &number) != napi_ok) {
      type_error(name, "a number");
      return false;
    }
    // The comparison is false for NaN, and keeps the conversion within what T holds. There and back
    // is two instructions; trunc(3) is a call.
    if (number >= static_cast<double>(low) && number <= static_cast<double>(high)) {
      *out = static_cast<T>(number);
      if (static_cast<double>(*out) == number) return true;
    }
    range_error(name, low, high);
    return false;
  }
  // The id of a socket: a whole number that an id can be; whether it lives is told by the call.
  bool id(size_t index, Id* out) const;
  bool boolean(size_t index, const char* name, bool* out) const;
  // A Uint8Array over memory that no other thread shares and that is not gone. Valid during the
  // call.
  bool bytes(size_t index, const char* name, const uint8_t** data, size_t* length) const;
  // A string, as UTF-8, without a NUL, at which a C string would end, and no longer than any name.
  bool text(size_t index, const char* name, std::string* out) const;
  // The same, or null.
  bool text_or_null(size_t index, const char* name, std::optional<std::string>* out) const;
  // Four arguments from `index` on: family (4, 6, or 1 for Unix), bytes, port, scope.
  bool address(size_t index, Sockaddr* out, int* error) const;

  // For what is judged elsewhere: throws, and answers false.
  bool range_error(const char* name, int64_t low, int64_t high) const;

 private:
  bool type_error(const char* name, const char* expected) const;
  bool text_error(const char* name) const;
  bool has_lost_memory(napi_value buffer) const;

  napi_value value(size_t index) const { return values_[index]; }

  napi_env env_;
  const char* function_;
  napi_value values_[kMax];
};

}  // namespace sk
