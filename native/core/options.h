// Socket options and control messages that need care, because the kernel does more with their
// values than to copy them.
#pragma once

namespace sk {

// Whether the kernel would follow an address inside of the value: such a value must not come from
// bytes that somebody hands over.
bool value_holds_address(int level, int name);

// The same of a control message that is sent.
bool control_holds_address(int level, int type);

// Whether reading the option makes a descriptor, which nobody would know of if there is no room to
// tell its number.
bool value_is_descriptor(int level, int name);

// Whether the option takes a classic BPF program.
bool takes_filter(int level, int name);

}  // namespace sk
