#include "binding/names.h"

#include <dlfcn.h>
#include <uv.h>

#include <climits>
#include <cstring>
#include <memory>
#include <optional>

#include "binding/args.h"
#include "binding/value.h"
#include "core/name_pool.h"

namespace sk {

namespace {

using Info = const Napi::CallbackInfo&;

// Node unloads this library when the last environment that has loaded it ends, as it does with a
// worker. A thread that is in the resolver then would return into memory that is gone. So before
// there can be such a thread the library is kept, to the end of the process.
bool pin_library() {
  Dl_info self;
  return ::dladdr(reinterpret_cast<void*>(&pin_library), &self) != 0 &&
         ::dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != nullptr;
}

// The pool of the process, for all of its environments; null if it must not be. It is never
// destroyed: its threads may be at work while the process ends.
NamePool* shared_pool() {
  static NamePool* const pool = pin_library() ? new NamePool(look_up, {}) : nullptr;
  return pool;
}

// --- answers ----------------------------------------------------------------------------------

napi_value value_of(napi_env env, const AddressInfo& row) {
  return ObjectMaker(env)
      .set("family", row.family)
      .set("type", row.type)
      .set("protocol", row.protocol)
      .set("flags", row.flags)
      .set("sockaddr", bytes_value(env, row.address.get(), row.address.length))
      .set("canonicalName",
           row.canonical_name ? text_value(env, *row.canonical_name) : null_value(env))
      .value();
}

napi_value value_of(napi_env env, const Answer& answer) {
  const auto row_value = [](napi_env in, const AddressInfo& row) { return value_of(in, row); };
  return ObjectMaker(env)
      .set("code", answer.code)
      .set("errno", answer.error)
      .set("addresses", array_value(env, answer.rows, row_value))
      .set("host", answer.host)
      .set("service", answer.service)
      .value();
}

// --- questions --------------------------------------------------------------------------------

// (host, service, family, type, protocol, flags)
bool address_question(const Args& args, Question* out) {
  return args.text_or_null(0, "host", &out->host) &&
         args.text_or_null(1, "service", &out->service) &&
         args.integer(2, "family", INT_MIN, INT_MAX, &out->family) &&
         args.integer(3, "type", INT_MIN, INT_MAX, &out->type) &&
         args.integer(4, "protocol", INT_MIN, INT_MAX, &out->protocol) &&
         args.integer(5, "flags", INT_MIN, INT_MAX, &out->flags);
}

// (sockaddr, flags)
bool name_question(const Args& args, Question* out) {
  const uint8_t* bytes;
  size_t length;
  Sockaddr address;
  if (!args.bytes(0, "sockaddr", &bytes, &length) ||
      !args.integer(1, "flags", INT_MIN, INT_MAX, &out->flags)) {
    return false;
  }
  if (length > sizeof(address.storage))
    return args.range_error("sockaddr.length", 0, sizeof(address.storage));
  if (length > 0) memcpy(&address.storage, bytes, length);
  address.length = static_cast<socklen_t>(length);
  out->address = address;
  return true;
}

template <bool (*read)(const Args&, Question*)>
Napi::Value find_now(Info info) {
  Question question;
  if (!read(Args(info, "find"), &question)) return {};
  return {info.Env(), value_of(info.Env(), look_up(question))};
}

// --- an environment's part of the pool --------------------------------------------------------

class Names;

// What functions reach it by; `names` is null when it has ended.
struct NamesHandle {
  Names* names = nullptr;
};

class Names {
 public:
  // Null after throwing.
  static std::shared_ptr<NamesHandle> create(Napi::Env env, Napi::Function on_answer);

  // An id, or a negative errno.
  int64_t ask(Question question);
  void cancel(uint64_t id);

 private:
  Names(Napi::Env env, Napi::Function on_answer, NamePool* pool)
      : env_(env),
        on_answer_(Napi::Persistent(on_answer)),
        pool_(*pool),
        handle_(std::make_shared<NamesHandle>()) {
    handle_->names = this;
  }
  ~Names() = default;

  bool start();
  void on_wake();
  void tell(const NamePool::Finished& finished);
  // Keeps Node's loop alive while an answer is to come.
  void update_reference();
  // Frees the object when libuv has let go.
  void close();

