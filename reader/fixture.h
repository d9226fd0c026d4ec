// For the tests of reader/: the golden photos, and pictures made of them.
#pragma once

#include <gtest/gtest.h>
#include <turbojpeg.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "reader/evaluate.h"
#include "reader/jpeg.h"
#include "reader/reader.h"

namespace meterlens::reader::test {

namespace fs = std::filesystem;

// Tests run in the root of the source tree.
inline const fs::path models = "reader/models";
inline const fs::path golden = "tests/golden/meters";  // rendered photos with known readings
inline const fs::path golden_displays = "tests/golden/displays";  // the same, of LCDs

// A net of another shape.
inline const char* other_than(const std::string& model) {
  return model == "refiner.onnx" ? "wheel.onnx" : "refiner.onnx";
}

inline Reader& shared_reader() {
  static std::expected<Reader, Error> reader = Reader::open(models);
  EXPECT_TRUE(reader.has_value()) << (reader ? "" : reader.error().text);
  return *reader;
}

inline std::vector<std::byte> bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

inline std::vector<Labelled> meters(const fs::path& folder = golden) {
  const auto photos = labels_of(folder / "labels.csv");
  EXPECT_TRUE(photos.has_value());
  return *photos;
}

inline Picture picture_of(const fs::path& path) { return decode(bytes_of(path), 100000)->picture; }

// The pixel at x, y taken from where(x, y) of another picture.
template <typename Where>
Picture rearranged(const Picture& from, int width, int height, Where where) {
  Picture to{width, height, {}};
  to.bgr.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  std::uint8_t* out = to.bgr.data();
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const auto [from_x, from_y] = where(x, y);
      const std::uint8_t* in =
          from.bgr.data() + 3 * static_cast<std::ptrdiff_t>(from_y * from.width + from_x);
      out = std::copy_n(in, 3, out);
    }
  return to;
}

inline Picture upside_down(const Picture& p) {
  return rearranged(p, p.width, p.height,
                    [&](int x, int y) { return std::pair(p.width - 1 - x, p.height - 1 - y); });
}

inline Picture mirror_image(const Picture& p) {
  return rearranged(p, p.width, p.height,
                    [&](int x, int y) { return std::pair(p.width - 1 - x, y); });
}

inline Picture plain(int width, int height, std::uint8_t grey) {
  const auto pixels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  return {width, height, std::vector<std::uint8_t>(pixels * 3, grey)};
}

struct Form {
  const char* name;
  int subsampling = TJSAMP_420;
  bool cmyk = false, progressive = false;
};

inline std::vector<std::byte> encode_as(const Picture& picture, const Form& form) {
  const std::unique_ptr<void, int (*)(void*)> turbo(tjInitCompress(), tjDestroy);
  std::vector<std::uint8_t> cmyk;  // inverted, as Adobe writes it
  for (std::size_t i = 0; form.cmyk && i < picture.bgr.size(); i += 3)
    for (const std::uint8_t value :
         {picture.bgr[i + 2], picture.bgr[i + 1], picture.bgr[i], std::uint8_t{255}})
      cmyk.push_back(value);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  const int failed = tjCompress2(turbo.get(), form.cmyk ? cmyk.data() : picture.bgr.data(),
                                 picture.width, 0, picture.height,
                                 form.cmyk ? TJPF_CMYK : TJPF_BGR, &buffer, &size,
                                 form.subsampling, 90, form.progressive ? TJFLAG_PROGRESSIVE : 0);
  EXPECT_EQ(failed, 0) << form.name;
  const auto* first = reinterpret_cast<const std::byte*>(buffer);
  std::vector<std::byte> jpeg(first, first + size);
  tjFree(buffer);
  return jpeg;
}

// The JPEG with an EXIF block that holds one orientation.
inline std::vector<std::byte> with_turn(const std::vector<std::byte>& jpeg, int turn) {
  const int exif[] = {0xFF, 0xE1, 0,    34, 'E', 'x', 'i', 'f', 0, 0, 'I',  'I', 42, 0, 8, 0, 0, 0,
                      1,    0,    0x12, 1,  3,   0,   1,   0,   0, 0, turn, 0,   0,  0, 0, 0, 0, 0};
  std::vector<std::byte> result(jpeg.begin(), jpeg.begin() + 2);
  for (const int value : exif) result.push_back(static_cast<std::byte>(value));
  result.insert(result.end(), jpeg.begin() + 2, jpeg.end());
  return result;
}

// Where the frame header's marker stands.
inline std::size_t frame_header(const std::vector<std::byte>& jpeg) {
  std::size_t i = 2;
  while (i + 4 < jpeg.size() && (jpeg[i + 1] < std::byte{0xC0} || jpeg[i + 1] > std::byte{0xC2}))
    i += 2 + (std::to_integer<std::size_t>(jpeg[i + 2]) << 8) +
         std::to_integer<std::size_t>(jpeg[i + 3]);
  return i;
}

}  // namespace meterlens::reader::test
