#include "binding/reactor_wrap.h"

#include <climits>
#include <cstring>

namespace sk {

namespace {

// Marks the objects that this class made, so that no other wrapped object can pass for one.
constexpr napi_type_tag kTypeTag = {0x9d1f6a2b5c3e4f70, 0x8b7a1c2d3e4f5a69};

// What the address calls answer with: a Uint8Array of family, port (2 bytes, big-endian), scope
// (4), then the address's bytes.
constexpr size_t kAddressHead = 7;

constexpr const char* kDisposed = "the reactor is disposed of";

Napi::Value number(Napi::Env env, int64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

std::unique_ptr<Poller> make_poller(bool plain, int* error) {
  return plain ? make_poll_poller(error) : make_epoll_poller(error);
}

}  // namespace

Napi::Function ReactorWrap::define(Napi::Env env) {
  const std::vector<PropertyDescriptor> members = {
      InstanceMethod("socket", &ReactorWrap::socket),
      InstanceMethod("bind", &ReactorWrap::bind),
      InstanceMethod("connect", &ReactorWrap::connect),
      InstanceMethod("listen", &ReactorWrap::listen),
      InstanceMethod("startReading", &ReactorWrap::start_reading),
      InstanceMethod("startAccepting", &ReactorWrap::start_accepting),
      InstanceMethod("stop", &ReactorWrap::stop),
      InstanceMethod("pending", &ReactorWrap::pending),
      InstanceMethod("flush", &ReactorWrap::flush),
      InstanceMethod("shutWrite", &ReactorWrap::shut_write),
      InstanceMethod("close", &ReactorWrap::close),
      InstanceMethod("abort", &ReactorWrap::abort),
      InstanceMethod("setOption", &ReactorWrap::set_option),
      InstanceMethod("getOption", &ReactorWrap::get_option),
      InstanceMethod("localAddress", &ReactorWrap::local_address),
      InstanceMethod("remoteAddress", &ReactorWrap::remote_address),
      InstanceMethod("reference", &ReactorWrap::reference),
      InstanceMethod("descriptor", &ReactorWrap::descriptor),
      InstanceMethod("dispose", &ReactorWrap::dispose),
      InstanceMethod("limit", &ReactorWrap::limit),
      InstanceMethod("fault", &ReactorWrap::fault),
      InstanceAccessor<&ReactorWrap::events>("events"),
      InstanceAccessor<&ReactorWrap::slab>("slab"),
      InstanceAccessor<&ReactorWrap::scratch>("scratch"),
      InstanceAccessor<&ReactorWrap::live>("live"),
  };
  return DefineClass(env, "Reactor", members);
}

// new Reactor(onBatch, usePoll, withFaults)
ReactorWrap::ReactorWrap(Info info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  const Args args(info, "Reactor");
  bool use_poll;
  bool with_faults;
  if (!info[0].IsFunction()) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "Reactor: onBatch must be a function");
    return;
  }
  if (!args.boolean(1, "usePoll", &use_poll) || !args.boolean(2, "withFaults", &with_faults))
    return;
  int error = 0;
  Loop::Options options;
  options.poller = make_poller(use_poll, &error);
  if (options.poller == nullptr) {
    napi_throw_error(env, "ERR_NO_POLLER", strerror(error));
    return;
  }
  if (with_faults) {
    auto kernel = std::make_unique<FaultyKernel>();
    faulty_ = kernel.get();
    options.kernel = std::move(kernel);
  } else {
    options.kernel = std::make_unique<Kernel>();
  }
  options.on_batch = info[0].As<Napi::Function>();
  info.This().As<Napi::Object>().TypeTag(&kTypeTag);
  handle_->loop = Loop::create(env, std::move(options));
  if (loop() == nullptr) return;
  loop()->set_owner(handle_);
  bind_write(env, info.This().As<Napi::Object>());
}

ReactorWrap::~ReactorWrap() {
  if (loop() != nullptr) loop()->close();
}

Reactor* ReactorWrap::reactor(Info info) {
  const Napi::Env env = info.Env();
  bool is_ours = false;
  napi_check_object_type_tag(env, info.This(), &kTypeTag, &is_ours);
  if (!is_ours) {
    napi_throw_type_error(env, "ERR_INVALID_THIS", "not a Reactor");
    return nullptr;
  }
  Reactor* reactor = loop() == nullptr ? nullptr : loop()->reactor();
  if (reactor == nullptr) napi_throw_error(env, "ERR_DISPOSED", kDisposed);
  return reactor;
}

FaultyKernel* ReactorWrap::faulty(Info info) {
  if (reactor(info) == nullptr) return nullptr;
  if (faulty_ == nullptr)
    napi_throw_error(info.Env(), "ERR_NO_FAULTS", "the reactor was made without faults");
  return faulty_;
}

