// Functions of the sockets object that send and receive: bytes, and messages by their records.
#include <cerrno>

#include "binding/sockets_frame.h"
#include "core/syscalls.h"

namespace sk {

namespace {

// --- bytes of the slab ------------------------------------------------------------------------

struct Transfer {
  uint8_t* data;
  size_t length;
  int flags;
};

bool transfer_arguments(const Frame& frame, const Subject& of, Transfer* out) {
  out->data = of.space->data();
  return frame.length(1, &out->length) && frame.flags(2, &out->flags);
}

// send(id, length, flags)
Answer send(const Frame& frame, const Subject& by) {
  Transfer it;
  if (!transfer_arguments(frame, by, &it)) return {};
  return by.call(sys::send, it.data, it.length, it.flags);
}

// recv(id, length, flags)
Answer recv(const Frame& frame, const Subject& by) {
  Transfer it;
  if (!transfer_arguments(frame, by, &it)) return {};
  return by.call(sys::recv, it.data, it.length, it.flags);
}

// sendTo(id, length, flags, nameLength)
Answer send_to(const Frame& frame, const Subject& by) {
  Transfer it;
  Sockaddr to;
  if (!transfer_arguments(frame, by, &it) || !name_argument(frame, *by.space, 3, &to)) return {};
  return by.call(sys::sendto, it.data, it.length, it.flags, to);
}

// recvFrom(id, length, flags)
Answer recv_from(const Frame& frame, const Subject& by) {
  Transfer it;
  if (!transfer_arguments(frame, by, &it)) return {};
  Sockaddr from;
  const int64_t got = by.call(sys::recvfrom, it.data, it.length, it.flags, &from);
  if (got >= 0) by.space->put_word(put_name(*by.space, from));
  return got;
}

// --- bytes of the caller's own ----------------------------------------------------------------

// Reading them may run a getter of the program's, so the descriptor is asked for afterwards.
bool bytes_arguments(const Frame& frame, Transfer* out, Subject* by) {
  const uint8_t* data;
  if (!frame.args().bytes(1, "bytes", &data, &out->length) || !frame.flags(2, &out->flags) ||
      !frame.subject(by)) {
    return false;
  }
  out->data = const_cast<uint8_t*>(data);
  return true;
}

// sendBytes(id, bytes, flags)
napi_value send_bytes(const Frame& frame) {
  Transfer it;
  Subject by;
  if (!bytes_arguments(frame, &it, &by)) return nullptr;
  return frame.answer(by.call(sys::send, it.data, it.length, it.flags));
}

// recvBytes(id, bytes, flags)
napi_value recv_bytes(const Frame& frame) {
  Transfer it;
  Subject by;
  if (!bytes_arguments(frame, &it, &by)) return nullptr;
  return frame.answer(by.call(sys::recv, it.data, it.length, it.flags));
}

// --- messages ---------------------------------------------------------------------------------

// Records of the slab, made ready for the kernel.
struct Records {
  // 1 unless there is an argument.
  int count = 1;
  int flags;
  // The descriptor, or a negative errno if the records must not get there.
  int fd;
};

// False after throwing.
bool prepare(const Frame& frame, const Subject& of, bool is_receiving, Records* out) {
  MessageBatch& batch = of.space->batch();
  if (!batch.prepare(of.space->slab(), static_cast<uint32_t>(out->count), is_receiving)) {
    napi_throw_range_error(frame.env(), "ERR_OUT_OF_RANGE",
                           "a message's record leads out of the slab");
    return false;
  }
  out->fd = !is_receiving && of.fd >= 0 && batch.holds_address() ? -EINVAL : of.fd;
  return true;
}

bool count_argument(const Frame& frame, Records* out) {
  return frame.integer(1, "count", 1, static_cast<int>(MessageBatch::kMaxMessages), &out->count) &&
         frame.flags(2, &out->flags);
}

// sendMessage(id, flags)
Answer send_message(const Frame& frame, const Subject& by) {
  Records records;
  if (!frame.flags(1, &records.flags) || !prepare(frame, by, false, &records)) return {};
  const int fd = records.fd;
  return fd < 0 ? fd : sys::sendmsg(fd, by.space->batch().first(), records.flags);
}

// sendMessages(id, count, flags)
Answer send_messages(const Frame& frame, const Subject& by) {
  Records records;
  if (!count_argument(frame, &records) || !prepare(frame, by, false, &records)) return {};
  const auto count = static_cast<unsigned>(records.count);
  const int fd = records.fd;
  return fd < 0 ? fd : sys::sendmmsg(fd, by.space->batch().messages(), count, records.flags);
}

// recvMessage(id, flags)
Answer recv_message(const Frame& frame, const Subject& by) {
  Records records;
  if (!frame.flags(1, &records.flags) || !prepare(frame, by, true, &records)) return {};
  MessageBatch& batch = by.space->batch();
  const int64_t got = by.call(sys::recvmsg, batch.first(), records.flags);
  if (got >= 0) batch.finish(0, got, &by.space->descriptors());
  return got;
}

// recvMessages(id, count, flags)
Answer recv_messages(const Frame& frame, const Subject& by) {
  Records records;
  if (!count_argument(frame, &records) || !prepare(frame, by, true, &records)) return {};
  MessageBatch& batch = by.space->batch();
  mmsghdr* messages = batch.messages();
  const auto count = static_cast<unsigned>(records.count);
  const int64_t got = by.call(sys::recvmmsg, messages, count, records.flags);
  for (int64_t i = 0; i < got; ++i) {
    batch.finish(static_cast<uint32_t>(i), messages[i].msg_len, &by.space->descriptors());
  }
  return got;
}

constexpr Function kFunctions[] = {
    SOCKETS_FUNCTION("recv", of_socket<recv>),
    SOCKETS_FUNCTION("recvBytes", recv_bytes),
    SOCKETS_FUNCTION("recvFrom", of_socket<recv_from>),
    SOCKETS_FUNCTION("recvMessage", of_socket<recv_message>),
    SOCKETS_FUNCTION("recvMessages", of_socket<recv_messages>),
    SOCKETS_FUNCTION("send", of_socket<send>),
    SOCKETS_FUNCTION("sendBytes", send_bytes),
    SOCKETS_FUNCTION("sendMessage", of_socket<send_message>),
    SOCKETS_FUNCTION("sendMessages", of_socket<send_messages>),
    SOCKETS_FUNCTION("sendTo", of_socket<send_to>),
};

}  // namespace

FunctionTable message_functions() { return FunctionTable(kFunctions); }

}  // namespace sk
