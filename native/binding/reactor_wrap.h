// The JavaScript class `Reactor`: argument checks, one call into the core, a number back.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/args.h"
#include "binding/loop.h"

namespace sk {

class ReactorWrap : public Napi::ObjectWrap<ReactorWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ReactorWrap(const Napi::CallbackInfo& info);
  ~ReactorWrap() override;

 private:
  using Info = const Napi::CallbackInfo&;
  using IdCall = int (Reactor::*)(Id);

  Napi::Value socket(Info info);
  Napi::Value bind(Info info);
  Napi::Value connect(Info info);
  Napi::Value listen(Info info);
  Napi::Value start_reading(Info info);
  Napi::Value start_accepting(Info info);
  Napi::Value stop(Info info);
  Napi::Value pending(Info info);
  Napi::Value flush(Info info);
  Napi::Value shut_write(Info info);
  Napi::Value close(Info info);
  Napi::Value abort(Info info);
  Napi::Value set_option(Info info);
  Napi::Value get_option(Info info);
  Napi::Value local_address(Info info);
  Napi::Value remote_address(Info info);
  Napi::Value reference(Info info);
  Napi::Value descriptor(Info info);
  Napi::Value dispose(Info info);
  Napi::Value limit(Info info);
  Napi::Value fault(Info info);
  Napi::Value events(Info info);
  Napi::Value slab(Info info);
  Napi::Value scratch(Info info);
  Napi::Value live(Info info);

  static napi_value write(napi_env env, napi_callback_info info);
  void bind_write(Napi::Env env, Napi::Object self);
  Loop* loop() const { return handle_->loop; }
  // Null after throwing: `this` is foreign, or the reactor has been disposed of.
  Reactor* reactor(Info info);
  // The faulty kernel, or null after throwing, when the reactor was not made with one.
  FaultyKernel* faulty(Info info);
  Napi::Value with_id(Info info, const char* name, IdCall call);
  Napi::Value with_address(Info info, const char* name, int (Reactor::*call)(Id, const Sockaddr&));
  Napi::Value read_address(Info info, const char* name, int (Reactor::*call)(Id, Address*));

  std::shared_ptr<LoopHandle> handle_ = std::make_shared<LoopHandle>();
  FaultyKernel* faulty_ = nullptr;
};

}  // namespace sk
