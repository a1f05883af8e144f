#include "binding/sockets_object.h"

#include <linux/filter.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <vector>

#include "binding/args.h"
#include "binding/socket_space.h"
#include "core/options.h"
#include "core/syscalls.h"
#include "core/wait.h"

namespace sk {

namespace {

using Space = SocketSpace;
using Handle = std::shared_ptr<SocketSpace>;

constexpr int kFromBirth = SOCK_CLOEXEC | SOCK_NONBLOCK;
constexpr int kRoom = static_cast<int>(Space::kRoom);

// What the program has called: its arguments, and the space that the function is bound to.
class Frame {
 public:
  Frame(napi_env env, napi_callback_info info, const char* function)
      : env_(env), args_(env, info, function, &data_) {}

  napi_env env() const { return env_; }
  const Args& args() const { return args_; }

  // The space, also when it is disposed of.
  Space* any_space() const { return static_cast<Handle*>(data_)->get(); }
  // The space; null after throwing, when it is disposed of.
  Space* space() const {
    Space* space = any_space();
    if (!space->is_disposed()) return space;
    napi_throw_error(env_, "ERR_DISPOSED", "the sockets are disposed of");
    return nullptr;
  }

  // The first argument, an id, and its descriptor or -EBADF. Null after throwing.
  Space* open(Id* id, int* fd) const {
    Space* found = space();
    if (found == nullptr || !args_.id(0, id)) return nullptr;
    *fd = found->descriptors().fd(*id);
    return found;
  }

  bool integer(size_t index, const char* name, int low, int high, int* out) const {
    return args_.integer(index, name, low, high, out);
  }
  bool flags(size_t index, int* out) const {
    return integer(index, "flags", INT_MIN, INT_MAX, out);
  }
  bool length(size_t index, int* out) const { return integer(index, "length", 0, kRoom, out); }

  napi_value answer(int64_t value) const {
    napi_value result = nullptr;
    if (value >= INT_MIN && value <= INT_MAX) {
      napi_create_int32(env_, static_cast<int32_t>(value), &result);
    } else {
      napi_create_int64(env_, value, &result);
    }
    return result;
  }

