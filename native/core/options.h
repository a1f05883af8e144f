// Socket options that need care, because their values hold addresses of memory.
#pragma once

namespace sk {

// Whether the kernel would follow an address inside of the value: such a value must not come from
// bytes that somebody hands over.
bool value_holds_address(int level, int name);

// Whether the option takes a classic BPF program.
bool takes_filter(int level, int name);

}  // namespace sk