  Napi::Env env_;
  Napi::FunctionReference on_answer_;
  NamePool& pool_;
  std::shared_ptr<NamesHandle> handle_;
  std::shared_ptr<NamePool::Client> client_;
  uv_async_t async_ = {};
  napi_async_cleanup_hook_handle hook_ = nullptr;
  uint64_t last_id_ = 0;
  size_t pending_ = 0;
};

std::shared_ptr<NamesHandle> Names::create(Napi::Env env, Napi::Function on_answer) {
  NamePool* pool = shared_pool();
  if (pool == nullptr) {
    napi_throw_error(env, "ERR_NOT_PINNED", "cannot keep the native module in memory");
    return nullptr;
  }
  auto* names = new Names(env, on_answer, pool);
  const std::shared_ptr<NamesHandle> handle = names->handle_;
  return names->start() ? handle : nullptr;
}

bool Names::start() {
  uv_loop_t* uv = nullptr;
  napi_get_uv_event_loop(env_, &uv);
  const int error = uv_async_init(
      uv, &async_, [](uv_async_t* handle) { static_cast<Names*>(handle->data)->on_wake(); });
  if (error != 0) {
    napi_throw_error(env_, uv_err_name(error), "cannot wake Node's loop");
    delete this;
    return false;
  }
  async_.data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(&async_));
  client_ = pool_.join([this] { uv_async_send(&async_); });
  // Only an asynchronous hook lets uv_close finish before the environment is gone.
  napi_add_async_cleanup_hook(
      env_, [](napi_async_cleanup_hook_handle, void* self) { static_cast<Names*>(self)->close(); },
      this, &hook_);
  return true;
}

int64_t Names::ask(Question question) {
  const int error = pool_.ask(client_, last_id_ + 1, std::move(question));
  if (error != 0) return error;
  ++pending_;
  update_reference();
  return static_cast<int64_t>(++last_id_);
}

void Names::cancel(uint64_t id) {
  if (!pool_.cancel(*client_, id)) return;
  --pending_;
  update_reference();
}

void Names::on_wake() {
  const std::vector<NamePool::Finished> all = pool_.take(*client_);
  pending_ -= all.size();
  update_reference();
  for (const NamePool::Finished& each : all) tell(each);
}

void Names::tell(const NamePool::Finished& finished) {
  const Napi::HandleScope scope(env_);
  napi_value receiver = nullptr;
  napi_get_global(env_, &receiver);
  const napi_value args[] = {number_value(env_, static_cast<int64_t>(finished.id)),
                             value_of(env_, finished.answer)};
  const napi_status status =
      napi_make_callback(env_, nullptr, receiver, on_answer_.Value(), 2, args, nullptr);
  if (status == napi_pending_exception) {
    napi_value error = nullptr;
    napi_get_and_clear_last_exception(env_, &error);
    napi_fatal_exception(env_, error);
  }
}

void Names::update_reference() {
  auto* handle = reinterpret_cast<uv_handle_t*>(&async_);
  pending_ > 0 ? uv_ref(handle) : uv_unref(handle);
}

void Names::close() {
  handle_->names = nullptr;
  // From now on no thread wakes the loop, so that the handle can go.
  pool_.leave(*client_);
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), [](uv_handle_t* handle) {
    auto* self = static_cast<Names*>(handle->data);
    napi_remove_async_cleanup_hook(self->hook_);
    delete self;
  });
}

// --- the object -------------------------------------------------------------------------------

using Handle = std::shared_ptr<NamesHandle>;

// Null after throwing, when the environment is ending.
Names* names_of(Info info) {
  Names* names = (*static_cast<Handle*>(info.Data()))->names;
  if (names == nullptr) napi_throw_error(info.Env(), "ERR_DISPOSED", "the environment is ending");
  return names;
}

template <bool (*read)(const Args&, Question*)>
Napi::Value ask(Info info) {
  Question question;
  if (!read(Args(info, "ask"), &question)) return {};
  // Only now: a getter of the program's may have run.
  Names* names = names_of(info);
  if (names == nullptr) return {};
  return Napi::Number::New(info.Env(), static_cast<double>(names->ask(std::move(question))));
}

Napi::Value cancel(Info info) {
  int64_t id;
  if (!Args(info, "cancel").integer(0, "id", int64_t{0}, (int64_t{1} << 53) - 1, &id)) return {};
  Names* names = names_of(info);
  if (names != nullptr) names->cancel(static_cast<uint64_t>(id));
  return {};
}

template <Napi::Value (*call)(Info)>
void add(Napi::Object object, const char* name, const Handle& handle) {
  auto* data = new Handle(handle);
  Napi::Function function = Napi::Function::New<call>(object.Env(), name, data);
  function.AddFinalizer([](Napi::Env, Handle* held) { delete held; }, data);
  object.Set(name, function);
}

// createNames(onAnswer)
Napi::Value create_names(Info info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsFunction()) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "createNames: onAnswer must be a function");
    return {};
  }
  const Handle handle = Names::create(env, info[0].As<Napi::Function>());
  if (handle == nullptr) return {};
  Napi::Object object = Napi::Object::New(env);
  add<ask<address_question>>(object, "askAddresses", handle);
  add<ask<name_question>>(object, "askNames", handle);
  add<cancel>(object, "cancel", handle);
  return object;
}

}  // namespace

void add_names(Napi::Env env, Napi::Object exports) {
  exports.Set("createNames", Napi::Function::New<create_names>(env, "createNames"));
  exports.Set("findAddresses",
              Napi::Function::New<find_now<address_question>>(env, "findAddresses"));
  exports.Set("findNames", Napi::Function::New<find_now<name_question>>(env, "findNames"));
}

}  // namespace sk
