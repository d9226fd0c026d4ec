#include "server/photo/jpeg_shape.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "server/ingest/recording.h"

namespace meterlens::photo {
namespace {

std::vector<std::uint8_t> golden() {
  const std::string photo = ingest::testing::read_golden("capture_8k.jpg");
  return {photo.begin(), photo.end()};
}

TEST(JpegShape, sees_the_size_of_a_whole_photo) {
  const auto shape = look(golden());
  ASSERT_TRUE(shape.has_value());
  EXPECT_EQ(shape->width, 320u);
  EXPECT_EQ(shape->height, 240u);
  EXPECT_EQ(shape->unit_height, 16u);
}

TEST(JpegShape, no_beginning_of_a_photo_is_whole) {
  const auto photo = golden();
  for (std::size_t size = 0; size < photo.size(); ++size)
    EXPECT_FALSE(look(protocol::Bytes(photo).first(size)).has_value()) << size;
}

TEST(JpegShape, tells_what_is_wrong) {
  auto photo = golden();
  const auto half = protocol::Bytes(photo).first(photo.size() / 2);
  EXPECT_EQ(look(half).error(), ShapeError::truncated);
  const std::string png = "\x89PNG\r\n\x1a\n and so on";
  EXPECT_EQ(look({reinterpret_cast<const std::uint8_t*>(png.data()), png.size()}).error(),
            ShapeError::not_jpeg);
  auto longer = photo;
  longer.insert(longer.end(), {0, 0, 0});
  EXPECT_TRUE(look(longer).has_value());
  longer.push_back('x');
  EXPECT_EQ(look(longer).error(), ShapeError::damaged);
  auto twice = photo;
  twice.insert(twice.end(), photo.begin(), photo.end());
  EXPECT_EQ(look(twice).error(), ShapeError::damaged);
  const std::vector<std::uint8_t> nothing = {0xff, 0xd8, 0xff, 0xd9};
  EXPECT_EQ(look(nothing).error(), ShapeError::damaged);
}

TEST(JpegShape, random_damage_is_harmless) {
  std::mt19937 random(3);
  for (int round = 0; round < 5000; ++round) {
    auto photo = golden();
    photo.resize(1 + random() % photo.size());
    for (unsigned i = 0; i < random() % 20; ++i)
      photo[random() % photo.size()] =
          random() % 2 == 0 ? 0xff : static_cast<std::uint8_t>(random());
    static_cast<void>(look(photo));
  }
}

}  // namespace
}  // namespace meterlens::photo
