// Whether bytes have the outer shape of one whole JPEG: the cheap look that is taken at every photo
// before it is stored, and at every order of pieces before the full decode is tried. Pure.
#pragma once

#include <cstdint>
#include <expected>

#include "protocol/checksum.h"

namespace meterlens::photo {

enum class ShapeError : std::uint8_t {
  not_jpeg,   // does not begin with SOI
  damaged,    // a marker segment that leads nowhere, or a marker that cannot stand in picture data
  truncated,  // no EOI at the end
  too_large,  // more pixels than any camera of ours takes
};
const char* name(ShapeError error);

struct Shape {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint32_t unit_height = 8;  // of the smallest coded unit, pixels: 8 to 32
};

inline constexpr std::uint64_t pixels_max = 32'000'000;

// What is let through. A phone writes more than one picture into a file: the rest follows EOI.
struct Tolerance {
  std::uint64_t pixels = pixels_max;
  bool any_tail = false;  // else a few zero bytes at most
};

// Walks the markers from SOI to EOI.
std::expected<Shape, ShapeError> look(protocol::Bytes bytes, const Tolerance& tolerance = {});

}  // namespace meterlens::photo
