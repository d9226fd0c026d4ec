// SHA-512 (FIPS 180-4), which Ed25519 is made with. Pure, no heap, any thread; about 200 bytes in
// the object and as many on the stack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "protocol/checksum.h"

namespace meterlens::protocol {

// Over bytes given in any number of parts.
class Sha512 {
 public:
  Sha512();
  void add(Bytes bytes);
  // Finishes; the object must not be used afterwards. Most significant byte first.
  std::array<std::uint8_t, 64> digest();

 private:
  void put(std::uint8_t byte);
  void block();

  std::array<std::uint64_t, 8> state_;
  std::array<std::uint64_t, 16> words_{};  // of the block that is being filled
  std::uint64_t total_bytes_ = 0;
};

}  // namespace meterlens::protocol
