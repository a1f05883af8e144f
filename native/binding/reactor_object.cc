#include "binding/reactor_object.h"

#include <memory>

#include "binding/reactor_frame.h"

namespace sk {

namespace {

// Microseconds. Longer than this everything else in the process would have to wait.
constexpr int kMaxBusyPoll = 1000;

// The faulty kernel; null after throwing, when the reactor was made without.
FaultyKernel* faulty_of(Info info) {
  Loop* loop = loop_of(info);
  if (loop == nullptr) return nullptr;
  if (loop->faulty() == nullptr) {
    napi_throw_error(info.Env(), "ERR_NO_FAULTS", "the reactor was made without faults");
  }
  return loop->faulty();
}

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

Napi::Object describe(Napi::Env env, const Loop& loop, const Handle& handle) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("events", loop.events());
  object.Set("scratch", loop.scratch());
  add_socket_calls(object, handle);
  add_input_calls(object, handle);
  add_output_calls(object, handle);
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
