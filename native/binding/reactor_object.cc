#include "binding/reactor_object.h"

#include <netinet/in.h>

#include <climits>
#include <cstring>
#include <memory>

#include "binding/args.h"
#include "binding/envelope.h"
#include "binding/loop.h"

namespace sk {

namespace {

using Info = const Napi::CallbackInfo&;
using Handle = std::shared_ptr<LoopHandle>;

// What the address calls leave in the scratch: family, port (2 bytes, big-endian), scope (4), then
// the address's bytes.
constexpr size_t kAddressHead = 7;

// Microseconds. Longer than this everything else in the process would have to wait.
constexpr int kMaxBusyPoll = 1000;

Napi::Value number(Info info, int64_t value) {
  return Napi::Number::New(info.Env(), static_cast<double>(value));
}

// The loop that the called function is bound to; null after throwing, when it is closed.
Loop* loop_of(Info info) {
  Loop* loop = (*static_cast<Handle*>(info.Data()))->loop;
  if (loop == nullptr) {
    napi_throw_error(info.Env(), "ERR_DISPOSED", "the reactor is disposed of");
  }
  return loop;
}

// --- shapes that several calls share ----------------------------------------------------------

Napi::Value with_id(Info info, const char* name, int (Reactor::*call)(Id)) {
  Loop* loop = loop_of(info);
  Id id;
  if (loop == nullptr || !Args(info, name).id(0, &id)) return {};
  const int result = (loop->reactor()->*call)(id);
  loop->update_reference();
  return number(info, result);
}

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

// The faulty kernel; null after throwing, when the reactor was made without.
FaultyKernel* faulty_of(Info info) {
  Loop* loop = loop_of(info);
  if (loop == nullptr) return nullptr;
  if (loop->faulty() == nullptr) {
    napi_throw_error(info.Env(), "ERR_NO_FAULTS", "the reactor was made without faults");
  }
  return loop->faulty();
}

// --- the calls --------------------------------------------------------------------------------

// socket(family, type, protocol)
Napi::Value socket(Info info) {
  Loop* loop = loop_of(info);
  const Args args(info, "socket");
  int family;
  int type;
  int protocol;
  if (loop == nullptr || !args.integer(0, "family", 0, INT_MAX, &family) ||
      !args.integer(1, "type", 0, INT_MAX, &type) ||
      !args.integer(2, "protocol", 0, INT_MAX, &protocol)) {
    return {};
  }
  const int64_t id = loop->reactor()->socket(family, type, protocol);
  loop->update_reference();
  return number(info, id);
}

// bind(id, family, bytes, port, scope)
Napi::Value bind(Info info) { return with_address(info, "bind", &Reactor::bind); }

// connect(id, family, bytes, port, scope)
Napi::Value connect(Info info) { return with_address(info, "connect", &Reactor::connect); }

// listen(id, backlog)
Napi::Value listen(Info info) {
  Loop* loop = loop_of(info);
  const Args args(info, "listen");
  Id id;
  int backlog;
  if (loop == nullptr || !args.id(0, &id) || !args.integer(1, "backlog", 0, INT_MAX, &backlog)) {
    return {};
  }
  return number(info, loop->reactor()->listen(id, backlog));
}

// adopt(fd, isLent)
Napi::Value adopt(Info info) {
  Loop* loop = loop_of(info);
  const Args args(info, "adopt");
  int fd;
  bool is_lent;
  if (loop == nullptr || !args.integer(0, "fd", 0, INT_MAX, &fd) ||
      !args.boolean(1, "isLent", &is_lent)) {
    return {};
  }
  const int64_t id = loop->reactor()->adopt(fd, is_lent);
  loop->update_reference();
  return number(info, id);
}

// startReading(id, size, owned)
Napi::Value start_reading(Info info) {
  Loop* loop = loop_of(info);
  const Args args(info, "startReading");
  Id id;
  int size;
  bool owned;
  if (loop == nullptr || !args.id(0, &id) ||
      !args.integer(1, "size", 1, static_cast<int>(Reactor::kMaxRead), &size) ||
      !args.boolean(2, "owned", &owned)) {
    return {};
  }
  return number(info, loop->reactor()->start_reading(id, static_cast<uint32_t>(size), owned));
}

// startAccepting(id)
Napi::Value start_accepting(Info info) {
  return with_id(info, "startAccepting", &Reactor::start_accepting);
}

// stop(id)
Napi::Value stop(Info info) { return with_id(info, "stop", &Reactor::stop); }

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

// pending(id)
Napi::Value pending(Info info) {
  Loop* loop = loop_of(info);
  Id id;
  if (loop == nullptr || !Args(info, "pending").id(0, &id)) return {};
  return number(info, loop->reactor()->pending(id));
}

// flush()
Napi::Value flush(Info info) {
  Loop* loop = loop_of(info);
  return loop == nullptr ? Napi::Value() : number(info, loop->reactor()->flush());
}

// shutWrite(id)
Napi::Value shut_write(Info info) { return with_id(info, "shutWrite", &Reactor::shut_write); }

// close(id)
Napi::Value close(Info info) { return with_id(info, "close", &Reactor::close); }

// abort(id)
Napi::Value abort(Info info) { return with_id(info, "abort", &Reactor::abort); }

// setOption(id, level, name, value)
Napi::Value set_option(Info info) {
  Loop* loop = loop_of(info);
  const Args args(info, "setOption");
  Id id;
  int level;
  int name;
  int value;
  if (loop == nullptr || !args.id(0, &id) || !args.integer(1, "level", 0, INT_MAX, &level) ||
      !args.integer(2, "name", 0, INT_MAX, &name) ||
      !args.integer(3, "value", INT_MIN, INT_MAX, &value)) {
    return {};
  }
  return number(info, loop->reactor()->set_option(id, level, name, value));
}

// getOption(id, level, name): the value, which is never negative for the options of a stream, or a
// negative errno.
Napi::Value get_option(Info info) {
  Loop* loop = loop_of(info);
  const Args args(info, "getOption");
  Id id;
  int level;
  int name;
  if (loop == nullptr || !args.id(0, &id) || !args.integer(1, "level", 0, INT_MAX, &level) ||
      !args.integer(2, "name", 0, INT_MAX, &name)) {
    return {};
  }
  int value = 0;
  const int result = loop->reactor()->get_option(id, level, name, &value);
  return number(info, result < 0 ? result : value);
}

// openMessages(id, wantsIcmp)
Napi::Value open_messages(Info info) {
  Loop* loop = loop_of(info);
  const Args args(info, "openMessages");
  Id id;
  bool wants_icmp;
  if (loop == nullptr || !args.id(0, &id) || !args.boolean(1, "wantsIcmp", &wants_icmp)) return {};
  return number(info, loop->reactor()->open_messages(id, wants_icmp));
}

// startReceiving(id, size, owned, meta)
Napi::Value start_receiving(Info info) {
  Loop* loop = loop_of(info);
  const Args args(info, "startReceiving");
  Id id;
  int size;
  bool owned;
  int meta;
  if (loop == nullptr || !args.id(0, &id) ||
      !args.integer(1, "size", 1, static_cast<int>(Reactor::kMaxMessage), &size) ||
      !args.boolean(2, "owned", &owned) ||
      !args.integer(3, "meta", 0,
                    static_cast<int>(kMetaLocal | kMetaTtl | kMetaTrafficClass | kMetaTimestamp),
                    &meta)) {
    return {};
  }
  return number(info, loop->reactor()->start_receiving(id, static_cast<uint32_t>(size), owned,
                                                       static_cast<uint32_t>(meta)));
}

// send(id, bytes, how, host, port): `how` is where it goes to. 0: to the peer, 4: to the IPv4
// address with these bits, 1: as the scratch says.
Napi::Value send(Info info) {
  const Args args(info, "send");
  Id id;
  OutMessage message;
  int how;
  if (loop_of(info) == nullptr || !args.id(0, &id) ||
      !args.bytes(1, "bytes", &message.bytes, &message.length) ||
      !args.integer(2, "how", 0, 4, &how)) {
    return {};
  }
  int64_t host = 0;
  int port = 0;
  if (how == 4 && (!args.integer(3, "host", int64_t{0}, int64_t{UINT32_MAX}, &host) ||
                   !args.integer(4, "port", 0, 65535, &port))) {
    return {};
  }
  Loop* loop = loop_of(info);  // bytes may have run a getter of the program's
  if (loop == nullptr) return {};
  if (how == 4) {
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(static_cast<uint32_t>(host));
    memcpy(&message.to.storage, &to, sizeof(to));
    message.to.length = sizeof(to);
  }
  SendChoice choice;
  if (how == 1) {
    const int error = read_envelope(loop->scratch_data(), &message.to, &choice);
    if (error < 0) return number(info, error);
  }
  return number(info, loop->reactor()->send_message(id, &message, &choice));
}

// retrySending(id)
Napi::Value retry_sending(Info info) {
  return with_id(info, "retrySending", &Reactor::retry_sending);
}

// membership(id, joins, interfaceIndex): the group and the source are in the scratch
Napi::Value membership(Info info) {
  Loop* loop = loop_of(info);
  const Args args(info, "membership");
  Id id;
  Membership wanted = {};
  int interface_index;
  if (loop == nullptr || !args.id(0, &id) || !args.boolean(1, "joins", &wanted.joins) ||
      !args.integer(2, "interfaceIndex", 0, INT_MAX, &interface_index)) {
    return {};
  }
  wanted.interface_index = static_cast<uint32_t>(interface_index);
  read_ends(loop->scratch_data(), &wanted.source, &wanted.group);
  return number(info, loop->reactor()->membership(id, wanted));
}

// drops(id)
Napi::Value drops(Info info) {
  Loop* loop = loop_of(info);
  Id id;
  if (loop == nullptr || !Args(info, "drops").id(0, &id)) return {};
  return number(info, loop->reactor()->drops(id));
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
  Loop* loop = loop_of(info);
  const Args args(info, "reference");
  Id id;
  bool on;
  if (loop == nullptr || !args.id(0, &id) || !args.boolean(1, "on", &on)) return {};
  const int result = loop->reactor()->reference(id, on);
  loop->update_reference();
  return number(info, result);
}

// descriptor(id)
Napi::Value descriptor(Info info) { return with_id(info, "descriptor", &Reactor::descriptor); }

// detach(id)
Napi::Value detach(Info info) { return with_id(info, "detach", &Reactor::detach); }

// live()
Napi::Value live(Info info) {
  Loop* loop = loop_of(info);
  return loop == nullptr ? Napi::Value() : number(info, loop->reactor()->live());
}

// slab()
Napi::Value slab(Info info) {
  const Loop* loop = loop_of(info);
  return loop == nullptr ? Napi::Value() : loop->slab();
}

// dispose(); again: nothing
Napi::Value dispose(Info info) {
  Loop* loop = (*static_cast<Handle*>(info.Data()))->loop;
  if (loop != nullptr) loop->close();
  return info.Env().Undefined();
}

// limit(read, write): the most bytes of one system call, 0 for no limit
Napi::Value limit(Info info) {
  FaultyKernel* kernel = faulty_of(info);
  const Args args(info, "limit");
  int read;
  int write;
  if (kernel == nullptr || !args.integer(0, "read", 0, INT_MAX, &read) ||
      !args.integer(1, "write", 0, INT_MAX, &write)) {
    return {};
  }
  kernel->limit(static_cast<size_t>(read), static_cast<size_t>(write));
  return info.Env().Undefined();
}

// fault(call, errno, skip, times); times 0 clears all faults
Napi::Value fault(Info info) {
  FaultyKernel* kernel = faulty_of(info);
  const Args args(info, "fault");
  int call;
  int error;
  int skip;
  int times;
  if (kernel == nullptr || !args.integer(0, "call", 0, static_cast<int>(kLastCall), &call) ||
      !args.integer(1, "errno", 1, 4095, &error) || !args.integer(2, "skip", 0, INT_MAX, &skip) ||
      !args.integer(3, "times", 0, INT_MAX, &times)) {
    return {};
  }
  if (times == 0) {
    kernel->clear();
  } else {
    kernel->add({static_cast<Call>(call), error, skip, times});
  }
  return info.Env().Undefined();
}

// --- the object -------------------------------------------------------------------------------

template <Napi::Value (*call)(Info)>
void add(Napi::Object object, const char* name, const Handle& handle) {
  auto* data = new Handle(handle);
  Napi::Function function = Napi::Function::New<call>(object.Env(), name, data);
  function.AddFinalizer([](Napi::Env, Handle* held) { delete held; }, data);
  object.Set(name, function);
}

Napi::Object describe(Napi::Env env, const Loop& loop, const Handle& handle) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("events", loop.events());
  object.Set("scratch", loop.scratch());
  add<socket>(object, "socket", handle);
  add<bind>(object, "bind", handle);
  add<connect>(object, "connect", handle);
  add<listen>(object, "listen", handle);
  add<adopt>(object, "adopt", handle);
  add<start_reading>(object, "startReading", handle);
  add<start_accepting>(object, "startAccepting", handle);
  add<stop>(object, "stop", handle);
  add<write>(object, "write", handle);
  add<pending>(object, "pending", handle);
  add<flush>(object, "flush", handle);
  add<shut_write>(object, "shutWrite", handle);
  add<close>(object, "close", handle);
  add<abort>(object, "abort", handle);
  add<set_option>(object, "setOption", handle);
  add<get_option>(object, "getOption", handle);
  add<open_messages>(object, "openMessages", handle);
  add<start_receiving>(object, "startReceiving", handle);
  add<send>(object, "send", handle);
  add<retry_sending>(object, "retrySending", handle);
  add<membership>(object, "membership", handle);
  add<drops>(object, "drops", handle);
  add<local_address>(object, "localAddress", handle);
  add<remote_address>(object, "remoteAddress", handle);
  add<reference>(object, "reference", handle);
  add<descriptor>(object, "descriptor", handle);
  add<detach>(object, "detach", handle);
  add<live>(object, "live", handle);
  add<slab>(object, "slab", handle);
  add<dispose>(object, "dispose", handle);
  add<limit>(object, "limit", handle);
  add<fault>(object, "fault", handle);
  return object;
}

}  // namespace