// --- shapes that several calls share ----------------------------------------------------------

Napi::Value ReactorWrap::with_id(Info info, const char* name, IdCall call) {
  Reactor* core = reactor(info);
  Id id;
  if (core == nullptr || !Args(info, name).id(0, &id)) return {};
  const int result = (core->*call)(id);
  loop()->update_reference();
  return number(info.Env(), result);
}

Napi::Value ReactorWrap::with_address(Info info, const char* name,
                                      int (Reactor::*call)(Id, const Sockaddr&)) {
  Reactor* core = reactor(info);
  const Args args(info, name);
  Id id;
  Sockaddr address;
  int error = 0;
  if (core == nullptr || !args.id(0, &id) || !args.address(1, &address, &error)) return {};
  return number(info.Env(), error != 0 ? error : (core->*call)(id, address));
}

Napi::Value ReactorWrap::read_address(Info info, const char* name,
                                      int (Reactor::*call)(Id, Address*)) {
  Reactor* core = reactor(info);
  Id id;
  if (core == nullptr || !Args(info, name).id(0, &id)) return {};
  Address address;
  const int result = (core->*call)(id, &address);
  if (result < 0) return number(info.Env(), result);
  uint8_t* bytes = loop()->scratch_data();
  bytes[0] = static_cast<uint8_t>(address.family);
  bytes[1] = static_cast<uint8_t>(address.port >> 8);
  bytes[2] = static_cast<uint8_t>(address.port & 255);
  for (int i = 0; i < 4; ++i) {
    bytes[3 + i] = static_cast<uint8_t>(address.scope >> (24 - 8 * i) & 255);
  }
  memcpy(bytes + kAddressHead, address.bytes, address.length);
  return number(info.Env(), static_cast<int64_t>(kAddressHead + address.length));
}

// --- calls ------------------------------------------------------------------------------------

// socket(family, type, protocol)
Napi::Value ReactorWrap::socket(Info info) {
  Reactor* core = reactor(info);
  const Args args(info, "socket");
  int family;
  int type;
  int protocol;
  if (core == nullptr || !args.integer(0, "family", 0, INT_MAX, &family) ||
      !args.integer(1, "type", 0, INT_MAX, &type) ||
      !args.integer(2, "protocol", 0, INT_MAX, &protocol)) {
    return {};
  }
  const int64_t id = core->socket(family, type, protocol);
  loop()->update_reference();
  return number(info.Env(), id);
}

// bind(id, family, bytes, port, scope)
Napi::Value ReactorWrap::bind(Info info) { return with_address(info, "bind", &Reactor::bind); }

// connect(id, family, bytes, port, scope)
Napi::Value ReactorWrap::connect(Info info) {
  return with_address(info, "connect", &Reactor::connect);
}

// listen(id, backlog)
Napi::Value ReactorWrap::listen(Info info) {
  Reactor* core = reactor(info);
  const Args args(info, "listen");
  Id id;
  int backlog;
  if (core == nullptr || !args.id(0, &id) || !args.integer(1, "backlog", 0, INT_MAX, &backlog)) {
    return {};
  }
  return number(info.Env(), core->listen(id, backlog));
}

// startReading(id, size, owned)
Napi::Value ReactorWrap::start_reading(Info info) {
  Reactor* core = reactor(info);
  const Args args(info, "startReading");
  Id id;
  int size;
  bool owned;
  if (core == nullptr || !args.id(0, &id) ||
      !args.integer(1, "size", 1, static_cast<int>(Reactor::kMaxRead), &size) ||
      !args.boolean(2, "owned", &owned)) {
    return {};
  }
  return number(info.Env(), core->start_reading(id, static_cast<uint32_t>(size), owned));
}

Napi::Value ReactorWrap::start_accepting(Info info) {
  return with_id(info, "startAccepting", &Reactor::start_accepting);
}

Napi::Value ReactorWrap::stop(Info info) { return with_id(info, "stop", &Reactor::stop); }

// write(id, bytes). A function of its own for each reactor, which finds it without `this`: a method
// spends as much on that as on the rest. It shares the handle, so it may outlive the object.
void ReactorWrap::bind_write(Napi::Env env, Napi::Object self) {
  auto* data = new std::shared_ptr<LoopHandle>(handle_);
  napi_value function;
  napi_create_function(env, "write", NAPI_AUTO_LENGTH, &ReactorWrap::write, data, &function);
  napi_add_finalizer(
      env, function, data,
      [](napi_env, void* held, void*) { delete static_cast<std::shared_ptr<LoopHandle>*>(held); },
      nullptr, nullptr);
  self.DefineProperty(Napi::PropertyDescriptor::Value("write", function, napi_enumerable));
}

