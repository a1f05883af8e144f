// Functions of the sockets object that wait, with the thread or with Node's loop.
#include <vector>

#include "binding/sockets_frame.h"
#include "core/wait.h"

namespace sk {

namespace {

// poll(count, timeout)
Answer poll(const Frame& frame, Space* space) {
  constexpr size_t kWords = 3;
  int items;
  int timeout;
  const int most = static_cast<int>(Space::kRoom / (kWords * sizeof(int32_t)));
  if (!frame.integer(0, "count", 0, most, &items) ||
      !frame.integer(1, "timeout", -1, INT_MAX, &timeout)) {
    return {};
  }
  auto* words = reinterpret_cast<int32_t*>(space->data());
  std::vector<pollfd> set(static_cast<size_t>(items));
  for (size_t i = 0; i < set.size(); ++i) {
    set[i] = {words[kWords * i], static_cast<short>(words[kWords * i + 1]), 0};
  }
  const int result = wait_for(set.data(), set.size(), timeout);
  for (size_t i = 0; i < set.size(); ++i) words[kWords * i + 2] = set[i].revents;
  return result;
}

// wait(id, events, timeout)
Answer wait(const Frame& frame, const Subject& of) {
  int events;
  int timeout;
  if (!frame.integer(1, "events", 0, SHRT_MAX, &events) ||
      !frame.integer(2, "timeout", -1, INT_MAX, &timeout)) {
    return {};
  }
  if (of.fd < 0) return of.fd;
  pollfd item = {of.fd, static_cast<short>(events), 0};
  const int result = wait_for(&item, 1, timeout);
  return result < 0 ? result : item.revents;
}

// watch(id, interest)
Answer watch(const Frame& frame, const Subject& of) {
  int interest;
  if (!frame.integer(1, "interest", 1, kReadable | kWritable, &interest)) return {};
  const int result = of.space->watch(of.id, static_cast<uint32_t>(interest));
  bool has_thrown = false;
  napi_is_exception_pending(frame.env(), &has_thrown);
  return has_thrown ? Answer() : result;
}

// unwatch(id)
Answer unwatch(const Frame&, const Subject& of) {
  of.space->unwatch(of.id);
  return of.fd < 0 ? of.fd : 0;
}

// reference(isOn)
napi_value reference(const Frame& frame) {
  Space* space = frame.space();
  bool is_on;
  if (space == nullptr || !frame.args().boolean(0, "isOn", &is_on)) return nullptr;
  space->reference(is_on);
  return nullptr;
}

constexpr Function kFunctions[] = {
    SOCKETS_FUNCTION("poll", of_space<poll>),        SOCKETS_FUNCTION("reference", reference),
    SOCKETS_FUNCTION("unwatch", of_socket<unwatch>), SOCKETS_FUNCTION("wait", of_socket<wait>),
    SOCKETS_FUNCTION("watch", of_socket<watch>),
};

}  // namespace

FunctionTable wait_functions() { return FunctionTable(kFunctions); }

}  // namespace sk