Napi::Value create_reactor(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Args args(info, "createReactor");
  bool use_poll;
  bool with_faults;
  int busy_poll;
  bool keeps_memory;
  if (!info[0].IsFunction()) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "createReactor: onBatch must be a function");
    return {};
  }
  if (!args.boolean(1, "usePoll", &use_poll) || !args.boolean(2, "withFaults", &with_faults) ||
      !args.integer(3, "busyPoll", 0, kMaxBusyPoll, &busy_poll) ||
      !args.boolean(4, "keepsMemory", &keeps_memory)) {
    return {};
  }
  Loop::Options options;
  int error = 0;
  options.poller = use_poll ? make_poll_poller(&error) : make_epoll_poller(&error);
  if (options.poller == nullptr) return number(info, -error);
  if (with_faults) {
    auto kernel = std::make_unique<FaultyKernel>();
    options.faulty = kernel.get();
    options.kernel = std::move(kernel);
  } else {
    options.kernel = std::make_unique<Kernel>();
  }
  options.on_batch = info[0].As<Napi::Function>();
  options.busy_poll = static_cast<uint32_t>(busy_poll);
  options.keeps_memory = keeps_memory;
  const Handle handle = Loop::create(env, std::move(options));
  return handle == nullptr ? Napi::Value() : describe(env, *handle->loop, handle);
}

}  // namespace sk
