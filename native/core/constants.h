// Every constant that is handed out by name. One row a name; a row is compiled where the system has
// it.
#pragma once

#include <cstdint>

namespace sk {

struct Constant {
  const char* name;
  int64_t value;
};

// All tables end with a null name. kConstants is in a file for each system.
extern const Constant kConstants[];
extern const Constant kErrorNumbers[];
// What getaddrinfo(3) and getnameinfo(3) answer; a number here may be an errno too.
extern const Constant kResolveErrors[];

}  // namespace sk
