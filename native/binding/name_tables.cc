#include "binding/name_tables.h"

#include <cerrno>
#include <climits>
#include <optional>
#include <string>

#include "binding/args.h"
#include "binding/value.h"
#include "core/interfaces.h"
#include "core/resolver.h"

namespace sk {

namespace {

using Info = const Napi::CallbackInfo&;

const char* c_string(const std::optional<std::string>& text) {
  return text ? text->c_str() : nullptr;
}

// --- services and protocols -------------------------------------------------------------------

napi_value value_of(napi_env env, const Service& service) {
  return ObjectMaker(env)
      .set("name", service.name)
      .set("aliases", array_value(env, service.aliases, text_value))
      .set("port", service.port)
      .set("protocol", service.protocol)
      .value();
}

napi_value value_of(napi_env env, const Protocol& protocol) {
  return ObjectMaker(env)
      .set("name", protocol.name)
      .set("aliases", array_value(env, protocol.aliases, text_value))
      .set("number", protocol.number)
      .value();
}

// What was found, null for nothing, or a negative errno.
template <typename Entry>
Napi::Value answer(Info info, int error, const Entry& entry) {
  if (error == -ENOENT) return info.Env().Null();
  if (error != 0) return Napi::Number::New(info.Env(), error);
  return {info.Env(), value_of(info.Env(), entry)};
}

// serviceByName(name, protocol)
Napi::Value get_service_by_name(Info info) {
  const Args args(info, "serviceByName");
  std::string name;
  std::optional<std::string> protocol;
  if (!args.text(0, "name", &name) || !args.text_or_null(1, "protocol", &protocol)) return {};
  Service service;
  return answer(info, service_by_name(name.c_str(), c_string(protocol), &service), service);
}

// serviceByPort(port, protocol)
Napi::Value get_service_by_port(Info info) {
  const Args args(info, "serviceByPort");
  int port;
  std::optional<std::string> protocol;
  if (!args.integer(0, "port", 0, UINT16_MAX, &port) ||
      !args.text_or_null(1, "protocol", &protocol)) {
    return {};
  }
  Service service;
  return answer(info, service_by_port(static_cast<uint16_t>(port), c_string(protocol), &service),
                service);
}

// protocolByName(name)
Napi::Value get_protocol_by_name(Info info) {
  std::string name;
  if (!Args(info, "protocolByName").text(0, "name", &name)) return {};
  Protocol protocol;
  return answer(info, protocol_by_name(name.c_str(), &protocol), protocol);
}

// protocolByNumber(number)
Napi::Value get_protocol_by_number(Info info) {
  int number;
  if (!Args(info, "protocolByNumber").integer(0, "number", INT_MIN, INT_MAX, &number)) return {};
  Protocol protocol;
  return answer(info, protocol_by_number(number, &protocol), protocol);
}

// --- interfaces -------------------------------------------------------------------------------

napi_value ip_value(napi_env env, const std::optional<IpBytes>& bytes) {
  return bytes ? bytes_value(env, bytes->data(), bytes->size()) : null_value(env);
}

napi_value address_value(napi_env env, const InterfaceAddress& address) {
  return ObjectMaker(env)
      .set("family", static_cast<int>(address.family))
      .set("bytes", ip_value(env, address.bytes))
      .set("prefixLength", address.prefix_length)
      .set("broadcast", ip_value(env, address.broadcast))
      .set("peer", ip_value(env, address.peer))
      .value();
}

napi_value interface_value(napi_env env, const Interface& interface) {
  const std::vector<uint8_t>& hardware = interface.hardware_address;
  return ObjectMaker(env)
      .set("name", interface.name)
      .set("index", interface.index)
      .set("flags", interface.flags)
      .set("mtu", interface.mtu)
      .set("hardwareType", interface.hardware_type)
      .set("hardwareAddress", bytes_value(env, hardware.data(), hardware.size()))
      .set("addresses", array_value(env, interface.addresses, address_value))
      .value();
}

// interfaces()
Napi::Value get_interfaces(Info info) {
  std::vector<Interface> interfaces;
  const int error = list_interfaces(&interfaces);
  if (error != 0) return Napi::Number::New(info.Env(), error);
  return {info.Env(), array_value(info.Env(), interfaces, interface_value)};
}

// interfaceIndex(name)
Napi::Value get_interface_index(Info info) {
  std::string name;
  if (!Args(info, "interfaceIndex").text(0, "name", &name)) return {};
  return Napi::Number::New(info.Env(), static_cast<double>(interface_index(name)));
}

// interfaceName(index)
Napi::Value get_interface_name(Info info) {
  int64_t index;
  if (!Args(info, "interfaceName").integer(0, "index", int64_t{0}, int64_t{UINT32_MAX}, &index)) {
    return {};
  }
  std::string name;
  const int error = interface_name(static_cast<uint32_t>(index), &name);
  if (error != 0) return Napi::Number::New(info.Env(), error);
  return {info.Env(), text_value(info.Env(), name)};
}

}  // namespace

void add_name_tables(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Function function) { exports.Set(name, function); };
  add("serviceByName", Napi::Function::New<get_service_by_name>(env, "serviceByName"));
  add("serviceByPort", Napi::Function::New<get_service_by_port>(env, "serviceByPort"));
  add("protocolByName", Napi::Function::New<get_protocol_by_name>(env, "protocolByName"));
  add("protocolByNumber", Napi::Function::New<get_protocol_by_number>(env, "protocolByNumber"));
  add("interfaces", Napi::Function::New<get_interfaces>(env, "interfaces"));
  add("interfaceIndex", Napi::Function::New<get_interface_index>(env, "interfaceIndex"));
  add("interfaceName", Napi::Function::New<get_interface_name>(env, "interfaceName"));
}

}  // namespace sk
