// Puts the unnumbered pieces of a SmartDTU photo together: publishes overtake each other, so the
// order of arrival is only the likeliest. Pure functions over the caller's pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "protocol/checksum.h"

namespace meterlens::photo {

using Piece = std::vector<std::uint8_t>;

// Bytes of a stock camera's piece; only the last one is shorter.
inline constexpr std::size_t stock_piece_bytes = 1024;

// The pieces one after another as they came.
std::vector<std::uint8_t> join(std::span<const Piece> pieces);

// Empty when the bytes are one whole JPEG: outer shape and full strict decode; else what is wrong.
std::string check_whole(protocol::Bytes bytes);

// How many pixels may be decoded to find an order: about 2 ms each million.
struct Effort {
  std::uint64_t far_pixels_max = 160'000'000;  // then no more orders where one overtook two
  std::uint64_t pixels_max = 800'000'000;      // enough for 400 pieces of 1600x1200
};

// The bytes in the best order. Tried are: arrival, doubled pieces out; first and last piece in
// their places; then one piece overtaken by one or two others. A decode without warning is not
// enough (of swapped neighbours every third passes, of ESP32-CAM photos every second), so orders
// that decode are compared by the seams of their pictures, and the order of arrival gives way only
// to one that is clearly better. An error when no order decodes, when that of arrival does not and
// several others are equally good, or when the neighbours cannot all be tried.
std::expected<std::vector<std::uint8_t>, std::string> best_order(std::span<const Piece> pieces,
                                                                 const Effort& effort = {});

}  // namespace meterlens::photo
