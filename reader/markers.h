// What the markers of a JPEG say, before anything is decoded.
//
// Pure functions of foreign bytes; any thread. Source: ITU-T T.81 annex B, EXIF 2.3.
#pragma once

#include <cstddef>
#include <span>

namespace meterlens::reader {

inline unsigned at(std::span<const std::byte> bytes, std::size_t index) {
  return std::to_integer<unsigned>(bytes[index]);
}

// EXIF orientation 1..8, 1 where none is given before the first scan.
int turn_of(std::span<const std::byte> jpeg);

bool starts_as_jpeg(std::span<const std::byte> jpeg);
// Zero bytes may follow the end marker.
bool ends_as_jpeg(std::span<const std::byte> jpeg);
// How many begin, each with its header.
std::size_t scans_of(std::span<const std::byte> jpeg);

}  // namespace meterlens::reader
