#include "reader/jpeg.h"

#include <turbojpeg.h>

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstdio>  // before jpeglib.h, which uses FILE
#include <cstring>
#include <jpeglib.h>
#include <memory>
#include <string_view>
#include <utility>

#include "reader/markers.h"

namespace meterlens::reader {
namespace {

struct Closer {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Turbo = std::unique_ptr<void, Closer>;

const unsigned char* bytes_of(std::span<const std::byte> jpeg) {
  return reinterpret_cast<const unsigned char*>(jpeg.data());
}

unsigned long size_of(std::span<const std::byte> jpeg) { return jpeg.size(); }

std::unexpected<Error> damaged(std::string_view what) {
  return std::unexpected(Error{Fault::damaged_jpeg, "damaged JPEG: " + std::string(what)});
}

// Decoding takes each of them through all pixels.
constexpr std::size_t scans_max = 100;

struct Header {
  int width = 0, height = 0, subsampling = 0, colours = 0;
};

std::expected<Header, Error> header_of(tjhandle turbo, std::span<const std::byte> jpeg) {
  if (!starts_as_jpeg(jpeg)) return std::unexpected(Error{Fault::not_a_jpeg, "not a JPEG"});
  if (scans_of(jpeg) > scans_max)
    return damaged("more than " + std::to_string(scans_max) + " scans");
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

// A few stray bytes before the end marker are harmless where every pixel is there by then. How many
// a warning tells of; 0: of something else.
unsigned stray_bytes(const std::string& warning) {
  unsigned stray = 0, marker = 0;
  const int found = std::sscanf(
      warning.c_str(), "Corrupt JPEG data: %u extraneous bytes before marker %x", &stray, &marker);
  return found == 2 && stray <= 16 && marker == 0xD9 ? stray : 0;
}

std::vector<std::byte> without_stray(std::span<const std::byte> jpeg, unsigned stray) {
  std::size_t end = jpeg.size();
  while (end >= 2 && (at(jpeg, end - 2) != 0xFF || at(jpeg, end - 1) != 0xD9)) --end;
  std::vector<std::byte> out(jpeg.begin(), jpeg.end());
  if (end < 2 + stray) return out;
  const auto marker = out.begin() + static_cast<std::ptrdiff_t>(end - 2);
  out.erase(marker - stray, marker);
  return out;
}

// Runs a decoder of some bytes that takes flags. Gives its warning; empty: every pixel is as it was
// encoded.
template <typename Run, typename Clear>
std::expected<std::string, Error> warning_of(tjhandle turbo, std::span<const std::byte> jpeg,
                                             Run run, Clear clear) {
  if (run(jpeg, TJFLAG_STOPONWARNING) == 0) return std::string();
  std::string warning = tjGetErrorStr2(turbo);
  clear();
  if (const unsigned stray = stray_bytes(warning); stray > 0) {
    if (run(without_stray(jpeg, stray), TJFLAG_STOPONWARNING) == 0) return std::string();
    clear();
  }
  if (run(jpeg, 0) != 0 && tjGetErrorCode(turbo) == TJERR_FATAL)
    return damaged(tjGetErrorStr2(turbo));
  return warning;
}

struct Pixels {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rows;
  std::string warning;
};

std::expected<Pixels, Error> decode_all(tjhandle turbo, std::span<const std::byte> jpeg,
                                        const Header& header, int reduction, int format) {
  Pixels pixels;
  const tjscalingfactor factor{1, reduction};
  pixels.width = TJSCALED(header.width, factor);
  pixels.height = TJSCALED(header.height, factor);
  pixels.rows.resize(static_cast<std::size_t>(pixels.width) *
                     static_cast<std::size_t>(pixels.height) *
                     static_cast<std::size_t>(tjPixelSize[format]));
  const auto run = [&](std::span<const std::byte> from, int flags) {
    return tjDecompress2(turbo, bytes_of(from), size_of(from), pixels.rows.data(), pixels.width, 0,
                         pixels.height, format, flags);
  };
  auto warning = warning_of(turbo, jpeg, run, [] {});
  if (!warning) return std::unexpected(warning.error());
  pixels.warning = std::move(*warning);
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

// Where the pixels of a picture lie.
struct Rows {
  const std::uint8_t* first;
  int width, height, stride, channels;
};

bool swaps_sides(int turn) { return turn >= 5; }

// The rows, without padding, as EXIF orientation `turn` wants them shown. In tiles, so that reading
// down a column stays in the cache.
std::vector<std::uint8_t> upright(const Rows& stored, int turn) {
  const int width = swaps_sides(turn) ? stored.height : stored.width;
  const int height = swaps_sides(turn) ? stored.width : stored.height;
  const bool flip_x = turn == 2 || turn == 3 || turn == 7 || turn == 8;
  const bool flip_y = turn == 3 || turn == 4 || turn == 6 || turn == 7;
  std::ptrdiff_t step_x = flip_x ? -stored.channels : stored.channels;
  std::ptrdiff_t step_y = flip_y ? -stored.stride : stored.stride;
  const std::uint8_t* first = stored.first + (flip_x ? (stored.width - 1) * stored.channels : 0) +
                              (flip_y ? std::ptrdiff_t{stored.height - 1} * stored.stride : 0);
  if (swaps_sides(turn)) std::swap(step_x, step_y);
  const auto channels = static_cast<std::size_t>(stored.channels);
  std::vector<std::uint8_t> shown(static_cast<std::size_t>(width) *
                                  static_cast<std::size_t>(height) * channels);
  constexpr int tile = 64;
  for (int top = 0; top < height; top += tile)
    for (int left = 0; left < width; left += tile)
      for (int y = top; y < std::min(height, top + tile); ++y)
        for (int x = left; x < std::min(width, left + tile); ++x)
          for (std::size_t c = 0; c < channels; ++c)
            shown[(static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                   static_cast<std::size_t>(x)) *
                      channels +
                  c] = first[y * step_y + x * step_x + static_cast<std::ptrdiff_t>(c)];
  return shown;
}

Picture upright(Picture stored, int turn) {
  if (turn <= 1) return stored;
  const Rows rows{stored.bgr.data(), stored.width, stored.height, 3 * stored.width, 3};
  Picture shown{stored.width, stored.height, upright(rows, turn)};
  if (swaps_sides(turn)) std::swap(shown.width, shown.height);
  return shown;
}

void turn_upright(Photo& photo, int turn) {
  if (turn <= 1) return;
  for (Plane& plane : photo.planes) {
    if (plane.rows.empty()) continue;
    plane.rows = upright({plane.rows.data(), plane.width, plane.height, plane.stride, 1}, turn);
    if (swaps_sides(turn)) std::swap(plane.width, plane.height);
    plane.stride = plane.width;
  }
  if (swaps_sides(turn)) std::swap(photo.across, photo.down);
}

// Y alone, or with Cb and Cr of which a pixel stands for `across` by `down` of Y.
struct Layout {
  int width, height, across, down;
  bool colour;
};

Layout layout_of(const Header& header, int reduction) {
  const tjscalingfactor factor{1, reduction};
  Layout layout{TJSCALED(header.width, factor), TJSCALED(header.height, factor), 1, 1, false};
  if (header.subsampling == TJSAMP_GRAY) return layout;
  layout.across = tjMCUWidth[header.subsampling] / 8;
  layout.down = tjMCUHeight[header.subsampling] / 8;
  layout.colour = true;
  return layout;
}

// Room for the planes, as libturbojpeg pads them, in the memory that `photo` already has.
void lay_out(Photo& photo, const Layout& layout) {
  photo.across = layout.across, photo.down = layout.down;
  const int wide = (layout.width + layout.across - 1) / layout.across;
  const int high = (layout.height + layout.down - 1) / layout.down;
  for (std::size_t i = 0; i < 3; ++i) {
    Plane& plane = photo.planes[i];
    if (i > 0 && !layout.colour) {
      plane = {};
      continue;
    }
    const int across = i == 0 ? layout.across : 1, down = i == 0 ? layout.down : 1;
    plane.width = i == 0 ? layout.width : wide, plane.height = i == 0 ? layout.height : high;
    plane.stride = wide * across;
    plane.rows.resize(static_cast<std::size_t>(plane.stride) *
                      static_cast<std::size_t>(high * down));
  }
}

// Y, Cb and Cr of a picture that was stored as other colours.
void from_picture(Photo& photo, const Picture& picture) {
  photo.across = photo.down = 1;
  for (std::size_t i = 0; i < 3; ++i)
    photo.planes[i] = {picture.width, picture.height, picture.width,
                       std::vector<std::uint8_t>(picture.bgr.size() / 3)};
  for (std::size_t i = 0; i < picture.bgr.size() / 3; ++i) {
    const double b = picture.bgr[3 * i], g = picture.bgr[3 * i + 1], r = picture.bgr[3 * i + 2];
    const double y = 0.299 * r + 0.587 * g + 0.114 * b;
    const double values[] = {y, 128 + (b - y) / 1.772, 128 + (r - y) / 1.402};
    for (std::size_t c = 0; c < 3; ++c)
      photo.planes[c].rows[i] = static_cast<std::uint8_t>(std::clamp(values[c] + 0.5, 0.0, 255.0));
  }
}

int reduction_for(int longer_side, int side_min) {
  int reduction = 1;
  while (reduction < 8 && longer_side / (reduction * 2) >= side_min) reduction *= 2;
  return reduction;
}

// Halved planes of a part that begins at a multiple of this have the pixels of the whole photo's.
constexpr int block_side = 64;

// Of a photo that can be decoded in part.
std::optional<Layout> layout_of(jpeg_decompress_struct& info) {
  const auto width = std::size_t{info.image_width}, height = std::size_t{info.image_height};
  // What comes in several scans has to be held as a whole before a line of it can be shown.
  if (jpeg_has_multiple_scans(&info) || width * height == 0 || width * height > pixels_max)
    return std::nullopt;
  Layout layout{static_cast<int>(width), static_cast<int>(height), 1, 1, false};
  if (info.jpeg_color_space == JCS_GRAYSCALE) return layout;
  if (info.jpeg_color_space != JCS_YCbCr || info.num_components != 3) return std::nullopt;
  for (int i = 1; i < 3; ++i)
    if (info.comp_info[i].h_samp_factor != 1 || info.comp_info[i].v_samp_factor != 1)
      return std::nullopt;
  layout.across = info.comp_info[0].h_samp_factor, layout.down = info.comp_info[0].v_samp_factor;
  layout.colour = true;
  const bool fits = block_side % layout.across == 0 && block_side % layout.down == 0;
  return fits ? std::optional(layout) : std::nullopt;
}

constexpr double part_most = 0.5;  // of the photo; more is decoded as fast as a whole one

std::pair<int, int> whole_blocks(double first, double last, int end) {
  const auto inside = [end](double at) { return std::clamp(at, 0.0, static_cast<double>(end)); };
  const int least = static_cast<int>(inside(first)) / block_side * block_side;
  const int blocks = static_cast<int>(std::ceil(inside(last) / block_side));
  return {least, std::min(end, blocks * block_side)};
}

// libjpeg's reader of lines, which leaves with false at whatever it does not like.
class Lines {
 public:
  Lines() {
    info_.err = jpeg_std_error(&errors_.manager);
    errors_.manager.error_exit = [](j_common_ptr info) { leave(info); };
    errors_.manager.emit_message = [](j_common_ptr info, int level) {
      char text[JMSG_LENGTH_MAX];
      if (level >= 0) return;
      info->err->format_message(info, text);
      if (stray_bytes(text) == 0) leave(info);
    };
  }
  ~Lines() { jpeg_destroy_decompress(&info_); }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  jpeg_decompress_struct& info() { return info_; }

  bool open(std::span<const std::byte> jpeg) {
    if (setjmp(errors_.out) != 0) return false;
    jpeg_create_decompress(&info_);
    jpeg_mem_src(&info_, bytes_of(jpeg), size_of(jpeg));
    return jpeg_read_header(&info_, TRUE) == JPEG_HEADER_OK;
  }

  // Each line from top to bottom of the columns left to right is put into `line` and `taken`; the
  // rest is decoded as far as it takes to see damage.
  template <typename Taken>
  bool read(unsigned left, unsigned top, unsigned right, unsigned bottom, std::uint8_t* line,
            const Taken& taken) {
    if (setjmp(errors_.out) != 0) return false;
    info_.out_color_space = info_.jpeg_color_space;
    info_.do_fancy_upsampling = FALSE;  // a pixel of Cb and Cr stands for all that it covers
    jpeg_start_decompress(&info_);
    JDIMENSION first = left, width = right - left;
    jpeg_crop_scanline(&info_, &first, &width);
    if (first != left || info_.output_width != right - left) return false;
    if (top > 0) jpeg_skip_scanlines(&info_, top);
    for (unsigned y = top; y < bottom; ++y) {
      read_line(line);
      taken(static_cast<int>(y - top));
    }
    const unsigned rest = info_.output_height - bottom;
    if (rest > 1) jpeg_skip_scanlines(&info_, rest - 1);
    if (rest > 0) read_line(line);  // what is skipped at the very end is not looked at
    return jpeg_finish_decompress(&info_) == TRUE;
  }

 private:
  struct Errors {
    jpeg_error_mgr manager;
    std::jmp_buf out;
  };
  [[noreturn]] static void leave(j_common_ptr info) {
    std::longjmp(reinterpret_cast<Errors*>(info->err)->out, 1);
  }
  void read_line(std::uint8_t* to) { jpeg_read_scanlines(&info_, &to, 1); }

  jpeg_decompress_struct info_{};
  Errors errors_{};
};

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
  const int reduction = reduction_for(std::max(header->width, header->height), side_min);
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

std::expected<void, Error> decode_planes(std::span<const std::byte> jpeg, int side_min,
                                         Photo& photo) {
  const Turbo turbo(tjInitDecompress());
  const auto header = header_of(turbo.get(), jpeg);
  if (!header) return std::unexpected(header.error());
  if (header->colours != TJCS_YCbCr && header->colours != TJCS_GRAY) {
    const auto decoded = decode(jpeg, side_min);
    if (!decoded) return std::unexpected(decoded.error());
    from_picture(photo, decoded->picture);
    photo.reduced_by = decoded->reduced_by, photo.damaged = decoded->damaged;
    return {};
  }
  const int reduction = reduction_for(std::max(header->width, header->height), side_min);
  lay_out(photo, layout_of(*header, reduction));
  std::array<unsigned char*, 3> rows{};
  for (std::size_t i = 0; i < 3; ++i) rows[i] = photo.planes[i].rows.data();
  const auto run = [&](std::span<const std::byte> from, int flags) {
    return tjDecompressToYUVPlanes(turbo.get(), bytes_of(from), size_of(from), rows.data(),
                                   photo.planes[0].width, nullptr, photo.planes[0].height, flags);
  };
  const auto blacken = [&] {  // what cannot be decoded must not show the photo before
    for (std::size_t i = 0; i < 3; ++i)
      std::ranges::fill(photo.planes[i].rows, static_cast<std::uint8_t>(i == 0 ? 0 : 128));
  };
  const auto warning = warning_of(turbo.get(), jpeg, run, blacken);
  if (!warning) return std::unexpected(warning.error());
  photo.reduced_by = reduction, photo.damaged = !warning->empty();
  turn_upright(photo, turn_of(jpeg));
  return {};
}

std::optional<Point> decode_part(std::span<const std::byte> jpeg, int side_min, const Part& part,
                                 Photo& photo) {
  if (!starts_as_jpeg(jpeg) || turn_of(jpeg) > 1) return std::nullopt;
  Lines lines;
  if (!lines.open(jpeg)) return std::nullopt;
  const auto layout = layout_of(lines.info());
  if (!layout || reduction_for(std::max(layout->width, layout->height), side_min) > 1)
    return std::nullopt;
  const auto [left, right] = whole_blocks(part.left, part.right, layout->width);
  const auto [top, bottom] = whole_blocks(part.top, part.bottom, layout->height);
  if (left >= right || top >= bottom) return std::nullopt;
  const double share = static_cast<double>(right - left) / layout->width * (bottom - top) /
                       layout->height;
  if (share > part_most) return std::nullopt;
  lay_out(photo, {right - left, bottom - top, layout->across, layout->down, layout->colour});
  photo.reduced_by = 1, photo.damaged = false;
  const int channels = layout->colour ? 3 : 1;
  std::vector<std::uint8_t> line(static_cast<std::size_t>((right - left) * channels));
  const auto taken = [&](int y) {
    for (int i = 0; i < channels; ++i) {
      Plane& plane = photo.planes[static_cast<std::size_t>(i)];
      const int across = i == 0 ? 1 : photo.across, down = i == 0 ? 1 : photo.down;
      if (y % down != 0) continue;
      std::uint8_t* to = plane.rows.data() + std::ptrdiff_t{plane.stride} * (y / down);
      const std::uint8_t* from = line.data() + i;
      const int step = across * channels, width = plane.width;  // no byte written may change these
      for (int x = 0; x < width; ++x) to[x] = from[x * step];
    }
  };
  const auto number = [](int value) { return static_cast<unsigned>(value); };
  if (!lines.read(number(left), number(top), number(right), number(bottom), line.data(), taken))
    return std::nullopt;
  return Point{static_cast<double>(left), static_cast<double>(top)};
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
