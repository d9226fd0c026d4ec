#include "server/second/picture.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/base64.h"
#include "reader/jpeg.h"

namespace meterlens::second {
namespace {

// A white photo whose register is a black bar.
std::vector<std::byte> photo_of(int width, int height, const Box& bar) {
  reader::Picture picture{width, height, {}};
  picture.bgr.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3, 255);
  for (int y = static_cast<int>(bar.top); y < bar.top + bar.height; ++y) {
    for (int x = static_cast<int>(bar.left); x < bar.left + bar.width; ++x) {
      for (int c = 0; c < 3; ++c)
        picture.bgr[(static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                     static_cast<std::size_t>(x)) * 3 + static_cast<std::size_t>(c)] = 0;
    }
  }
  return reader::encode(picture, 95);
}

// What the provider would see.
reader::Picture sent(const std::string& field) {
  std::string text;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] == '%') {
      text += static_cast<char>(std::stoi(field.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      text += field[i];
    }
  }
  std::vector<std::uint8_t> bytes(text.size());
  const auto count = protocol::base64_decode(text, bytes);
  EXPECT_TRUE(count);
  bytes.resize(count.value_or(0));
  const auto decoded = reader::decode(std::as_bytes(std::span(bytes)), 100'000);
  EXPECT_TRUE(decoded);
  return decoded ? decoded->picture : reader::Picture{};
}

int pixel(const reader::Picture& picture, double x, double y) {
  return picture.bgr[(static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) +
                      static_cast<std::size_t>(x)) * 3];
}

Window corners(const Box& box) {
  return {{{box.left, box.top}, {box.left + box.width, box.top},
           {box.left + box.width, box.top + box.height}, {box.left, box.top + box.height}}};
}

TEST(Picture, is_the_window_with_a_margin_and_says_where_the_register_is) {
  const Box bar{200, 100, 240, 50};
  const auto prepared = prepare(photo_of(640, 480, bar), corners(bar));
  ASSERT_TRUE(prepared) << prepared.error();
  ASSERT_TRUE(prepared->window);
  const auto picture = sent(prepared->field);
  EXPECT_LT(picture.width, 400);
  const Box& at = *prepared->window;
  EXPECT_LT(pixel(picture, at.left + at.width / 2, at.top + at.height / 2), 60);
  EXPECT_GT(pixel(picture, at.left / 2, at.top / 2), 200);
  EXPECT_LT(pixel(picture, at.left + 4, at.top + 4), 60);
}

TEST(Picture, of_a_window_that_is_upside_down_is_turned) {
  const Box bar{200, 100, 240, 50};
  Window window = corners(bar);
  std::ranges::rotate(window, window.begin() + 2);
  const auto prepared = prepare(photo_of(640, 480, {200, 100, 60, 50}), window);
  ASSERT_TRUE(prepared);
  const auto picture = sent(prepared->field);
  const Box& at = *prepared->window;
  EXPECT_GT(pixel(picture, at.left + 20, at.top + 25), 200);
  EXPECT_LT(pixel(picture, at.left + at.width - 20, at.top + 25), 60) << "its left is the right";
}

TEST(Picture, without_a_window_is_the_whole_photo_within_the_limits) {
  const auto whole = prepare(photo_of(640, 480, {10, 10, 50, 20}), std::nullopt);
  ASSERT_TRUE(whole);
  EXPECT_FALSE(whole->window);
  EXPECT_EQ(sent(whole->field).width, 640);
  const auto no_area = prepare(photo_of(640, 480, {10, 10, 50, 20}), Window{});
  ASSERT_TRUE(no_area);
  EXPECT_FALSE(no_area->window);
  const auto large = prepare(photo_of(5000, 300, {10, 10, 50, 20}), std::nullopt);
  ASSERT_TRUE(large);
  EXPECT_LE(sent(large->field).width, side_px_max);
  EXPECT_LE(large->field.size(), field_bytes_max);
}

TEST(Picture, of_a_tiny_window_is_drawn_larger_and_of_what_is_no_photo_an_error) {
  const Box bar{20, 10, 40, 8};
  const auto prepared = prepare(photo_of(160, 120, bar), corners(bar));
  ASSERT_TRUE(prepared);
  EXPECT_GE(prepared->window->height, 48);
  EXPECT_FALSE(prepare(photo_of(12, 12, {0, 0, 2, 2}), std::nullopt)) << "below 15 pixels";
  EXPECT_FALSE(prepare({}, std::nullopt));
  const std::vector<std::byte> noise(100, std::byte{0x7f});
  EXPECT_FALSE(prepare(noise, std::nullopt));
}

}  // namespace
}  // namespace meterlens::second
