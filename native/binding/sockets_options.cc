// Functions of the sockets object about options, and about what waits in a socket.
#include <linux/filter.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "binding/sockets_frame.h"
#include "core/options.h"
#include "core/syscalls.h"

namespace sk {

namespace {

struct Option {
  int level;
  int name;
  // Of its value, in the slab: bytes, or what `length` is called.
  int length;
};

bool option_arguments(const Frame& frame, const char* length, int most, Option* out) {
  return frame.integer(1, "level", 0, INT_MAX, &out->level) &&
         frame.integer(2, "name", 0, INT_MAX, &out->name) &&
         frame.integer(3, length, 0, most, &out->length);
}

// getOption(id, level, name, length)
Answer get_option(const Frame& frame, const Subject& of) {
  Option it;
  if (!option_arguments(frame, "length", kRoom, &it)) return {};
  if (of.fd < 0) return of.fd;
  if (value_holds_address(it.level, it.name)) return -EINVAL;
  if (value_is_descriptor(it.level, it.name) && it.length < int{sizeof(int)}) return -EINVAL;
  auto length = static_cast<socklen_t>(it.length);
  const int result = sys::getsockopt(of.fd, it.level, it.name, of.space->data(), &length);
  return result < 0 ? result : static_cast<int64_t>(length);
}

// setOption(id, level, name, length)
Answer set_option(const Frame& frame, const Subject& of) {
  Option it;
  if (!option_arguments(frame, "length", kRoom, &it)) return {};
  if (of.fd < 0) return of.fd;
  if (value_holds_address(it.level, it.name)) return -EINVAL;
  const auto length = static_cast<socklen_t>(it.length);
  return sys::setsockopt(of.fd, it.level, it.name, of.space->data(), length);
}

// attachFilter(id, level, name, count)
Answer attach_filter(const Frame& frame, const Subject& of) {
  Option it;
  if (!option_arguments(frame, "count", BPF_MAXINSNS, &it)) return {};
  if (of.fd < 0) return of.fd;
  if (!takes_filter(it.level, it.name)) return -EINVAL;
  sock_fprog program = {};
  program.len = static_cast<unsigned short>(it.length);
  program.filter = reinterpret_cast<sock_filter*>(of.space->data());
  return sys::setsockopt(of.fd, it.level, it.name, &program, sizeof(program));
}

// readFilter(id)
Answer read_filter(const Frame&, const Subject& of) {
  // The only option whose length is not in bytes: it counts instructions.
  socklen_t count = BPF_MAXINSNS;
  static_assert(BPF_MAXINSNS * sizeof(sock_filter) <= Space::kRoom, "a filter fits the slab");
  const int64_t result =
      of.call(sys::getsockopt, SOL_SOCKET, SO_ATTACH_FILTER, of.space->data(), &count);
  return result < 0 ? result : static_cast<int64_t>(count);
}

// count(id, which)
Answer count(const Frame& frame, const Subject& of) {
  static constexpr unsigned long kRequests[] = {FIONREAD, SIOCOUTQ, SIOCATMARK};
  int which;
  if (!frame.integer(1, "which", 0, 2, &which)) return {};
  int value = 0;
  const int64_t result = of.call(sys::ioctl_int, kRequests[which], &value);
  return result < 0 ? result : value;
}

constexpr Function kFunctions[] = {
    SOCKETS_FUNCTION("attachFilter", of_socket<attach_filter>),
    SOCKETS_FUNCTION("count", of_socket<count>),
    SOCKETS_FUNCTION("getOption", of_socket<get_option>),
    SOCKETS_FUNCTION("readFilter", of_socket<read_filter>),
    SOCKETS_FUNCTION("setOption", of_socket<set_option>),
};

}  // namespace

FunctionTable option_functions() { return FunctionTable(kFunctions); }

}  // namespace sk
