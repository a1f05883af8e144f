// Makes JavaScript values that are plain data. What cannot be made, because the environment is
// ending or out of memory, is left out: then there is nobody to see it.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace sk {

inline napi_value number_value(napi_env env, int64_t number) {
  napi_value value = nullptr;
  napi_create_int64(env, number, &value);
  return value;
}

// Bytes that are no UTF-8 become U+FFFD.
inline napi_value text_value(napi_env env, const std::string& text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

inline napi_value null_value(napi_env env) {
  napi_value value = nullptr;
  napi_get_null(env, &value);
  return value;
}

// A Uint8Array with a buffer of its own.
inline napi_value bytes_value(napi_env env, const void* bytes, size_t length) {
  napi_value buffer = nullptr;
  void* data = nullptr;
  napi_value value = nullptr;
  if (napi_create_arraybuffer(env, length, &data, &buffer) != napi_ok) return nullptr;
  if (length > 0) memcpy(data, bytes, length);
  napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &value);
  return value;
}

class ObjectMaker {
 public:
  explicit ObjectMaker(napi_env env) : env_(env) { napi_create_object(env, &object_); }

  ObjectMaker& set(const char* key, napi_value value) {
    napi_set_named_property(env_, object_, key, value);
    return *this;
  }
  ObjectMaker& set(const char* key, int64_t number) { return set(key, number_value(env_, number)); }
  ObjectMaker& set(const char* key, const std::string& text) {
    return set(key, text_value(env_, text));
  }
  napi_value value() const { return object_; }

 private:
  napi_env env_;
  napi_value object_ = nullptr;
};

// An array of what `make(env, item)` makes of each item.
template <typename Item, typename Make>
napi_value array_value(napi_env env, const std::vector<Item>& items, Make make) {
  napi_value array = nullptr;
  napi_create_array_with_length(env, items.size(), &array);
  for (size_t i = 0; i < items.size(); ++i) {
    // An object for each of a thousand rows: its handle is let go with the row.
    napi_handle_scope scope = nullptr;
    napi_open_handle_scope(env, &scope);
    napi_set_element(env, array, static_cast<uint32_t>(i), make(env, items[i]));
    napi_close_handle_scope(env, scope);
  }
  return array;
}

}  // namespace sk
