#include "binding/args.h"

#include <cstring>
#include <string>

namespace sk {

bool Args::type_error(const char* name, const char* expected) const {
  const std::string text = std::string(function_) + ": " + name + " must be " + expected;
  napi_throw_type_error(env_, "ERR_INVALID_ARG_TYPE", text.c_str());
  return false;
}

bool Args::range_error(const char* name, int64_t low, int64_t high) const {
  const std::string text = std::string(function_) + ": " + name + " must be a whole number from " +
                           std::to_string(low) + " to " + std::to_string(high);
  napi_throw_range_error(env_, "ERR_OUT_OF_RANGE", text.c_str());
  return false;
}

bool Args::id(size_t index, Id* out) const {
  int64_t number = 0;
  if (!integer(index, "id", int64_t{0}, (int64_t{1} << 52) - 1, &number)) return false;
  *out = static_cast<Id>(number);
  return true;
}

bool Args::boolean(size_t index, const char* name, bool* out) const {
  if (napi_get_value_bool(env_, value(index), out) == napi_ok) return true;
  return type_error(name, "a boolean");
}

// A view of nothing may be one whose memory is gone: detached, or of a resizable buffer that has
// become too short for it. What is left of a resizable buffer cannot change while this thread is
// here.
bool Args::has_lost_memory(napi_value buffer) const {
  bool detached = false;
  napi_is_detached_arraybuffer(env_, buffer, &detached);
  napi_value value;
  bool resizable = false;
  // This may run a program's own getter. What it throws stays the exception.
  if (detached || napi_get_named_property(env_, buffer, "resizable", &value) != napi_ok)
    return true;
  return napi_get_value_bool(env_, value, &resizable) == napi_ok && resizable;
}

bool Args::bytes(size_t index, const char* name, const uint8_t** data, size_t* length) const {
  constexpr const char* kExpected = "a Uint8Array over memory that is not shared";
  napi_value given = value(index);
  bool is_typed_array = false;
  napi_is_typedarray(env_, given, &is_typed_array);
  if (!is_typed_array) return type_error(name, kExpected);
  napi_typedarray_type type;
  napi_value buffer;
  void* start = nullptr;
  size_t offset;
  if (napi_get_typedarray_info(env_, given, &type, length, &start, &buffer, &offset) != napi_ok ||
      type != napi_uint8_array) {
    return type_error(name, kExpected);
  }
  bool is_plain = false;
  napi_is_arraybuffer(env_, buffer, &is_plain);
  if (!is_plain) return type_error(name, kExpected);
  if (*length == 0 && has_lost_memory(buffer)) {
    return type_error(name, "over memory that is neither detached nor has shrunk away");
  }
  *data = static_cast<const uint8_t*>(start);
  return true;
}

bool Args::text(size_t index, const char* name, std::string* out) const {
  size_t length = 0;
  if (napi_get_value_string_utf8(env_, value(index), nullptr, 0, &length) != napi_ok) {
    return type_error(name, "a string");
  }
  if (length > kMaxText) return text_error(name);
  // With room for the NUL that Node-API adds.
  out->resize(length + 1);
  napi_get_value_string_utf8(env_, value(index), out->data(), length + 1, &length);
  out->resize(length);
  return out->find('\0') == std::string::npos || text_error(name);
}

bool Args::text_or_null(size_t index, const char* name, std::optional<std::string>* out) const {
  napi_valuetype type = napi_undefined;
  napi_typeof(env_, value(index), &type);
  if (type == napi_null) return true;
  std::string read;
  if (!text(index, name, &read)) return false;
  *out = std::move(read);
  return true;
}

bool Args::text_error(const char* name) const {
  const std::string message = std::string(function_) + ": " + name +
                              " must have no NUL and at most " + std::to_string(kMaxText) +
                              " bytes";
  napi_throw_range_error(env_, "ERR_OUT_OF_RANGE", message.c_str());
  return false;
}

bool Args::address(size_t index, Sockaddr* out, int* error) const {
  int family = 0;
  int port = 0;
  int64_t scope = 0;
  const uint8_t* data;
  size_t length;
  if (!integer(index, "family", 0, 6, &family) || !bytes(index + 1, "address", &data, &length) ||
      !integer(index + 2, "port", 0, 65535, &port) ||
      !integer(index + 3, "scope", int64_t{0}, int64_t{UINT32_MAX}, &scope)) {
    return false;
  }
  Address address;
  if (length > Address::kMaxBytes) {
    *error = -ENAMETOOLONG;
    return true;
  }
  address.family = static_cast<Family>(family);
  address.length = static_cast<uint8_t>(length);
  address.port = static_cast<uint16_t>(port);
  address.scope = static_cast<uint32_t>(scope);
  if (length > 0) memcpy(address.bytes, data, length);
  *error = encode(address, out);
  return true;
}

}  // namespace sk
