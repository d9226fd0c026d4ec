#include "face/face.h"

#include <gtest/gtest.h>

#include "face/photo_test.h"
#include "face/random.h"

namespace meterlens::face {
namespace {

struct Turn {
  std::int64_t value;
  int wheels;
  std::vector<int> positions;
  std::vector<std::string> accepted;
};

TEST(Turning, CarriesThroughTheRegister) {
  const Turn table[] = {
      {0, 4, {0, 0, 0, 0}, {"0000"}},
      {12340, 4, {10, 20, 30, 40}, {"1234"}},
      {12342, 4, {10, 20, 30, 42}, {"1234"}},
      {12343, 4, {10, 20, 30, 43}, {"1234", "1235"}},
      {12344, 4, {10, 20, 30, 44}, {"1234", "1235"}},
      {12345, 4, {10, 20, 30, 45}, {"1235", "1234"}},
      {12347, 4, {10, 20, 30, 47}, {"1235", "1234"}},
      {12348, 4, {10, 20, 30, 48}, {"1235"}},
      {12389, 4, {10, 20, 30, 89}, {"1239"}},
      {12390, 4, {10, 20, 30, 90}, {"1239"}},
      {12395, 4, {10, 20, 35, 95}, {"1240", "1239"}},
      {9995, 4, {5, 95, 95, 95}, {"1000", "0999"}},
      {9994, 4, {4, 94, 94, 94}, {"0999", "1000"}},
      {99999, 4, {99, 99, 99, 99}, {"0000"}},
      {100000, 4, {0, 0, 0, 0}, {"0000"}},
      {-1, 4, {99, 99, 99, 99}, {"0000"}},
      {1234567990, 9, {10, 20, 30, 40, 50, 60, 70, 90, 90}, {"123456799"}},
  };
  for (const Turn& turn : table) {
    EXPECT_EQ(positions_of(turn.value, turn.wheels), turn.positions) << turn.value;
    EXPECT_EQ(accepted_of(turn.value, turn.wheels), turn.accepted) << turn.value;
  }
}

// Whatever the value: a wheel is off its digit exactly as far as its right neighbour is past 9.
TEST(Turning, AWheelTurnsOnlyWhileItsRightNeighbourPassesNine) {
  Random random(7);
  for (int i = 0; i < 20000; ++i) {
    const auto value = static_cast<std::int64_t>(random.next() % 1'000'000);
    const std::vector<int> at = positions_of(value, 5);
    for (std::size_t wheel = 0; wheel + 1 < at.size(); ++wheel)
      ASSERT_EQ(at[wheel] % 10, std::max(0, at[wheel + 1] - 90)) << value;
  }
}

TEST(Render, TheSameSeedGivesTheSamePhoto) {
  const Meter meter = meter_from_seed(11);
  const Conditions conditions = conditions_from_seed(12, 0.8);
  const Picture first = render(meter, 12345, conditions), again = render(meter, 12345, conditions);
  EXPECT_EQ(first.jpeg, again.jpeg);
  EXPECT_NE(first.jpeg, render(meter, 54321, conditions).jpeg);
  EXPECT_NE(first.jpeg, render(meter, 12345, conditions_from_seed(13, 0.8)).jpeg);
}

TEST(Render, AnySeedGivesAPhotoWithItsWindowInside) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Meter meter = meter_from_seed(seed);
    Conditions conditions = conditions_from_seed(seed, 1.0);
    conditions.width = seed % 2 == 0 ? 320 : 240;
    conditions.height = seed % 2 == 0 ? 240 : 320;
    const Picture picture = render(meter, static_cast<std::int64_t>(seed) * 977, conditions);
    for (const Point& corner : picture.truth.quad) {
      EXPECT_TRUE(corner.x >= 0 && corner.x <= conditions.width) << seed << " x " << corner.x;
      EXPECT_TRUE(corner.y >= 0 && corner.y <= conditions.height) << seed << " y " << corner.y;
    }
    EXPECT_EQ(picture.truth.digits.size(), static_cast<std::size_t>(meter.wheels));
    EXPECT_EQ(picture.truth.positions.size(), static_cast<std::size_t>(meter.wheels));
    EXPECT_LT(picture.truth.red, meter.wheels);
    const Decoded photo = decoded(picture);
    EXPECT_EQ(photo.width, conditions.width) << seed;
    EXPECT_EQ(photo.height, conditions.height) << seed;
  }
}

TEST(Render, TheQuadTurnsWithTheMeter) {
  const Meter meter = meter_from_seed(5);
  Conditions conditions = calm();
  conditions.angle_deg = 90;  // clockwise: the text runs downward
  const auto quad = render(meter, 0, conditions).truth.quad;
  EXPECT_GT(quad[1].y, quad[0].y + 30);
  EXPECT_LT(quad[3].x, quad[0].x - 5);
}

// The value shows where the truth says the window is, and nowhere else.
TEST(Render, OnlyTheWindowChangesWithTheValue) {
  for (std::uint64_t seed = 20; seed < 32; ++seed) {
    const Meter meter = meter_from_seed(seed);
    const Picture before = render(meter, 0, calm()), after = render(meter, 22222225, calm());
    const Decoded a = decoded(before), b = decoded(after);
    const auto& quad = before.truth.quad;
    EXPECT_GT(difference(a, b, quad[0], quad[2]), 4.0) << seed;
    const Point outside{quad[2].x, quad[2].y + 12};
    EXPECT_LT(difference(a, b, {quad[0].x, outside.y}, {quad[2].x, outside.y + 60}), 0.5) << seed;
  }
}

TEST(Render, AMissingFontFallsBackToStrokes) {
  Meter meter = meter_from_seed(2);
  meter.digits = {.file = "/nowhere/none.ttf", .stretch = 1, .weight = 0.1, .flat_three = false};
  meter.print_file.clear();
  EXPECT_EQ(decoded(render(meter, 5, calm())).width, 640);
}

TEST(Render, RefusesWhatIsNoMeter) {
  Meter meter = meter_from_seed(1);
  Conditions conditions = calm();
  conditions.width = 10;
  EXPECT_THROW(render(meter, 0, conditions), std::invalid_argument);
  meter.wheels = 3;
  EXPECT_THROW(render(meter, 0, calm()), std::invalid_argument);
}

TEST(Fonts, AFolderThatIsNotThereHasNone) { EXPECT_TRUE(fonts_in("/nowhere").empty()); }

}  // namespace
}  // namespace meterlens::face
