// Assertions that stay on in every build: a broken promise between two pieces of our own code stops
// the program at once (a trap instruction: no heap, no output, works on a bare board).
#pragma once

namespace meterlens::protocol {

inline void require(bool promise) {
  if (!promise) __builtin_trap();
}

}  // namespace meterlens::protocol
