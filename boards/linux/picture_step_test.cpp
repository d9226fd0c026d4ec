#include "boards/linux/picture_step.h"

#include <gtest/gtest.h>
#include <turbojpeg.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace meterlens::boards {
namespace {

using Buffer = std::vector<std::uint8_t>;

struct Pixels {
  int width = 0, height = 0;
  Buffer grey;
  int at(int x, int y) const { return grey[static_cast<std::size_t>(y * width + x)]; }
};

Pixels decode(const Buffer& jpeg) {
  Pixels out;
  const tjhandle tool = tjInitDecompress();
  EXPECT_EQ(tjDecompressHeader(tool, const_cast<unsigned char*>(jpeg.data()), jpeg.size(),
                               &out.width, &out.height),
            0);
  out.grey.resize(static_cast<std::size_t>(out.width * out.height));
  EXPECT_EQ(tjDecompress2(tool, jpeg.data(), jpeg.size(), out.grey.data(), out.width, 0, out.height,
                          TJPF_GRAY, TJFLAG_ACCURATEDCT),
            0);
  tjDestroy(tool);
  return out;
}

Buffer photo() {
  std::ifstream in("tests/golden/smartdtu/capture_8k.jpg", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// That the pixel which `place` names in the original is at (x, y) now, for all of them.
template <class Place>
void expect_moved(const Pixels& original, const Pixels& now, Place place) {
  int far = 0;
  for (int y = 0; y < now.height; ++y)
    for (int x = 0; x < now.width; ++x) {
      const auto [from_x, from_y] = place(x, y);
      far += std::abs(now.at(x, y) - original.at(from_x, from_y)) > 2 ? 1 : 0;
    }
  EXPECT_EQ(far, 0) << "of " << now.width << "x" << now.height;
}

TEST(PictureStep, MirrorsAndFlips) {
  const Pixels original = decode(photo());
  for (const auto& [mirror, flip] : {std::pair{1, 0}, {0, 1}, {1, 1}}) {
    MeterlensShot shot{};
    shot.mirror = mirror;
    shot.flip = flip;
    ASSERT_TRUE(wants_picture_step(shot));
    const auto made = picture_step(photo(), shot);
    ASSERT_TRUE(made);
    const Pixels now = decode(*made);
    EXPECT_GT(now.width, original.width - 16);
    EXPECT_GT(now.height, original.height - 16);
    expect_moved(original, now, [&](int x, int y) {
      return std::pair{mirror != 0 ? now.width - 1 - x : x, flip != 0 ? now.height - 1 - y : y};
    });
  }
}

TEST(PictureStep, CutsToBlocks) {
  const Pixels original = decode(photo());
  MeterlensShot shot{};
  EXPECT_FALSE(wants_picture_step(shot));
  shot.crop_left = 300;
  shot.crop_top = 500;
  shot.crop_width = 400;
  shot.crop_height = 900;  // leaves the frame
  ASSERT_TRUE(wants_picture_step(shot));
  const auto made = picture_step(photo(), shot);
  ASSERT_TRUE(made);
  const Pixels now = decode(*made);
  const int left = original.width * 300 / 1000 / 16 * 16;
  EXPECT_NEAR(now.width, original.width * 400 / 1000, 16);
  EXPECT_NEAR(now.height, original.height / 2, 16);
  expect_moved(original, now, [&](int x, int y) {
    return std::pair{x + left, y + original.height - now.height};
  });
}

TEST(PictureStep, RefusesWhatIsNoPicture) {
  MeterlensShot shot{};
  shot.mirror = 1;
  EXPECT_FALSE(picture_step({}, shot));
  Buffer cut = photo();
  cut.resize(300);
  EXPECT_FALSE(picture_step(cut, shot));
}

}  // namespace
}  // namespace meterlens::boards