 private:
  void* data_ = nullptr;
  napi_env env_;
  Args args_;
};

// --- shapes that several calls share ----------------------------------------------------------

// The name that the program has put into the slab.
bool name_argument(const Frame& frame, const Space& space, size_t index, Sockaddr* out) {
  int length;
  if (!frame.integer(index, "nameLength", 0, Space::kNameSize, &length)) return false;
  memcpy(&out->storage, space.name(), static_cast<size_t>(length));
  out->length = static_cast<socklen_t>(length);
  return true;
}

// Shows a name that the kernel told, never more of it than it can have written.
int put_name(const Space& space, const Sockaddr& name) {
  const size_t length = name.length < Space::kNameSize ? name.length : Space::kNameSize;
  memcpy(space.name(), &name.storage, length);
  return static_cast<int>(length);
}

template <int (*call)(int, const Sockaddr&)>
napi_value with_name(const Frame& frame) {
  Id id;
  int fd;
  Sockaddr name;
  const Space* space = frame.open(&id, &fd);
  if (space == nullptr || !name_argument(frame, *space, 1, &name)) return nullptr;
  return frame.answer(fd < 0 ? fd : call(fd, name));
}

template <int (*call)(int, Sockaddr*)>
napi_value read_name(const Frame& frame) {
  Id id;
  int fd;
  const Space* space = frame.open(&id, &fd);
  if (space == nullptr) return nullptr;
  Sockaddr name;
  const int result = fd < 0 ? fd : call(fd, &name);
  return frame.answer(result < 0 ? result : put_name(*space, name));
}

napi_value with_number(const Frame& frame, const char* name, int (*call)(int, int)) {
  Id id;
  int fd;
  int number;
  if (frame.open(&id, &fd) == nullptr || !frame.integer(1, name, INT_MIN, INT_MAX, &number)) {
    return nullptr;
  }
  return frame.answer(fd < 0 ? fd : call(fd, number));
}

// Looks after a descriptor of the kernel's. An id, or a negative errno.
int64_t keep(Space* space, int fd) { return fd < 0 ? fd : space->descriptors().adopt(fd, true); }

// --- descriptors ------------------------------------------------------------------------------

struct SocketKind {
  int family;
  int type;
  int protocol;
};

bool kind_arguments(const Frame& frame, SocketKind* out) {
  return frame.integer(0, "family", 0, INT_MAX, &out->family) &&
         frame.integer(1, "type", 0, INT_MAX, &out->type) &&
         frame.integer(2, "protocol", 0, INT_MAX, &out->protocol);
}

// socket(family, type, protocol)
napi_value socket(const Frame& frame) {
  Space* space = frame.space();
  SocketKind kind;
  if (space == nullptr || !kind_arguments(frame, &kind)) return nullptr;
  return frame.answer(keep(space, sys::socket(kind.family, kind.type | kFromBirth, kind.protocol)));
}

// pair(family, type, protocol)
napi_value pair(const Frame& frame) {
  Space* space = frame.space();
  SocketKind kind;
  if (space == nullptr || !kind_arguments(frame, &kind)) return nullptr;
  int ends[2];
  const int error = sys::socketpair(kind.family, kind.type | kFromBirth, kind.protocol, ends);
  if (error < 0) return frame.answer(error);
  const int64_t first = keep(space, ends[0]);
  const int64_t second = keep(space, ends[1]);
  if (second < 0) {
    if (first >= 0) space->descriptors().close(static_cast<Id>(first));
    return frame.answer(second);
  }
  space->put_word(static_cast<int32_t>(slot_of(static_cast<Id>(second))));
  return frame.answer(first);
}

// adopt(fd, owned)
napi_value adopt(const Frame& frame) {
  Space* space = frame.space();
  int fd;
  bool is_owned;
  if (space == nullptr || !frame.integer(0, "fd", 0, INT_MAX, &fd) ||
      !frame.args().boolean(1, "owned", &is_owned)) {
    return nullptr;
  }
  const int error = sys::probe(fd);
  return frame.answer(error < 0 ? error : space->descriptors().adopt(fd, is_owned));
}

// idAt(slot)
napi_value id_at(const Frame& frame) {
  Space* space = frame.space();
  int slot;
  if (space == nullptr || !frame.integer(0, "slot", 0, INT_MAX, &slot)) return nullptr;
  return frame.answer(space->descriptors().id_at(static_cast<uint32_t>(slot)));
}

// release(id)
napi_value release(const Frame& frame) {
  Id id;
  int fd;
  Space* space = frame.open(&id, &fd);
  if (space == nullptr) return nullptr;
  space->unwatch(id);
  return frame.answer(space->descriptors().release(id));
}

// close(id)
napi_value close(const Frame& frame) {
  Id id;
  int fd;
  Space* space = frame.open(&id, &fd);
  if (space == nullptr) return nullptr;
  space->unwatch(id);
  return frame.answer(space->descriptors().close(id));
}

// descriptor(id)
napi_value descriptor(const Frame& frame) {
  Id id;
  int fd;
  return frame.open(&id, &fd) == nullptr ? nullptr : frame.answer(fd);
}

// duplicate(id)
napi_value duplicate(const Frame& frame) {
  Id id;
  int fd;
  Space* space = frame.open(&id, &fd);
  if (space == nullptr) return nullptr;
  return frame.answer(keep(space, fd < 0 ? fd : sys::duplicate(fd)));
}

// closeOnExec(id)
napi_value close_on_exec(const Frame& frame) {
  Id id;
  int fd;
  if (frame.open(&id, &fd) == nullptr) return nullptr;
  return frame.answer(fd < 0 ? fd : sys::close_on_exec(fd));
}

// setBlocking(id, isBlocking)
napi_value set_blocking(const Frame& frame) {
  Id id;
  int fd;
  bool is_blocking;
  if (frame.open(&id, &fd) == nullptr || !frame.args().boolean(1, "isBlocking", &is_blocking)) {
    return nullptr;
  }
  return frame.answer(fd < 0 ? fd : sys::set_blocking(fd, is_blocking));
}

// live()
napi_value live(const Frame& frame) {
  Space* space = frame.space();
  return space == nullptr ? nullptr : frame.answer(space->descriptors().live());
}

// listen(id, backlog)
napi_value listen(const Frame& frame) { return with_number(frame, "backlog", sys::listen); }

// shutdown(id, how)
napi_value shutdown(const Frame& frame) { return with_number(frame, "how", sys::shutdown); }

// --- names ------------------------------------------------------------------------------------

// accept(id)
napi_value accept(const Frame& frame) {
  Id id;
  int fd;
  Space* space = frame.open(&id, &fd);
  if (space == nullptr) return nullptr;
  Sockaddr peer;
  const int64_t accepted = keep(space, fd < 0 ? fd : sys::accept(fd, &peer, kFromBirth));
  if (accepted >= 0) space->put_word(put_name(*space, peer));
  return frame.answer(accepted);
}

// --- bytes ------------------------------------------------------------------------------------

// send(id, length, flags)
napi_value send(const Frame& frame) {
  Id id;
  int fd;
  int length;
  int flags;
  const Space* space = frame.open(&id, &fd);
  if (space == nullptr || !frame.length(1, &length) || !frame.flags(2, &flags)) return nullptr;
  return frame.answer(fd < 0 ? fd
                             : sys::send(fd, space->data(), static_cast<size_t>(length), flags));
}

// recv(id, length, flags)
napi_value recv(const Frame& frame) {
  Id id;
  int fd;
  int length;
  int flags;
  const Space* space = frame.open(&id, &fd);
  if (space == nullptr || !frame.length(1, &length) || !frame.flags(2, &flags)) return nullptr;
  return frame.answer(fd < 0 ? fd
                             : sys::recv(fd, space->data(), static_cast<size_t>(length), flags));
}

// The caller's own memory. Reading it may run a getter of the program's, so the descriptor is asked
// for afterwards.
bool bytes_arguments(const Frame& frame, const uint8_t** data, size_t* size, int* flags, int* fd) {
  Id id;
  return frame.args().bytes(1, "bytes", data, size) && frame.flags(2, flags) &&
         frame.open(&id, fd) != nullptr;
}

// sendBytes(id, bytes, flags)
napi_value send_bytes(const Frame& frame) {
  const uint8_t* data;
  size_t size;
  int flags;
  int fd;
  if (!bytes_arguments(frame, &data, &size, &flags, &fd)) return nullptr;
  return frame.answer(fd < 0 ? fd : sys::send(fd, data, size, flags));
}

// recvBytes(id, bytes, flags)
napi_value recv_bytes(const Frame& frame) {
  const uint8_t* data;
  size_t size;
  int flags;
  int fd;
  if (!bytes_arguments(frame, &data, &size, &flags, &fd)) return nullptr;
  return frame.answer(fd < 0 ? fd : sys::recv(fd, const_cast<uint8_t*>(data), size, flags));
}

// sendTo(id, length, flags, nameLength)
napi_value send_to(const Frame& frame) {
  Id id;
  int fd;
  int length;
  int flags;
  Sockaddr to;
  const Space* space = frame.open(&id, &fd);
  if (space == nullptr || !frame.length(1, &length) || !frame.flags(2, &flags) ||
      !name_argument(frame, *space, 3, &to)) {
    return nullptr;
  }
  const auto size = static_cast<size_t>(length);
  return frame.answer(fd < 0 ? fd : sys::sendto(fd, space->data(), size, flags, to));
}

// recvFrom(id, length, flags)
napi_value recv_from(const Frame& frame) {
  Id id;
  int fd;
  int length;
  int flags;
  Space* space = frame.open(&id, &fd);
  if (space == nullptr || !frame.length(1, &length) || !frame.flags(2, &flags)) return nullptr;
  if (fd < 0) return frame.answer(fd);
  Sockaddr from;
  const ssize_t got = sys::recvfrom(fd, space->data(), static_cast<size_t>(length), flags, &from);
  if (got >= 0) space->put_word(put_name(*space, from));
  return frame.answer(got);
}

// --- messages ---------------------------------------------------------------------------------

// The records in the slab, made ready for the kernel; `*fd` becomes a negative errno if they must
// not get there. Null after throwing.
Space* prepared(const Frame& frame, int count, bool is_receiving, int* fd) {
  Id id;
  Space* space = frame.open(&id, fd);
  if (space == nullptr) return nullptr;
  if (space->batch().prepare(space->slab(), static_cast<uint32_t>(count), is_receiving)) {
    if (!is_receiving && *fd >= 0 && space->batch().holds_address()) *fd = -EINVAL;
    return space;
  }
  napi_throw_range_error(frame.env(), "ERR_OUT_OF_RANGE",
                         "a message's record leads out of the slab");
  return nullptr;
}

bool count_argument(const Frame& frame, int* count) {
  return frame.integer(1, "count", 1, static_cast<int>(MessageBatch::kMaxMessages), count);
}

// sendMessage(id, flags)
napi_value send_message(const Frame& frame) {
  int flags;
  int fd;
  if (!frame.flags(1, &flags)) return nullptr;
  Space* space = prepared(frame, 1, false, &fd);
  if (space == nullptr) return nullptr;
  return frame.answer(fd < 0 ? fd : sys::sendmsg(fd, space->batch().first(), flags));
}

// sendMessages(id, count, flags)
napi_value send_messages(const Frame& frame) {
  int count;
  int flags;
  int fd;
  if (!count_argument(frame, &count) || !frame.flags(2, &flags)) return nullptr;
  Space* space = prepared(frame, count, false, &fd);
  if (space == nullptr) return nullptr;
  return frame.answer(
      fd < 0 ? fd
             : sys::sendmmsg(fd, space->batch().messages(), static_cast<unsigned>(count), flags));
}

// recvMessage(id, flags)
napi_value recv_message(const Frame& frame) {
  int flags;
  int fd;
  if (!frame.flags(1, &flags)) return nullptr;
  Space* space = prepared(frame, 1, true, &fd);
  if (space == nullptr) return nullptr;
  const ssize_t got = fd < 0 ? fd : sys::recvmsg(fd, space->batch().first(), flags);
  if (got >= 0) space->batch().finish(0, got, &space->descriptors());
  return frame.answer(got);
}

// recvMessages(id, count, flags)
napi_value recv_messages(const Frame& frame) {
  int count;
  int flags;
  int fd;
  if (!count_argument(frame, &count) || !frame.flags(2, &flags)) return nullptr;
  Space* space = prepared(frame, count, true, &fd);
  if (space == nullptr) return nullptr;
  mmsghdr* messages = space->batch().messages();
  const int got = fd < 0 ? fd : sys::recvmmsg(fd, messages, static_cast<unsigned>(count), flags);
  for (int i = 0; i < got; ++i) {
    space->batch().finish(static_cast<uint32_t>(i), messages[i].msg_len, &space->descriptors());
  }
  return frame.answer(got);
}

// --- options ----------------------------------------------------------------------------------

struct OptionArguments {
  Id id;
  int fd;
  int level;
  int name;
  int length;
};

Space* option_arguments(const Frame& frame, const char* length, int most, OptionArguments* out) {
  Space* space = frame.open(&out->id, &out->fd);
  if (space == nullptr || !frame.integer(1, "level", 0, INT_MAX, &out->level) ||
      !frame.integer(2, "name", 0, INT_MAX, &out->name) ||
      !frame.integer(3, length, 0, most, &out->length)) {
    return nullptr;
  }
  return space;
}

// getOption(id, level, name, length)
napi_value get_option(const Frame& frame) {
  OptionArguments option;
  const Space* space = option_arguments(frame, "length", kRoom, &option);
  if (space == nullptr) return nullptr;
  if (option.fd < 0) return frame.answer(option.fd);
  if (value_holds_address(option.level, option.name)) return frame.answer(-EINVAL);
  if (value_is_descriptor(option.level, option.name) && option.length < int{sizeof(int)}) {
    return frame.answer(-EINVAL);
  }
  auto length = static_cast<socklen_t>(option.length);
  const int result = sys::getsockopt(option.fd, option.level, option.name, space->data(), &length);
  return frame.answer(result < 0 ? result : static_cast<int64_t>(length));
}

// setOption(id, level, name, length)
napi_value set_option(const Frame& frame) {
  OptionArguments option;
  const Space* space = option_arguments(frame, "length", kRoom, &option);
  if (space == nullptr) return nullptr;
  if (option.fd < 0) return frame.answer(option.fd);
  if (value_holds_address(option.level, option.name)) return frame.answer(-EINVAL);
  return frame.answer(sys::setsockopt(option.fd, option.level, option.name, space->data(),
                                      static_cast<socklen_t>(option.length)));
}

// attachFilter(id, level, name, count)
napi_value attach_filter(const Frame& frame) {
  OptionArguments option;
  const Space* space = option_arguments(frame, "count", BPF_MAXINSNS, &option);
  if (space == nullptr) return nullptr;
  if (option.fd < 0) return frame.answer(option.fd);
  if (!takes_filter(option.level, option.name)) return frame.answer(-EINVAL);
  sock_fprog program = {};
  program.len = static_cast<unsigned short>(option.length);
  program.filter = reinterpret_cast<sock_filter*>(space->data());
  return frame.answer(
      sys::setsockopt(option.fd, option.level, option.name, &program, sizeof(program)));
}

// readFilter(id)
napi_value read_filter(const Frame& frame) {
  Id id;
  int fd;
  const Space* space = frame.open(&id, &fd);
  if (space == nullptr) return nullptr;
  if (fd < 0) return frame.answer(fd);
  // The only option whose length is not in bytes: it counts instructions.
  socklen_t count = BPF_MAXINSNS;
  static_assert(BPF_MAXINSNS * sizeof(sock_filter) <= Space::kRoom, "a filter fits the slab");
  const int result = sys::getsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, space->data(), &count);
  return frame.answer(result < 0 ? result : static_cast<int64_t>(count));
}

// count(id, which)
napi_value count(const Frame& frame) {
  static constexpr unsigned long kRequests[] = {FIONREAD, SIOCOUTQ, SIOCATMARK};
  Id id;
  int fd;
  int which;
  if (frame.open(&id, &fd) == nullptr || !frame.integer(1, "which", 0, 2, &which)) return nullptr;
  int value = 0;
  const int result = fd < 0 ? fd : sys::ioctl_int(fd, kRequests[which], &value);
  return frame.answer(result < 0 ? result : value);
}

// --- waiting ----------------------------------------------------------------------------------

// poll(count, timeout)
napi_value poll(const Frame& frame) {
  constexpr size_t kWords = 3;
  Space* space = frame.space();
  int items;
  int timeout;
  const int most = static_cast<int>(Space::kRoom / (kWords * sizeof(int32_t)));
  if (space == nullptr || !frame.integer(0, "count", 0, most, &items) ||
      !frame.integer(1, "timeout", -1, INT_MAX, &timeout)) {
    return nullptr;
  }
  auto* words = reinterpret_cast<int32_t*>(space->data());
  std::vector<pollfd> set(static_cast<size_t>(items));
  for (size_t i = 0; i < set.size(); ++i) {
    set[i] = {words[kWords * i], static_cast<short>(words[kWords * i + 1]), 0};
  }
  const int result = wait_for(set.data(), set.size(), timeout);
  for (size_t i = 0; i < set.size(); ++i) words[kWords * i + 2] = set[i].revents;
  return frame.answer(result);
}

// wait(id, events, timeout)
napi_value wait(const Frame& frame) {
  Id id;
  int fd;
  int events;
  int timeout;
  if (frame.open(&id, &fd) == nullptr || !frame.integer(1, "events", 0, SHRT_MAX, &events) ||
      !frame.integer(2, "timeout", -1, INT_MAX, &timeout)) {
    return nullptr;
  }
  pollfd item = {fd, static_cast<short>(events), 0};
  const int result = fd < 0 ? fd : wait_for(&item, 1, timeout);
  return frame.answer(result < 0 ? result : item.revents);
}

// watch(id, interest)
napi_value watch(const Frame& frame) {
  Id id;
  int fd;
  int interest;
  Space* space = frame.open(&id, &fd);
  if (space == nullptr || !frame.integer(1, "interest", 1, kReadable | kWritable, &interest)) {
    return nullptr;
  }
  const int result = space->watch(id, static_cast<uint32_t>(interest));
  bool has_thrown = false;
  napi_is_exception_pending(frame.env(), &has_thrown);
  return has_thrown ? nullptr : frame.answer(result);
}

// unwatch(id)
napi_value unwatch(const Frame& frame) {
  Id id;
  int fd;
  Space* space = frame.open(&id, &fd);
  if (space == nullptr) return nullptr;
  space->unwatch(id);
  return frame.answer(fd < 0 ? fd : 0);
}

// reference(isOn)
napi_value reference(const Frame& frame) {
  Space* space = frame.space();
  bool is_on;
  if (space == nullptr || !frame.args().boolean(0, "isOn", &is_on)) return nullptr;
  space->reference(is_on);
  return nullptr;
}

// --- the object -------------------------------------------------------------------------------

// slab()
napi_value slab(const Frame& frame) {
  const Space* space = frame.space();
  if (space == nullptr) return nullptr;
  return Napi::Uint8Array::New(frame.env(), Space::kSlabSize, space->block().show(frame.env()), 0);
}

// dispose(); again: nothing
napi_value dispose(const Frame& frame) {
  frame.any_space()->dispose();
  return nullptr;
}

struct Function {
  const char* name;
  napi_callback callback;
};

// One function a name: the frame is made here, once for all of them.
#define FUNCTION(name, call)                                        \
  {                                                                 \
    name, [](napi_env env, napi_callback_info info) -> napi_value { \
      return call(Frame(env, info, name));                          \
    }                                                               \
  }

constexpr Function kFunctions[] = {
    FUNCTION("accept", accept),
    FUNCTION("adopt", adopt),
    FUNCTION("attachFilter", attach_filter),
    FUNCTION("bind", with_name<sys::bind>),
    FUNCTION("close", close),
    FUNCTION("closeOnExec", close_on_exec),
    FUNCTION("connect", with_name<sys::connect>),
    FUNCTION("count", count),
    FUNCTION("descriptor", descriptor),
    FUNCTION("dispose", dispose),
    FUNCTION("duplicate", duplicate),
    FUNCTION("getOption", get_option),
    FUNCTION("idAt", id_at),
    FUNCTION("listen", listen),
    FUNCTION("live", live),
    FUNCTION("localAddress", read_name<sys::getsockname>),
    FUNCTION("pair", pair),
    FUNCTION("poll", poll),
    FUNCTION("readFilter", read_filter),
    FUNCTION("recv", recv),
    FUNCTION("recvBytes", recv_bytes),
    FUNCTION("recvFrom", recv_from),
    FUNCTION("recvMessage", recv_message),
    FUNCTION("recvMessages", recv_messages),
    FUNCTION("reference", reference),
    FUNCTION("release", release),
    FUNCTION("remoteAddress", read_name<sys::getpeername>),
    FUNCTION("send", send),
    FUNCTION("sendBytes", send_bytes),
    FUNCTION("sendMessage", send_message),
    FUNCTION("sendMessages", send_messages),
    FUNCTION("sendTo", send_to),
    FUNCTION("setBlocking", set_blocking),
    FUNCTION("setOption", set_option),
    FUNCTION("shutdown", shutdown),
    FUNCTION("slab", slab),
    FUNCTION("socket", socket),
    FUNCTION("unwatch", unwatch),
    FUNCTION("wait", wait),
    FUNCTION("watch", watch),
};

#undef FUNCTION

// Each function holds the space.
bool add(Napi::Env env, napi_value object, const Function& function, const Handle& handle) {
  auto* data = new Handle(handle);
  napi_value made;
  if (napi_create_function(env, function.name, NAPI_AUTO_LENGTH, function.callback, data, &made) !=
      napi_ok) {
    delete data;
    return false;
  }
  napi_add_finalizer(
      env, made, data, [](napi_env, void* held, void*) { delete static_cast<Handle*>(held); },
      nullptr, nullptr);
  return napi_set_named_property(env, object, function.name, made) == napi_ok;
}

}  // namespace

Napi::Value create_sockets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Args args(info, "createSockets");
  bool use_poll;
  if (!info[0].IsFunction()) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "createSockets: onReady must be a function");
    return {};
  }
  if (!args.boolean(1, "usePoll", &use_poll)) return {};
  const auto space = std::make_shared<Space>(env, info[0].As<Napi::Function>(), use_poll);
  if (space->block().get() == nullptr) return Napi::Number::New(env, -ENOMEM);
  const Napi::Object object = Napi::Object::New(env);
  for (const Function& function : kFunctions) {
    if (!add(env, object, function, space)) return {};
  }
  return object;
}

}  // namespace sk
