// Functions of the sockets object that make descriptors, give them names, and let go of them.
#include <cerrno>

#include "binding/sockets_frame.h"
#include "core/syscalls.h"

namespace sk {

namespace {

constexpr int kFromBirth = SOCK_CLOEXEC | SOCK_NONBLOCK;

// Looks after a descriptor of the kernel's. An id, or a negative errno.
int64_t keep(Space* space, int64_t fd) {
  return fd < 0 ? fd : space->descriptors().adopt(static_cast<int>(fd), true);
}

// --- made -------------------------------------------------------------------------------------

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
Answer socket(const Frame& frame, Space* space) {
  SocketKind kind;
  if (!kind_arguments(frame, &kind)) return {};
  return keep(space, sys::socket(kind.family, kind.type | kFromBirth, kind.protocol));
}

// pair(family, type, protocol)
Answer pair(const Frame& frame, Space* space) {
  SocketKind kind;
  if (!kind_arguments(frame, &kind)) return {};
  int ends[2];
  const int error = sys::socketpair(kind.family, kind.type | kFromBirth, kind.protocol, ends);
  if (error < 0) return error;
  const int64_t first = keep(space, ends[0]);
  const int64_t second = keep(space, ends[1]);
  if (second < 0) {
    if (first >= 0) space->descriptors().close(static_cast<Id>(first));
    return second;
  }
  space->put_word(static_cast<int32_t>(slot_of(static_cast<Id>(second))));
  return first;
}

// adopt(fd, owned)
Answer adopt(const Frame& frame, Space* space) {
  int fd;
  bool is_owned;
  if (!frame.integer(0, "fd", 0, INT_MAX, &fd) || !frame.args().boolean(1, "owned", &is_owned)) {
    return {};
  }
  const int error = sys::probe(fd);
  return error < 0 ? error : space->descriptors().adopt(fd, is_owned);
}

// duplicate(id)
Answer duplicate(const Frame&, const Subject& of) {
  return keep(of.space, of.call(sys::duplicate));
}

// accept(id)
Answer accept(const Frame&, const Subject& at) {
  Sockaddr peer;
  const int64_t accepted = keep(at.space, at.call(sys::accept, &peer, kFromBirth));
  if (accepted >= 0) at.space->put_word(put_name(*at.space, peer));
  return accepted;
}

// --- named ------------------------------------------------------------------------------------

// bind(id, nameLength), connect(id, nameLength)
template <int (*call)(int, const Sockaddr&)>
Answer with_name(const Frame& frame, const Subject& of) {
  Sockaddr name;
  if (!name_argument(frame, *of.space, 1, &name)) return {};
  return of.call(call, name);
}

// localAddress(id), remoteAddress(id)
template <int (*call)(int, Sockaddr*)>
Answer read_name(const Frame&, const Subject& of) {
  Sockaddr name;
  const int64_t result = of.call(call, &name);
  return result < 0 ? result : put_name(*of.space, name);
}

// --- changed ----------------------------------------------------------------------------------

Answer with_number(const Frame& frame, const Subject& of, const char* name, int (*call)(int, int)) {
  int number;
  if (!frame.integer(1, name, INT_MIN, INT_MAX, &number)) return {};
  return of.call(call, number);
}

// listen(id, backlog)
Answer listen(const Frame& frame, const Subject& of) {
  return with_number(frame, of, "backlog", sys::listen);
}

// shutdown(id, how)
Answer shutdown(const Frame& frame, const Subject& of) {
  return with_number(frame, of, "how", sys::shutdown);
}

// closeOnExec(id)
Answer close_on_exec(const Frame&, const Subject& of) { return of.call(sys::close_on_exec); }

// setBlocking(id, isBlocking)
Answer set_blocking(const Frame& frame, const Subject& of) {
  bool is_blocking;
  if (!frame.args().boolean(1, "isBlocking", &is_blocking)) return {};
  return of.call(sys::set_blocking, is_blocking);
}

// --- let go of --------------------------------------------------------------------------------

// release(id)
Answer release(const Frame&, const Subject& of) {
  of.space->unwatch(of.id);
  return of.space->descriptors().release(of.id);
}

// close(id)
Answer close(const Frame&, const Subject& of) {
  of.space->unwatch(of.id);
  return of.space->descriptors().close(of.id);
}

// --- told -------------------------------------------------------------------------------------

// descriptor(id)
Answer descriptor(const Frame&, const Subject& of) { return of.fd; }

// idAt(slot)
Answer id_at(const Frame& frame, Space* space) {
  int slot;
  if (!frame.integer(0, "slot", 0, INT_MAX, &slot)) return {};
  return space->descriptors().id_at(static_cast<uint32_t>(slot));
}

// live()
Answer live(const Frame&, Space* space) { return space->descriptors().live(); }

constexpr Function kFunctions[] = {
    SOCKETS_FUNCTION("accept", of_socket<accept>),
    SOCKETS_FUNCTION("adopt", of_space<adopt>),
    SOCKETS_FUNCTION("bind", of_socket<with_name<sys::bind>>),
    SOCKETS_FUNCTION("close", of_socket<close>),
    SOCKETS_FUNCTION("closeOnExec", of_socket<close_on_exec>),
    SOCKETS_FUNCTION("connect", of_socket<with_name<sys::connect>>),
    SOCKETS_FUNCTION("descriptor", of_socket<descriptor>),
    SOCKETS_FUNCTION("duplicate", of_socket<duplicate>),
    SOCKETS_FUNCTION("idAt", of_space<id_at>),
    SOCKETS_FUNCTION("listen", of_socket<listen>),
    SOCKETS_FUNCTION("live", of_space<live>),
    SOCKETS_FUNCTION("localAddress", of_socket<read_name<sys::getsockname>>),
    SOCKETS_FUNCTION("pair", of_space<pair>),
    SOCKETS_FUNCTION("release", of_socket<release>),
    SOCKETS_FUNCTION("remoteAddress", of_socket<read_name<sys::getpeername>>),
    SOCKETS_FUNCTION("setBlocking", of_socket<set_blocking>),
    SOCKETS_FUNCTION("shutdown", of_socket<shutdown>),
    SOCKETS_FUNCTION("socket", of_space<socket>),
};

}  // namespace

FunctionTable descriptor_functions() { return FunctionTable(kFunctions); }

}  // namespace sk
