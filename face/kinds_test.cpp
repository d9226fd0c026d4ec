#include "face/kinds.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "face/photo_test.h"

namespace meterlens::face {
namespace {

constexpr Kind kinds[] = {Kind::water, Kind::power,  Kind::gas,
                          Kind::lcd,   Kind::street, Kind::household};

void expect_inside(const Truth& truth, const Picture& picture, std::uint64_t seed) {
  for (const Point& corner : truth.quad) {
    EXPECT_TRUE(corner.x >= 0 && corner.x <= picture.width) << seed << " x " << corner.x;
    EXPECT_TRUE(corner.y >= 0 && corner.y <= picture.height) << seed << " y " << corner.y;
  }
}

// Mean grey of the twelve fields of a 4 x 3 grid, in tenths.
std::array<int, 12> thumb_of(const Picture& picture) {
  const Decoded photo = decoded(picture);
  std::array<std::int64_t, 12> sum{};
  for (int y = 0; y < photo.height; ++y)
    for (int x = 0; x < photo.width; ++x)
      sum[static_cast<std::size_t>(y * 3 / photo.height * 4 + x * 4 / photo.width)] +=
          photo.gray[static_cast<std::size_t>(y * photo.width + x)];
  std::array<int, 12> thumb{};
  for (std::size_t i = 0; i < 12; ++i)
    thumb[i] = static_cast<int>(sum[i] * 120 / (photo.width * photo.height));
  return thumb;
}

// The demo's meters, the evaluation's and the training's seeds must not change what they show. The
// bytes may differ with the libraries, so fields of the photo are compared: a fraction of a grey
// level apart, where one wheel's digit already makes more.
TEST(Kinds, OldSeedsDrawWhatTheyDrewBefore) {
  struct Old {
    std::uint64_t seed;
    double hardness;
    std::array<int, 12> thumb;
  };
  const Old table[] = {
      {7, 0.3, {{520, 800, 985, 572, 503, 1335, 1587, 676, 541, 712, 862, 560}}},
      {77, 0.5, {{1902, 1816, 1712, 1056, 2010, 1760, 1644, 1329, 1906, 2192, 1949, 1339}}},
      {527, 1.0, {{570, 1570, 1686, 588, 503, 1574, 1150, 564, 582, 727, 610, 303}}},
      {1'000'000, 0.8, {{749, 1531, 1357, 1285, 1253, 1966, 1584, 1740, 1175, 1975, 2074, 1961}}},

  };
  if (meter_from_seed(7).print_file.empty()) GTEST_SKIP() << "the DejaVu fonts are not installed";
  for (const Old& old : table) {
    const Meter meter = meter_from_seed(old.seed);
    const Conditions conditions = conditions_from_seed(old.seed + 1, old.hardness);
    const std::array<int, 12> thumb = thumb_of(render(meter, 123453, conditions));
    for (std::size_t i = 0; i < 12; ++i)
      EXPECT_NEAR(thumb[i], old.thumb[i], 2) << old.seed << " field " << i;
  }
}

TEST(Kinds, AnyIsWhatASeedAloneDraws) {
  for (std::uint64_t seed = 40; seed < 44; ++seed)
    EXPECT_EQ(
        render(meter_of(Kind::any, seed), 4711, conditions_of(Kind::any, seed, 0.7, 640, 480)).jpeg,
        render(meter_from_seed(seed), 4711, conditions_from_seed(seed, 0.7)).jpeg);
}

TEST(Kinds, HaveNames) {
  EXPECT_EQ(kind_of("street"), Kind::street);
  EXPECT_EQ(kind_of("any"), Kind::any);
  EXPECT_EQ(kind_of("Street"), std::nullopt);
  EXPECT_EQ(kind_of(""), std::nullopt);
}

TEST(Kinds, TheSameSeedGivesTheSamePhoto) {
  for (const Kind kind : kinds) {
    const auto photo = [&](std::uint64_t seed) {
      return render(meter_of(kind, seed), 98765, conditions_of(kind, seed, 0.9, 320, 240)).jpeg;
    };
    EXPECT_EQ(photo(5), photo(5));
    EXPECT_NE(photo(5), photo(6));
  }
}

TEST(Kinds, AnySeedGivesAPhotoWithItsWindowInside) {
  for (const Kind kind : kinds)
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      const Meter meter = meter_of(kind, seed);
      const Conditions conditions = seed % 2 == 0 ? conditions_of(kind, seed, 1, 320, 240)
                                                  : conditions_of(kind, seed, 1, 240, 320);
      const Picture picture = render(meter, static_cast<std::int64_t>(seed) * 977, conditions);
      expect_inside(picture.truth, picture, seed);
      EXPECT_EQ(picture.truth.digits.size(), picture.truth.positions.size());
      EXPECT_EQ(picture.truth.display, meter.display);
      EXPECT_LT(picture.truth.red, static_cast<int>(picture.truth.digits.size()));
      EXPECT_EQ(decoded(picture).width, conditions.width) << seed;
    }
}

TEST(Kinds, OnlyTheWindowChangesWithTheValue) {
  for (const Kind kind : kinds)
    for (std::uint64_t seed = 60; seed < 66; ++seed) {
      Meter meter = meter_of(kind, seed);
      meter.leading_zeros = true;
      const Picture before = render(meter, 0, calm()), after = render(meter, 22222225, calm());
      const Decoded a = decoded(before), b = decoded(after);
      const auto& quad = before.truth.quad;
      EXPECT_GT(difference(a, b, quad[0], quad[2]), 2.0) << seed;
      const Point outside{quad[2].x, quad[2].y + 12};
      EXPECT_LT(difference(a, b, {quad[0].x, outside.y}, {quad[2].x, outside.y + 60}), 0.5) << seed;
    }
}

TEST(Lcd, ShowsWholeDigitsAndNoLeadingZeros) {
  Meter meter = meter_of(Kind::lcd, 3);
  meter.wheels = 8;
  meter.decimals = 2;
  meter.leading_zeros = false;
  struct Case {
    std::int64_t value;
    const char* digits;
  };
  for (const auto& [value, digits] :
       {Case{1234567, "123456"}, Case{69, "006"}, Case{0, "000"}, Case{999999999, "99999999"}}) {
    const Truth truth = render(meter, value, calm()).truth;
    EXPECT_EQ(truth.digits, digits);
    EXPECT_EQ(truth.accepted, std::vector<std::string>{digits});
    for (const int position : truth.positions) EXPECT_EQ(position % 10, 0);
  }
  const auto less = render(meter, 1234567, calm()).truth.quad;
  meter.leading_zeros = true;
  const Truth full = render(meter, 1234567, calm()).truth;
  EXPECT_EQ(full.digits, "00123456");
  EXPECT_NEAR(less[1].x, full.quad[1].x, 1e-6);
  EXPECT_NEAR((less[1].x - less[0].x) / (full.quad[1].x - full.quad[0].x), 0.75, 0.02);
}

TEST(NoMeter, HasNoTruthAndNoValue) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Meter meter = meter_of(Kind::none, seed);
    const Conditions conditions = conditions_of(Kind::none, seed, 0.5, 320, 240);
    const Picture picture = render(meter, 12345, conditions);
    EXPECT_EQ(picture.truth.display, Display::none);
    EXPECT_TRUE(picture.truth.digits.empty() && picture.truth.positions.empty() &&
                picture.truth.accepted.empty());
    EXPECT_EQ(picture.jpeg, render(meter, 99999, conditions).jpeg) << seed;
  }
}

