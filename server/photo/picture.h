// How well a picture hangs together: a JPEG whose pieces were put together in a wrong order often
// decodes without any warning, but it has seams. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "protocol/checksum.h"
#include "server/photo/jpeg_shape.h"

namespace meterlens::photo {

struct Picture {
  int width = 0;
  int height = 0;
  int unit_height = 8;             // of the JPEG's smallest coded unit, pixels
  std::vector<std::uint8_t> gray;  // width * height, rows from the top
};

// The reader's strict decode of the whole picture, or its words.
std::expected<Picture, std::string> decode(protocol::Bytes jpeg, const Shape& shape);

// Compares the seams of two pictures of one size where they begin to differ: below 1 `a` hangs
// together better, above 1 `b`. Measured on 22 photos of two kinds of meters, where 543 of 1,807
// swaps of neighbouring pieces decoded without a warning: right against swapped is below 0.72 in
// 99 % and below 0.5 in 90 %. 1 when they are the same.
double compare_seams(const Picture& a, const Picture& b);

}  // namespace meterlens::photo
