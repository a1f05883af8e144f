#include "core/error_text.h"

#include <netdb.h>

#include <cstring>

namespace sk {

namespace {

// strerror_r(3) comes in two forms: GNU's answers the text, POSIX's fills the buffer.
[[maybe_unused]] const char* text_of(const char* text, const char* /*buffer*/) { return text; }
[[maybe_unused]] const char* text_of(int /*error*/, const char* buffer) { return buffer; }

}  // namespace

std::string error_text(int error) {
  char buffer[256] = "";
  return text_of(strerror_r(error, buffer, sizeof(buffer)), buffer);
}

std::string resolve_error_text(int code) { return gai_strerror(code); }

}  // namespace sk