TEST(NoMeter, ASheetHasNoCounter) {
  Meter meter;
  meter.plate = Plate::sheet;
  EXPECT_THROW(render(meter, 0, calm()), std::invalid_argument);
}

// Each register stands in its half, and shows its own value there and nowhere else.
TEST(TwoMeters, BothShowTheirValues) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const Subject first{meter_from_seed(seed), 11111110}, second{meter_from_seed(seed + 50), 0};
    Conditions conditions = calm();
    conditions.angle_deg = static_cast<double>(seed) * 40;
    conditions.size = 0.9;
    conditions.width = seed % 2 == 0 ? 640 : 400;
    const Picture both = render_two(first, second, conditions);
    ASSERT_TRUE(both.second.has_value());
    expect_inside(both.truth, both, seed);
    expect_inside(*both.second, both, seed);
    if (HasFailure()) return;
    EXPECT_EQ(both.second->digits, std::string(static_cast<std::size_t>(second.meter.wheels), '0'));
    const Picture other = render_two({first.meter, 22222225}, second, conditions);
    const Picture last = render_two(first, {second.meter, 22222225}, conditions);
    const auto changed = [&](const Picture& now, const Truth& where) {
      const auto& q = where.quad;
      const Point middle{(q[0].x + q[2].x) / 2, (q[0].y + q[2].y) / 2};
      return difference(decoded(both), decoded(now), {middle.x - 12, middle.y - 12},
                        {middle.x + 12, middle.y + 12});
    };
    EXPECT_GT(changed(other, both.truth), 2.0) << seed;
    EXPECT_LT(changed(other, *both.second), 0.5) << seed;
    EXPECT_LT(changed(last, both.truth), 0.5) << seed;
    EXPECT_GT(changed(last, *both.second), 2.0) << seed;
  }
}

