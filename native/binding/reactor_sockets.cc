// The functions of the reactor object that make sockets, know them, and end them.
#include <cstring>

#include "binding/reactor_frame.h"

namespace sk {

namespace {

// What the address calls leave in the scratch: family, port (2 bytes, big-endian), scope (4), then
// the address's bytes.
constexpr size_t kAddressHead = 7;

// (id, family, bytes, port, scope)
Napi::Value with_address(Info info, const char* name, int (Reactor::*call)(Id, const Sockaddr&)) {
  const Args args(info, name);
  Id id;
  Sockaddr address;
  int error = 0;
  if (loop_of(info) == nullptr || !args.id(0, &id) || !args.address(1, &address, &error)) return {};
  Loop* loop = loop_of(info);  // bytes may have run a getter of the program's
  if (loop == nullptr) return {};
  return number(info, error != 0 ? error : (loop->reactor()->*call)(id, address));
}

Napi::Value read_address(Info info, const char* name, int (Reactor::*call)(Id, Address*)) {
  Loop* loop = loop_of(info);
  Id id;
  if (loop == nullptr || !Args(info, name).id(0, &id)) return {};
  Address address;
  const int result = (loop->reactor()->*call)(id, &address);
  if (result < 0) return number(info, result);
  uint8_t* bytes = loop->scratch_data();
  bytes[0] = static_cast<uint8_t>(address.family);
  bytes[1] = static_cast<uint8_t>(address.port >> 8);
  bytes[2] = static_cast<uint8_t>(address.port & 255);
  for (int i = 0; i < 4; ++i) {
    bytes[3 + i] = static_cast<uint8_t>(address.scope >> (24 - 8 * i) & 255);
  }
  memcpy(bytes + kAddressHead, address.bytes, address.length);
  return number(info, static_cast<int64_t>(kAddressHead + address.length));
}

// socket(family, type, protocol)
Napi::Value socket(Info info) {
  return call(info, "socket", &Reactor::socket, natural("family"), natural("type"),
              natural("protocol"));
}

// bind(id, family, bytes, port, scope)
Napi::Value bind(Info info) { return with_address(info, "bind", &Reactor::bind); }

// connect(id, family, bytes, port, scope)
Napi::Value connect(Info info) { return with_address(info, "connect", &Reactor::connect); }

// listen(id, backlog)
Napi::Value listen(Info info) {
  return call(info, "listen", &Reactor::listen, Socket{}, natural("backlog"));
}

// adopt(fd, isLent)
Napi::Value adopt(Info info) {
  const auto taken = [](Reactor& reactor, int fd, bool is_lent) {
    return reactor.adopt(fd, is_lent);
  };
  return call(info, "adopt", taken, natural("fd"), Truth{"isLent"});
}

// openMessages(id, wantsIcmp)
Napi::Value open_messages(Info info) {
  return call(info, "openMessages", &Reactor::open_messages, Socket{}, Truth{"wantsIcmp"});
}

// setOption(id, level, name, value)
Napi::Value set_option(Info info) {
  return call(info, "setOption", &Reactor::set_option, Socket{}, natural("level"), natural("name"),
              Whole<int>{"value", INT_MIN, INT_MAX});
}

// getOption(id, level, name): the value, which is never negative for the options of a stream, or a
// negative errno.
Napi::Value get_option(Info info) {
  const auto got = [](Reactor& reactor, Id id, int level, int name) {
    int value = 0;
    const int result = reactor.get_option(id, level, name, &value);
    return result < 0 ? result : value;
  };
  return call(info, "getOption", got, Socket{}, natural("level"), natural("name"));
}

// localAddress(id)
Napi::Value local_address(Info info) {
  return read_address(info, "localAddress", &Reactor::local_address);
}

// remoteAddress(id)
Napi::Value remote_address(Info info) {
  return read_address(info, "remoteAddress", &Reactor::remote_address);
}

// reference(id, on)
Napi::Value reference(Info info) {
  return call(info, "reference", &Reactor::reference, Socket{}, Truth{"on"});
}

// descriptor(id)
Napi::Value descriptor(Info info) {
  return call(info, "descriptor", &Reactor::descriptor, Socket{});
}

// detach(id)
Napi::Value detach(Info info) { return call(info, "detach", &Reactor::detach, Socket{}); }

// handOver(id)
Napi::Value hand_over(Info info) { return call(info, "handOver", &Reactor::hand_over, Socket{}); }

// close(id)
Napi::Value close(Info info) { return call(info, "close", &Reactor::close, Socket{}); }

// abort(id)
Napi::Value abort(Info info) { return call(info, "abort", &Reactor::abort, Socket{}); }

}  // namespace

void add_socket_calls(Napi::Object object, const Handle& handle) {
  add<socket>(object, "socket", handle);
  add<bind>(object, "bind", handle);
  add<connect>(object, "connect", handle);
  add<listen>(object, "listen", handle);
  add<adopt>(object, "adopt", handle);
  add<open_messages>(object, "openMessages", handle);
  add<set_option>(object, "setOption", handle);
  add<get_option>(object, "getOption", handle);
  add<local_address>(object, "localAddress", handle);
  add<remote_address>(object, "remoteAddress", handle);
  add<reference>(object, "reference", handle);
  add<descriptor>(object, "descriptor", handle);
  add<detach>(object, "detach", handle);
  add<hand_over>(object, "handOver", handle);
  add<close>(object, "close", handle);
  add<abort>(object, "abort", handle);
}

}  // namespace sk
