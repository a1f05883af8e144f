// The functions of the reactor object that send.
#include <netinet/in.h>

#include <cstring>

#include "binding/envelope.h"
#include "binding/reactor_frame.h"

namespace sk {

namespace {

// Where a message goes to.
enum How : int {
  kToPeer = 0,
  kAsScratchSays = 1,
  // To an IPv4 address, which is in the arguments.
  kToIpv4 = 4,
};

// write(id, bytes)
Napi::Value write(Info info) {
  const Args args(info, "write");
  Id id;
  const uint8_t* bytes;
  size_t length;
  if (loop_of(info) == nullptr || !args.id(0, &id) || !args.bytes(1, "bytes", &bytes, &length)) {
    return {};
  }
  Loop* loop = loop_of(info);  // bytes may have run a getter of the program's
  if (loop == nullptr) return {};
  return number(info, loop->reactor()->write(id, bytes, length));
}

// Reads the IPv4 address from argument `index` on: its bits, and the port.
bool read_ipv4(const Args& args, size_t index, Sockaddr* out) {
  uint32_t host;
  uint16_t port;
  if (!args.integer(index, "host", uint32_t{0}, uint32_t{UINT32_MAX}, &host) ||
      !args.integer(index + 1, "port", uint16_t{0}, uint16_t{UINT16_MAX}, &port)) {
    return false;
  }
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(host);
  memcpy(&out->storage, &to, sizeof(to));
  out->length = sizeof(to);
  return true;
}

// send(id, bytes, how, host, port)
Napi::Value send(Info info) {
  const Args args(info, "send");
  Id id;
  OutMessage message;
  int how;
  if (loop_of(info) == nullptr || !args.id(0, &id) ||
      !args.bytes(1, "bytes", &message.bytes, &message.length) ||
      !args.integer(2, "how", int{kToPeer}, int{kToIpv4}, &how) ||
      (how == kToIpv4 && !read_ipv4(args, 3, &message.to))) {
    return {};
  }
  Loop* loop = loop_of(info);  // bytes may have run a getter of the program's
  if (loop == nullptr) return {};
  SendChoice choice;
  if (how == kAsScratchSays) {
    const int error = read_envelope(loop->scratch_data(), &message.to, &choice);
    if (error < 0) return number(info, error);
  }
  return number(info, loop->reactor()->send_message(id, &message, &choice));
}

// retrySending(id)
Napi::Value retry_sending(Info info) {
  return call(info, "retrySending", &Reactor::retry_sending, Socket{});
}

// pending(id)
Napi::Value pending(Info info) { return call(info, "pending", &Reactor::pending, Socket{}); }

// flush()
Napi::Value flush(Info info) {
  Loop* loop = loop_of(info);
  return loop == nullptr ? Napi::Value() : number(info, loop->reactor()->flush());
}

// shutWrite(id)
Napi::Value shut_write(Info info) {
  return call(info, "shutWrite", &Reactor::shut_write, Socket{});
}

}  // namespace

void add_output_calls(Napi::Object object, const Handle& handle) {
  add<write>(object, "write", handle);
  add<send>(object, "send", handle);
  add<retry_sending>(object, "retrySending", handle);
  add<pending>(object, "pending", handle);
  add<flush>(object, "flush", handle);
  add<shut_write>(object, "shutWrite", handle);
}

}  // namespace sk