napi_value ReactorWrap::write(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value values[2];
  void* data;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  const Loop* loop = (*static_cast<std::shared_ptr<LoopHandle>*>(data))->loop;
  const Args args(env, values, "write");
  Id id;
  const uint8_t* bytes;
  size_t length;
  if (loop == nullptr) {
    napi_throw_error(env, "ERR_DISPOSED", kDisposed);
    return nullptr;
  }
  if (!args.id(0, &id) || !args.bytes(1, "bytes", &bytes, &length)) return nullptr;
  napi_value result;
  napi_create_int64(env, loop->reactor()->write(id, bytes, length), &result);
  return result;
}

// pending(id)
Napi::Value ReactorWrap::pending(Info info) {
  Reactor* core = reactor(info);
  Id id;
  if (core == nullptr || !Args(info, "pending").id(0, &id)) return {};
  return number(info.Env(), core->pending(id));
}

Napi::Value ReactorWrap::flush(Info info) {
  Reactor* core = reactor(info);
  if (core == nullptr) return {};
  return number(info.Env(), core->flush());
}

Napi::Value ReactorWrap::shut_write(Info info) {
  return with_id(info, "shutWrite", &Reactor::shut_write);
}

Napi::Value ReactorWrap::close(Info info) { return with_id(info, "close", &Reactor::close); }

Napi::Value ReactorWrap::abort(Info info) { return with_id(info, "abort", &Reactor::abort); }

// setOption(id, level, name, value)
Napi::Value ReactorWrap::set_option(Info info) {
  Reactor* core = reactor(info);
  const Args args(info, "setOption");
  Id id;
  int level;
  int name;
  int value;
  if (core == nullptr || !args.id(0, &id) || !args.integer(1, "level", 0, INT_MAX, &level) ||
      !args.integer(2, "name", 0, INT_MAX, &name) ||
      !args.integer(3, "value", INT_MIN, INT_MAX, &value)) {
    return {};
  }
  return number(info.Env(), core->set_option(id, level, name, value));
}

// getOption(id, level, name): the value, which is never negative for the options of a stream, or a
// negative errno.
Napi::Value ReactorWrap::get_option(Info info) {
  Reactor* core = reactor(info);
  const Args args(info, "getOption");
  Id id;
  int level;
  int name;
  if (core == nullptr || !args.id(0, &id) || !args.integer(1, "level", 0, INT_MAX, &level) ||
      !args.integer(2, "name", 0, INT_MAX, &name)) {
    return {};
  }
  int value = 0;
  const int result = core->get_option(id, level, name, &value);
  return number(info.Env(), result < 0 ? result : value);
}

Napi::Value ReactorWrap::local_address(Info info) {
  return read_address(info, "localAddress", &Reactor::local_address);
}

Napi::Value ReactorWrap::remote_address(Info info) {
  return read_address(info, "remoteAddress", &Reactor::remote_address);
}

// reference(id, on)
Napi::Value ReactorWrap::reference(Info info) {
  Reactor* core = reactor(info);
  const Args args(info, "reference");
  Id id;
  bool on;
  if (core == nullptr || !args.id(0, &id) || !args.boolean(1, "on", &on)) return {};
  const int result = core->reference(id, on);
  loop()->update_reference();
  return number(info.Env(), result);
}

Napi::Value ReactorWrap::descriptor(Info info) {
  return with_id(info, "descriptor", &Reactor::descriptor);
}

Napi::Value ReactorWrap::dispose(Info info) {
  if (loop() != nullptr) loop()->close();
  return info.Env().Undefined();
}

// limit(read, write): the most bytes of one system call, 0 for no limit
Napi::Value ReactorWrap::limit(Info info) {
  FaultyKernel* kernel = faulty(info);
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
Napi::Value ReactorWrap::fault(Info info) {
  FaultyKernel* kernel = faulty(info);
  const Args args(info, "fault");
  int call;
  int error;
  int skip;
  int times;
  if (kernel == nullptr || !args.integer(0, "call", 0, static_cast<int>(Call::close), &call) ||
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

Napi::Value ReactorWrap::events(Info info) {
  return reactor(info) == nullptr ? Napi::Value() : loop()->events();
}

Napi::Value ReactorWrap::slab(Info info) {
  return reactor(info) == nullptr ? Napi::Value() : loop()->slab();
}

Napi::Value ReactorWrap::scratch(Info info) {
  return reactor(info) == nullptr ? Napi::Value() : loop()->scratch();
}

Napi::Value ReactorWrap::live(Info info) {
  Reactor* core = reactor(info);
  return core == nullptr ? Napi::Value() : number(info.Env(), core->live());
}

}  // namespace sk
