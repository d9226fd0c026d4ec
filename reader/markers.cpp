#include "reader/markers.h"

#include <cstring>

namespace meterlens::reader {
namespace {

// A 16 or 32 bit number of a TIFF header, in its byte order.
unsigned number(std::span<const std::byte> tiff, std::size_t where, int width, bool little) {
  unsigned value = 0;
  for (int i = 0; i < width; ++i)
    value = value << 8 | at(tiff, where + static_cast<std::size_t>(little ? width - 1 - i : i));
  return value;
}

// Orientation 1..8 from the first directory of an EXIF block that begins at its TIFF header.
int orientation_of(std::span<const std::byte> tiff) {
  if (tiff.size() < 14) return 1;
  const bool little = at(tiff, 0) == 'I';
  const std::size_t directory = number(tiff, 4, 4, little);
  if (directory + 2 > tiff.size()) return 1;
  const unsigned entries = number(tiff, directory, 2, little);
  for (unsigned i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12UL * i;
    if (entry + 12 > tiff.size()) return 1;
    if (number(tiff, entry, 2, little) != 0x0112) continue;
    const unsigned turn = number(tiff, entry + 8, 2, little);
    return turn >= 1 && turn <= 8 ? static_cast<int>(turn) : 1;
  }
  return 1;
}

}  // namespace

int turn_of(std::span<const std::byte> jpeg) {
  std::size_t i = 2;
  while (i + 4 <= jpeg.size() && at(jpeg, i) == 0xFF) {
    const unsigned marker = at(jpeg, i + 1);
    if (marker == 0xFF) {  // any number of them may stand before one
      ++i;
      continue;
    }
    const std::size_t length = at(jpeg, i + 2) << 8 | at(jpeg, i + 3);
    if (marker == 0xDA || length < 2 || i + 2 + length > jpeg.size()) return 1;
    const auto body = jpeg.subspan(i + 4, length - 2);
    if (marker == 0xE1 && body.size() > 6 && std::memcmp(body.data(), "Exif\0\0", 6) == 0)
      return orientation_of(body.subspan(6));
    i += 2 + length;
  }
  return 1;
}

bool starts_as_jpeg(std::span<const std::byte> jpeg) {
  return jpeg.size() >= 4 && at(jpeg, 0) == 0xFF && at(jpeg, 1) == 0xD8 && at(jpeg, 2) == 0xFF;
}

bool ends_as_jpeg(std::span<const std::byte> jpeg) {
  std::size_t size = jpeg.size();
  while (size > 2 && at(jpeg, size - 1) == 0) --size;
  return size > 2 && at(jpeg, size - 2) == 0xFF && at(jpeg, size - 1) == 0xD9;
}

std::size_t scans_of(std::span<const std::byte> jpeg) {
  const auto begins = [&](std::size_t i) {  // marker, length, how many colours
    return at(jpeg, i + 1) == 0xDA && at(jpeg, i + 2) == 0 && at(jpeg, i + 4) >= 1 &&
           at(jpeg, i + 4) <= 4 && at(jpeg, i + 3) == 6 + 2 * at(jpeg, i + 4);
  };
  std::size_t scans = 0;
  const auto* first = jpeg.data();
  for (const auto* from = first; from < first + jpeg.size(); ++from) {
    const auto left = static_cast<std::size_t>(first + jpeg.size() - from);
    from = static_cast<const std::byte*>(std::memchr(from, 0xFF, left));
    if (from == nullptr || first + jpeg.size() - from < 5) break;
    scans += begins(static_cast<std::size_t>(from - first)) ? 1 : 0;
  }
  return scans;
}

}  // namespace meterlens::reader
