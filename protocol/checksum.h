// Checksums of the wire: CRC-32 guards each frame, SHA-256 names each photo.
// Pure functions and values: no heap, no globals that change, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace meterlens::protocol {

using Bytes = std::span<const std::uint8_t>;

// CRC-32 as in IEEE 802.3 (reflected polynomial 0xEDB88320, start and final XOR 0xFFFFFFFF).
// `before` is the CRC of the bytes that precede `bytes`; 0 when there are none.
std::uint32_t crc32(Bytes bytes, std::uint32_t before = 0);

// A SHA-256 digest (FIPS 180-4), most significant byte first.
using Digest = std::array<std::uint8_t, 32>;

// SHA-256 over bytes given in any number of parts.
class Sha256 {
 public:
  Sha256();
  void add(Bytes bytes);
  // Finishes; the object must not be used afterwards.
  Digest digest();

 private:
  void block(const std::uint8_t* bytes);

  std::array<std::uint32_t, 8> state_;
  std::array<std::uint8_t, 64> pending_{};
  std::uint64_t total_bytes_ = 0;
};

Digest sha256(Bytes bytes);

// Lower-case hexadecimal, 64 characters and no terminator.
std::array<char, 64> hex(const Digest& digest);

}  // namespace meterlens::protocol
