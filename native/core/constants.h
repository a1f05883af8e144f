// Every constant that is handed out by name. One row a name; a row is compiled where the system has
// it.
#pragma once

namespace sk {

struct Constant {
  const char* name;
  int value;
};

// Both tables end with a null name.
extern const Constant kConstants[];
extern const Constant kErrorNumbers[];

}  // namespace sk
