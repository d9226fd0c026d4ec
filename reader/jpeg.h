// JPEG bytes: proof that a photo is whole, and decoding.
//
// Owns nothing. Promises: foreign bytes never crash, and never cost more memory than their header's
// pixels, of which at most pixels_max are accepted. Threads: any. Memory: what is returned, and 3
// bytes a pixel while a photo is turned or is no Y, Cb and Cr.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reader/reader.h"

namespace meterlens::reader {

struct JpegInfo {
  int width = 0, height = 0;  // as stored, before any EXIF rotation
  bool colour = true;
  int turn = 0;  // EXIF orientation 1..8, 1 when absent
};

// Strict: start and end marker (zero bytes may follow the end), at most pixels_max, and a full
// decode without a warning. So a photo cut off, or with a piece missing or out of place, is an
// error. The one warning let through is a few stray bytes before the end marker, which OV2640
// cameras write.
std::expected<JpegInfo, Error> check_whole(std::span<const std::byte> jpeg);

// Rows of blue, green, red bytes without padding.
struct Picture {
  int width = 0, height = 0;
  std::vector<std::uint8_t> bgr;
};

struct Decoded {
  Picture picture;        // upright as EXIF says, perhaps reduced
  double reduced_by = 1;  // pixels of the photo per pixel of the picture: 1, 2, 4 or 8
  bool damaged = false;   // parts of the picture are missing or wrong
};

// Decodes at the smallest scale of 1, 1/2, 1/4, 1/8 whose longer side is still at least `side_min`.
// Shows what there is of a damaged photo; only one of which nothing can be shown is an error.
std::expected<Decoded, Error> decode(std::span<const std::byte> jpeg, int side_min);

// Rows of bytes, `stride` apart.
struct Plane {
  int width = 0, height = 0, stride = 0;
  std::vector<std::uint8_t> rows;
};

// A photo as JPEG stores it: full-range Y, Cb and Cr; the planes of a gray photo but the first are
// empty. Pixel x of Cb and Cr lies in the middle of `across` pixels of Y from x * across on; rows
// likewise.
struct Photo {
  std::array<Plane, 3> planes;  // upright as EXIF says, perhaps reduced
  int across = 1, down = 1;
  double reduced_by = 1;  // as in Decoded
  bool damaged = false;
};

// As decode(), without the cost of converting every pixel. The memory of `photo` is used again; its
// content means nothing after an error.
std::expected<void, Error> decode_planes(std::span<const std::byte> jpeg, int side_min,
                                         Photo& photo);

// Pixels of a photo: left <= x < right, top <= y < bottom.
struct Part {
  double left = 0, top = 0, right = 0, bottom = 0;
};

// Decodes no more than what holds `part`, as decode_planes() would, and gives the pixel of the
// photo that is the first of `photo`; the rest of the bytes is only checked. Nothing where that
// saves nothing or cannot be done: a photo that is damaged, turned, progressive, to be reduced for
// `side_min`, or stored as other colours.
std::optional<Point> decode_part(std::span<const std::byte> jpeg, int side_min, const Part& part,
                                 Photo& photo);

// JPEG bytes of a picture, for tests and crops. quality 1..100.
std::vector<std::byte> encode(const Picture& picture, int quality);

}  // namespace meterlens::reader