TEST(Series, GoesOnWithTheLastWheelTurning) {
  const Meter meter = meter_of(Kind::any, 9);
  const std::vector<Frame> frames = series_of(meter, 99900, 9, 0.8, 320, 240, 40);
  ASSERT_EQ(frames.size(), 40U);
  std::int64_t before = 99900;
  const auto quad = render(meter, 0, frames[0].conditions).truth.quad;
  for (const Frame& frame : frames) {
    EXPECT_GT(frame.value, before);
    EXPECT_NE(frame.value % 10, 0);
    before = frame.value;
    const auto now = render(meter, frame.value, frame.conditions).truth.quad;
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(now[i].x, quad[i].x);
  }
  EXPECT_NE(frames[0].conditions.light, frames[20].conditions.light);
  const std::vector<Frame> shorter = series_of(meter, 99900, 9, 0.8, 320, 240, 3);
  EXPECT_EQ(shorter[2].value, frames[2].value);
  EXPECT_EQ(render(meter, 5, shorter[2].conditions).jpeg,
            render(meter, 5, frames[2].conditions).jpeg);
}

// Another shot of the same scene: the noise differs, the scene does not.
TEST(Series, TheSceneStaysAndTheNoiseDoesNot) {
  const Meter meter = meter_of(Kind::any, 9);
  Conditions conditions = series_of(meter, 5, 9, 0.8, 320, 240, 1)[0].conditions;
  const Picture first = render(meter, 5, conditions);
  ++conditions.shot;
  const Picture second = render(meter, 5, conditions);
  EXPECT_NE(first.jpeg, second.jpeg);
  EXPECT_LT(difference(decoded(first), decoded(second), {0, 0}, {320, 240}), 12.0);
}

// A wheel of a series is at least some ten pixels wide, whatever the photo's size.
TEST(Series, IsNeverTooSmallToRead) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const Meter meter = meter_of(seed % 2 == 0 ? Kind::any : Kind::household, seed);
    const auto [width, height] = seed % 3 == 0 ? std::pair(320, 240) : std::pair(640, 480);
    const auto frames = series_of(meter, 5, seed, 1, width, height, 1);
    const Picture picture = render(meter, 5, frames[0].conditions);
    const auto& q = picture.truth.quad;
    const double wide = std::hypot(q[1].x - q[0].x, q[1].y - q[0].y);
    EXPECT_GT(wide / meter.wheels, 9.0) << seed;
  }
}

}  // namespace
}  // namespace meterlens::face
