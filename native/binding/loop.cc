#include "binding/loop.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include "core/datagram_record.h"
#include "core/memory.h"

namespace sk {

namespace {
// Batches that one wake-up may hand over before the rest of Node gets its turn.
constexpr int kRounds = 4;
constexpr size_t kEventBytes = Reactor::kEventCapacity * sizeof(Event);
}  // namespace

Loop::Loop(Napi::Env env, Options options)
    : env_(env),
      on_batch_(Napi::Persistent(options.on_batch)),
      events_(kEventBytes),
      slab_(kSlabSize),
      scratch_(kScratchSize),
      keeps_memory_(options.keeps_memory),
      busy_poll_(options.busy_poll),
      faulty_(options.faulty) {
  reactor_ =
      std::make_unique<Reactor>(std::move(options.poller), std::move(options.kernel), slab_.get(),
                                kSlabSize, reinterpret_cast<Event*>(events_.get()));
  reactor_->set_blocks(this);
}

Napi::Value Loop::events() const {
  return Napi::Int32Array::New(env_, kEventBytes / sizeof(int32_t), events_.show(env_), 0);
}

Napi::Value Loop::slab() const {
  return Napi::Uint8Array::New(env_, kSlabSize, slab_.show(env_), 0);
}

Napi::Value Loop::scratch() const {
  return Napi::Uint8Array::New(env_, kScratchSize, scratch_.show(env_), 0);
}

std::shared_ptr<LoopHandle> Loop::create(Napi::Env env, Options options) {
  Loop* loop = new Loop(env, std::move(options));
  if (loop->events_.get() == nullptr || loop->slab_.get() == nullptr ||
      loop->scratch_.get() == nullptr) {
    napi_throw_error(env, "ENOMEM", "no memory for a reactor");
    delete loop;
    return nullptr;
  }
  loop->handle_ = std::make_shared<LoopHandle>();
  loop->handle_->loop = loop;
  const std::shared_ptr<LoopHandle> handle = loop->handle_;
  return loop->start() ? handle : nullptr;
}

bool Loop::start() {
  FdWatch* watch = FdWatch::start(env_, reactor_->fd(), this);
  if (watch == nullptr) return false;  // this loop is gone, or will be
  watch_ = watch;
  if (busy_poll_ > 0) {
    spinner_ = Spinner::start(env_, busy_poll_, this);
    if (spinner_ == nullptr) {
      close();
      return false;
    }
  }
  update_reference();
  return true;
}

void Loop::on_ready() { run_batches(); }

bool Loop::poll_once() { return run_batches(); }

bool Loop::run_batches() {
  bool found = false;
  for (int round = 0; round < kRounds; ++round) {
    bool ended = false;
    found = run_batch(&ended) > 0 || found;
    if (ended) return true;
    if (!reactor_->has_work()) break;
  }
  if (reactor_->has_work()) reactor_->wake();
  if (found && spinner_ != nullptr) spinner_->heat();
  update_reference();
  return found;
}

void Loop::own_messages(const Event& event, std::vector<napi_value>* args) {
  uint8_t* at = slab_.get() + event.a;
  for (int32_t i = 0; i < event.b; ++i) {
    auto* record = reinterpret_cast<DatagramRecord*>(at);
    at += sizeof(DatagramRecord);
    if (record->family == static_cast<int32_t>(Family::unix_path)) {
      at += padded_to_8(static_cast<size_t>(record->port));
    }
    const auto size = static_cast<size_t>(record->size);
    void* data;
    napi_value buffer;
    // Where there is no memory the record says so, by a buffer of -1.
    if (napi_create_arraybuffer(env_, size, &data, &buffer) == napi_ok) {
      if (size > 0) memcpy(data, at, size);
      record->buffer = static_cast<int32_t>(args->size()) - 1;
      args->push_back(buffer);
    }
    at += padded_to_8(size);
  }
}

uint32_t Loop::run_batch(bool* ended) {
  const Napi::HandleScope scope(env_);
  blocks_.clear();
  const uint32_t count = reactor_->collect();
  if (count == 0) return 0;
  std::vector<napi_value> args(1);
  napi_create_uint32(env_, count, &args[0]);
  hand_over(count, &args);
  reactor_->begin_turn();
  napi_value receiver;
  napi_get_global(env_, &receiver);
  const napi_status status = napi_make_callback(env_, nullptr, receiver, on_batch_.Value(),
                                                args.size(), args.data(), nullptr);
  if (status == napi_pending_exception) {
    napi_value error;
    napi_get_and_clear_last_exception(env_, &error);
    napi_fatal_exception(env_, error);
  }
  *ended = reactor_ == nullptr;
  // The handler ends its turn itself; if it failed, what was written must still go out.
  if (!*ended && reactor_->in_turn()) reactor_->flush();
  return count;
}

void Loop::hand_over(uint32_t count, std::vector<napi_value>* args) {
  auto* events = reinterpret_cast<Event*>(events_.get());
  const uint8_t* slab = slab_.get();
  size_t direct = 0;
  for (uint32_t i = 0; i < count; ++i) {
    Event& event = events[i];
    napi_value buffer = nullptr;
    if (event.kind == static_cast<int32_t>(EventKind::datagram_owned)) own_messages(event, args);
    if (event.kind == static_cast<int32_t>(EventKind::data_direct)) {
      event.kind = static_cast<int32_t>(EventKind::data_owned);
      buffer = blocks_[direct++];
    } else if (event.kind == static_cast<int32_t>(EventKind::data_owned)) {
      void* data;
      const auto length = static_cast<size_t>(event.b);
      if (napi_create_arraybuffer(env_, length, &data, &buffer) != napi_ok) {
        event = {static_cast<int32_t>(EventKind::read_failed), event.slot, ENOMEM, 0};
        continue;
      }
      memcpy(data, slab + event.a, length);
    } else {
      continue;
    }
    event.a = static_cast<int32_t>(args->size()) - 1;
    args->push_back(buffer);
  }
}

// A Node buffer of its own is over exactly as much memory, which nobody clears.
uint8_t* Loop::give(size_t length) {
  if (keeps_memory_) keep_freed_memory();
  void* data;
  napi_value bytes;
  napi_value buffer;
  size_t size;
  size_t offset;
  napi_typedarray_type type;
  if (napi_create_buffer(env_, length, &data, &bytes) != napi_ok ||
      napi_get_typedarray_info(env_, bytes, &type, &size, nullptr, &buffer, &offset) != napi_ok) {
    return nullptr;
  }
  void* start;
  size_t all;
  const bool is_exact = napi_get_arraybuffer_info(env_, buffer, &start, &all) == napi_ok &&
                        offset == 0 && all == length;
  if (!is_exact) return nullptr;
  blocks_.push_back(buffer);
  return static_cast<uint8_t*>(data);
}

void Loop::update_reference() {
  if (reactor_ == nullptr) return;
  watch_->reference(reactor_->referenced() > 0);
}

void Loop::close() {
  if (reactor_ == nullptr) return;
  if (handle_ != nullptr) handle_->loop = nullptr;
  // libuv must let go of the descriptor before it is closed. What is closed last is told first, so
  // that the spinner's end comes before this object's.
  watch_->close();
  if (spinner_ != nullptr) spinner_->close();
  spinner_ = nullptr;
  reactor_.reset();
}

}  // namespace sk
