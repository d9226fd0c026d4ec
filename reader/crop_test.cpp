#include "reader/crop.h"

#include <gtest/gtest.h>

#include "reader/jpeg.h"

namespace meterlens::reader {
namespace {

using Colour = std::array<int, 3>;  // blue, green, red

std::size_t offset(const Picture& picture, int x, int y) {
  return 3 * static_cast<std::size_t>(y * picture.width + x);
}

// Grey, with a red window whose left quarter is green.
std::vector<std::byte> photo_with_window(int width, int height, int left, int top, int right,
                                         int bottom) {
  Picture picture{width, height, std::vector<std::uint8_t>(
                                     static_cast<std::size_t>(width * height * 3), 128)};
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      const bool first = x < left + (right - left) / 4;
      const std::size_t at = offset(picture, x, y);
      picture.bgr[at] = 0;
      picture.bgr[at + 1] = first ? 200 : 0;
      picture.bgr[at + 2] = first ? 0 : 200;
    }
  }
  return encode(picture, 95);
}

Colour at(const std::vector<std::byte>& jpeg, int x, int y) {
  const auto picture = decode(jpeg, 100000)->picture;
  const std::size_t i = offset(picture, x, y);
  return {picture.bgr[i], picture.bgr[i + 1], picture.bgr[i + 2]};
}

void expect_near(const Colour& seen, const Colour& wanted) {
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(seen[i], wanted[i], 45);
}

constexpr Colour green_pixel{0, 200, 0}, red_pixel{0, 0, 200}, grey_pixel{128, 128, 128};

TEST(Crop, StripHasTheWindowWhereTheTrainingWantsIt) {
  // A small window is enlarged, a large one averaged down.
  for (const int scale : {1, 8}) {
    const int l = 20 * scale, t = 30 * scale, r = 164 * scale, b = 50 * scale;
    const auto jpeg = photo_with_window(200 * scale, 100 * scale, l, t, r, b);
    const double x0 = l, y0 = t, x1 = r, y1 = b;
    const auto strip = strip_of(jpeg, {{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}});
    ASSERT_TRUE(strip);
    const auto picture = decode(*strip, 100000)->picture;
    EXPECT_EQ(picture.width, 384);
    EXPECT_EQ(picture.height, 72);
    expect_near(at(*strip, 60, 36), green_pixel);
    expect_near(at(*strip, 108, 36), green_pixel);
    expect_near(at(*strip, 140, 36), red_pixel);
    expect_near(at(*strip, 325, 36), red_pixel);
    expect_near(at(*strip, 30, 36), grey_pixel);
    expect_near(at(*strip, 355, 36), grey_pixel);
    expect_near(at(*strip, 200, 4), grey_pixel);
  }
}

TEST(Crop, StripOfATurnedWindowStandsUpright) {
  const auto jpeg = photo_with_window(200, 100, 20, 30, 164, 50);
  const auto strip = strip_of(jpeg, {{{164, 50}, {20, 50}, {20, 30}, {164, 30}}});
  ASSERT_TRUE(strip);
  expect_near(at(*strip, 60, 36), red_pixel);
  expect_near(at(*strip, 325, 36), green_pixel);
}

TEST(Crop, MirrorExchangesLeftAndRight) {
  const auto mirrored = mirror_of(photo_with_window(200, 100, 20, 30, 164, 50));
  ASSERT_TRUE(mirrored);
  expect_near(at(*mirrored, 170, 40), green_pixel);
  expect_near(at(*mirrored, 60, 40), red_pixel);
  expect_near(at(*mirrored, 20, 40), grey_pixel);
}

TEST(Crop, OtherBytesAreAnError) {
  EXPECT_FALSE(mirror_of({}));
  EXPECT_FALSE(strip_of({}, {}));
}

}  // namespace
}  // namespace meterlens::reader
