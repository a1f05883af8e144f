// The functions of the reactor object that have something told: bytes, connections, messages.
#include "binding/envelope.h"
#include "binding/reactor_frame.h"

namespace sk {

namespace {

constexpr uint32_t kAllMeta = kMetaLocal | kMetaTtl | kMetaTrafficClass | kMetaTimestamp;

// How much is read at once.
constexpr Whole<uint32_t> size_up_to(uint32_t most) { return {"size", 1, most}; }

// startReading(id, size, owned)
Napi::Value start_reading(Info info) {
  return call(info, "startReading", &Reactor::start_reading, Socket{},
              size_up_to(Reactor::kMaxRead), Truth{"owned"});
}

// startAccepting(id)
Napi::Value start_accepting(Info info) {
  return call(info, "startAccepting", &Reactor::start_accepting, Socket{});
}

// startReceiving(id, size, owned, meta)
Napi::Value start_receiving(Info info) {
  return call(info, "startReceiving", &Reactor::start_receiving, Socket{},
              size_up_to(Reactor::kMaxMessage), Truth{"owned"},
              Whole<uint32_t>{"meta", 0, kAllMeta});
}

// stop(id)
Napi::Value stop(Info info) { return call(info, "stop", &Reactor::stop, Socket{}); }

// membership(id, joins, interfaceIndex): the group and the source are in the scratch
Napi::Value membership(Info info) {
  const auto changed = [&info](Reactor& reactor, Id id, bool joins, int interface_index) {
    Membership wanted = {};
    wanted.joins = joins;
    wanted.interface_index = static_cast<uint32_t>(interface_index);
    read_ends(loop_of(info)->scratch_data(), &wanted.source, &wanted.group);
    return reactor.membership(id, wanted);
  };
  return call(info, "membership", changed, Socket{}, Truth{"joins"}, natural("interfaceIndex"));
}

// drops(id)
Napi::Value drops(Info info) { return call(info, "drops", &Reactor::drops, Socket{}); }

}  // namespace

void add_input_calls(Napi::Object object, const Handle& handle) {
  add<start_reading>(object, "startReading", handle);
  add<start_accepting>(object, "startAccepting", handle);
  add<start_receiving>(object, "startReceiving", handle);
  add<stop>(object, "stop", handle);
  add<membership>(object, "membership", handle);
  add<drops>(object, "drops", handle);
}

}  // namespace sk
