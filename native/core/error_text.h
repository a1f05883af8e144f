// The C library's own words for errors.
#pragma once

#include <string>

namespace sk {

// strerror(3), by any thread. A number that is no errno has words, too.
std::string error_text(int error);

// gai_strerror(3).
std::string resolve_error_text(int code);

}  // namespace sk
