// For tests: bytes as SPEC.md has them in the rows of its section 8. Run in the project's root.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace meterlens::protocol {

inline std::string hex_of(const std::vector<std::uint8_t>& bytes) {
  std::string out;
  for (const std::uint8_t byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

// The row up to its bytes.
inline std::string specified_row(const std::string& name, const std::vector<std::uint8_t>& bytes) {
  return "| " + name + " | `" + hex_of(bytes) + "` |";
}

inline std::string specification() {
  std::ifstream file("SPEC.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace meterlens::protocol
