#include "reader/jpeg.h"

#include <turbojpeg.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

namespace meterlens::reader {
namespace {

struct Closer {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Turbo = std::unique_ptr<void, Closer>;

const unsigned char* bytes_of(std::span<const std::byte> jpeg) {
  return reinterpret_cast<const unsigned char*>(jpeg.data());
}

unsigned at(std::span<const std::byte> bytes, std::size_t index) {
  return std::to_integer<unsigned>(bytes[index]);
}

unsigned long size_of(std::span<const std::byte> jpeg) { return jpeg.size(); }

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

// Walks the markers before the first scan for an EXIF block.
int turn_of(std::span<const std::byte> jpeg) {
  std::size_t i = 2;
  while (i + 4 <= jpeg.size() && at(jpeg, i) == 0xFF) {
    const unsigned marker = at(jpeg, i + 1);
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

std::unexpected<Error> damaged(std::string_view what) {
  return std::unexpected(Error{Fault::damaged_jpeg, "damaged JPEG: " + std::string(what)});
}

struct Header {
  int width = 0, height = 0, subsampling = 0, colours = 0;
};

std::expected<Header, Error> header_of(tjhandle turbo, std::span<const std::byte> jpeg) {
  if (!starts_as_jpeg(jpeg)) return std::unexpected(Error{Fault::not_a_jpeg, "not a JPEG"});
  Header header;
  if (tjDecompressHeader3(turbo, bytes_of(jpeg), size_of(jpeg), &header.width, &header.height,
                          &header.subsampling, &header.colours) != 0)
    return damaged(tjGetErrorStr2(turbo));
  if (header.width < 1 || header.height < 1) return damaged("no pixels");
  const auto pixels =
      static_cast<std::size_t>(header.width) * static_cast<std::size_t>(header.height);
  if (pixels > pixels_max)
    return std::unexpected(Error{Fault::too_large, "photo of " + std::to_string(header.width) +
                                                       "x" + std::to_string(header.height) +
                                                       " pixels; the limit is 64 million"});
  return header;
}

bool is_cmyk(const Header& header) {
  return header.colours == TJCS_CMYK || header.colours == TJCS_YCCK;
}

// A few stray bytes before the end marker are harmless: every pixel is there by then.
bool is_harmless(std::string_view warning) {
  unsigned stray = 0, marker = 0;
  const int found =
      std::sscanf(std::string(warning).c_str(),
                  "Corrupt JPEG data: %u extraneous bytes before marker %x", &stray, &marker);
  return found == 2 && stray <= 16 && marker == 0xD9;
}

struct Pixels {
  int width = 0, height = 0, channels = 3;
  std::vector<std::uint8_t> rows;
  std::string warning;  // empty: every pixel is as it was encoded
};

std::expected<Pixels, Error> decode_all(tjhandle turbo, std::span<const std::byte> jpeg,
                                        const Header& header, int reduction, int format) {
  Pixels pixels;
  const tjscalingfactor factor{1, reduction};
  pixels.width = TJSCALED(header.width, factor);
  pixels.height = TJSCALED(header.height, factor);
  pixels.channels = tjPixelSize[format];
  pixels.rows.resize(static_cast<std::size_t>(pixels.width) *
                     static_cast<std::size_t>(pixels.height) *
                     static_cast<std::size_t>(pixels.channels));
  const auto run = [&](int flags) {
    return tjDecompress2(turbo, bytes_of(jpeg), size_of(jpeg), pixels.rows.data(), pixels.width, 0,
                         pixels.height, format, flags);
  };
  if (run(TJFLAG_STOPONWARNING) == 0) return pixels;
  if (std::string warning = tjGetErrorStr2(turbo); !is_harmless(warning))
    pixels.warning = std::move(warning);
  if (run(0) != 0 && tjGetErrorCode(turbo) == TJERR_FATAL) return damaged(tjGetErrorStr2(turbo));
  return pixels;
}

Picture from_cmyk(const Pixels& pixels) {
  Picture picture{pixels.width, pixels.height, {}};
  picture.bgr.resize(pixels.rows.size() / 4 * 3);
  for (std::size_t i = 0; i < pixels.rows.size() / 4; ++i)
    for (std::size_t c = 0; c < 3; ++c)
      picture.bgr[3 * i + c] =
          static_cast<std::uint8_t>(pixels.rows[4 * i + 2 - c] * pixels.rows[4 * i + 3] / 255);
  return picture;
}

// The picture as EXIF orientation `turn` wants it shown.
Picture upright(Picture stored, int turn) {
  if (turn <= 1) return stored;
  const bool swaps = turn >= 5;
  Picture shown{swaps ? stored.height : stored.width, swaps ? stored.width : stored.height, {}};
  shown.bgr.resize(stored.bgr.size());
  const bool flip_x = turn == 2 || turn == 3 || turn == 7 || turn == 8;
  const bool flip_y = turn == 3 || turn == 4 || turn == 6 || turn == 7;
  for (int y = 0; y < shown.height; ++y) {
    for (int x = 0; x < shown.width; ++x) {
      int from_x = swaps ? y : x, from_y = swaps ? x : y;
      if (flip_x) from_x = stored.width - 1 - from_x;
      if (flip_y) from_y = stored.height - 1 - from_y;
      const auto to = 3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(shown.width) +
                           static_cast<std::size_t>(x));
      const auto from =
          3 * (static_cast<std::size_t>(from_y) * static_cast<std::size_t>(stored.width) +
               static_cast<std::size_t>(from_x));
      std::copy_n(stored.bgr.begin() + static_cast<std::ptrdiff_t>(from), 3,
                  shown.bgr.begin() + static_cast<std::ptrdiff_t>(to));
    }
  }
  return shown;
}

int reduction_for(const Header& header, int side_min) {
  int reduction = 1;
  while (reduction < 8 && std::max(header.width, header.height) / (reduction * 2) >= side_min)
    reduction *= 2;
  return reduction;
}

}  // namespace

std::expected<JpegInfo, Error> check_whole(std::span<const std::byte> jpeg) {
  const Turbo turbo(tjInitDecompress());
  const auto header = header_of(turbo.get(), jpeg);
  if (!header) return std::unexpected(header.error());
  if (!ends_as_jpeg(jpeg)) return damaged("it has no end marker");
  const int format = is_cmyk(*header) ? TJPF_CMYK : TJPF_GRAY;
  const auto pixels = decode_all(turbo.get(), jpeg, *header, 1, format);
  if (!pixels) return std::unexpected(pixels.error());
  if (!pixels->warning.empty()) return damaged(pixels->warning);
  return JpegInfo{header->width, header->height, header->colours != TJCS_GRAY, turn_of(jpeg)};
}

std::expected<Decoded, Error> decode(std::span<const std::byte> jpeg, int side_min) {
  const Turbo turbo(tjInitDecompress());
  const auto header = header_of(turbo.get(), jpeg);
  if (!header) return std::unexpected(header.error());
  const int reduction = reduction_for(*header, side_min);
  auto pixels =
      decode_all(turbo.get(), jpeg, *header, reduction, is_cmyk(*header) ? TJPF_CMYK : TJPF_BGR);
  if (!pixels) return std::unexpected(pixels.error());
  const bool whole = pixels->warning.empty();
  Picture picture = is_cmyk(*header)
                        ? from_cmyk(*pixels)
                        : Picture{pixels->width, pixels->height, std::move(pixels->rows)};
  return Decoded{upright(std::move(picture), turn_of(jpeg)), static_cast<double>(reduction),
                 !whole};
}

std::vector<std::byte> encode(const Picture& picture, int quality) {
  const Turbo turbo(tjInitCompress());
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  const int failed = tjCompress2(turbo.get(), picture.bgr.data(), picture.width, 0, picture.height,
                                 TJPF_BGR, &buffer, &size, TJSAMP_420, quality, 0);
  std::vector<std::byte> jpeg(failed ? 0 : size);
  if (!failed) std::memcpy(jpeg.data(), buffer, size);
  tjFree(buffer);
  return jpeg;
}

}  // namespace meterlens::reader
