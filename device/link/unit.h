// The serial line between camera and DTU: frames as COBS units (SPEC.md, section 5).
// Bounded memory, no heap; one reader and one line belong to one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "protocol/frame.h"

namespace meterlens::link {

using protocol::Bytes;

// One code byte for each 254 bytes begun, and the zero that ends the unit.
inline constexpr std::size_t unit_bytes_max =
    protocol::frame_bytes_max + (protocol::frame_bytes_max + 253) / 254 + 1;

// Writes COBS(frame) and a zero; returns the bytes written. Requires a frame of 1 to
// frame_bytes_max bytes and out.size() >= unit_bytes_max.
std::size_t encode_unit(Bytes frame, std::span<std::uint8_t> out);

// Cuts a stream of bytes into units. Whatever arrives, it is in step again after the next zero.
class UnitReader {
 public:
  struct Counters {
    std::uint32_t units = 0;     // well-formed ones
    std::uint32_t invalid = 0;   // no COBS, or the frame would be too long
    std::uint32_t overlong = 0;  // no zero within the longest unit
  };

  // Takes one byte; returns the decoded bytes when it ended a well-formed unit. They are not yet
  // checked as a frame, and the view holds until the next call.
  std::optional<Bytes> put(std::uint8_t byte);
  // Forgets a unit begun.
  void reset();
  // Between two units.
  bool at_boundary() const { return count_ == 0 && !skipping_; }
  const Counters& counters() const { return counters_; }

 private:
  std::optional<Bytes> finish();

  std::array<std::uint8_t, unit_bytes_max> unit_;
  std::size_t count_ = 0;
  bool skipping_ = false;
  Counters counters_;
};

}  // namespace meterlens::link
