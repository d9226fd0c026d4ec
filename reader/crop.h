// Photos made from a photo: its counter window straightened, or its mirror image.
//
// Threads: any. Memory: as decode() in jpeg.h, and the result.
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <span>
#include <vector>

#include "reader/reader.h"

namespace meterlens::reader {

// The strip that the training uses (tools/train/layout.py): 384x72 pixels, of which the window
// fills [48, 336] x [16, 56]; the rest is margin. `window` as in Digits, with an area. JPEG bytes.
std::expected<std::vector<std::byte>, Error> strip_of(std::span<const std::byte> jpeg,
                                                      const std::array<Point, 4>& window);

// The photo as a mirror shows it, left and right exchanged. JPEG bytes.
std::expected<std::vector<std::byte>, Error> mirror_of(std::span<const std::byte> jpeg);

}  // namespace meterlens::reader
