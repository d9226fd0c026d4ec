#include "reader/trust.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace meterlens::reader {
namespace {

// Five wheels at rest, each with these odds from both nets.
Register row_with(double odds) {
  Register row;
  for (int digit = 0; digit < 5; ++digit) {
    Spread spread;
    spread.fill(0.01 / (half_steps - 1));
    spread[static_cast<std::size_t>(2 * digit)] = 0.99;
    row.spreads.push_back(spread);
    row.wheels.push_back(
        {static_cast<double>(digit), static_cast<char>('0' + digit), 0.99, 0, {odds, odds}});
    row.turning.push_back(false);
  }
  row.count = row.whole = row.evenness = row.shown = 0.999;
  return row;
}

Evidence clear() {
  Evidence seen;
  seen.located = 0.95;
  seen.mirrored = seen.nothing = 1e-4;
  return seen;
}

TEST(Trust, GrowsWithTheOddsOfEitherNet) {
  const std::array<double, 5> odds{-4, 0, 2, 5, 9};
  for (std::size_t i = 1; i < odds.size(); ++i) {
    EXPECT_GT(wheel_trust({odds[i], 3}), wheel_trust({odds[i - 1], 3}));
    EXPECT_GT(wheel_trust({3, odds[i]}), wheel_trust({3, odds[i - 1]}));
  }
  EXPECT_GT(wheel_trust({9, 9}), 0.999);
  EXPECT_LT(wheel_trust({9, -9}), 0.7);  // they contradict each other
}

TEST(Trust, TheWheelsNetAloneIsTrustedLessThanWithTheRowsBesideIt) {
  for (const double odds : {2.0, 3.0, 4.0, 8.0})
    EXPECT_LT(wheel_trust_alone(odds), wheel_trust({odds, odds}));
  EXPECT_GT(wheel_trust_alone(4), wheel_trust_alone(3));
  EXPECT_EQ(wheel_trust_alone(8), wheel_trust_alone(12));  // however sure it says it is
  Register row = row_with(8);
  row.wheels_alone = true;
  EXPECT_EQ(trusted(row, clear()).wheels.front().confidence, wheel_trust_alone(8));
}

TEST(Trust, NoOddsAreBeyondMeasure) {
  EXPECT_EQ(wheel_trust({12, 12}), wheel_trust({1e9, 1e9}));
  EXPECT_LT(wheel_trust({1e9, 1e9}), 1);
}

TEST(Trust, AWholeRowIsTrustedAMirroredOrDoubtfulOneNot) {
  const Register row = row_with(8);
  Evidence mirrored = clear(), elsewhere = clear(), nothing = clear();
  mirrored.mirrored = 0.9, elsewhere.located = 0.1, nothing.nothing = 0.9;
  EXPECT_GT(whole_trust(row, clear()), 0.99);
  for (const Evidence& seen : {mirrored, elsewhere, nothing})
    EXPECT_LT(whole_trust(row, seen), whole_trust(row, clear()));
}

TEST(Trust, ADisplayIsTrustedByItsOwnNetsWord) {
  Register row = row_with(8);
  row.is_display = true, row.lcd = 0.99;
  const double sure = display_trust(row);
  EXPECT_EQ(trusted(row, clear()).trust, sure);
  EXPECT_EQ(trusted(row, Evidence{}).trust, sure);  // not by what misleads the refiner
  row.whole = 0.3;
  EXPECT_LT(display_trust(row), sure);
  row.whole = 0.999, row.lcd = 0.01;  // a printed number
  EXPECT_LT(display_trust(row), sure);
}

TEST(Trust, TemperingGivesTheDigitItsProbabilityAndKeepsTheOrder) {
  Spread spread;
  spread.fill(0.001);
  spread[6] = 0.7, spread[16] = 0.2, spread[8] = 0.082;
  for (const double wanted : {0.5, 0.9, 0.999}) {
    const Spread result = tempered(spread, 3.0, 3, 3, wanted);
    EXPECT_NEAR(digit_probabilities(result, 3.0, 3)[3], wanted, 0.002);
    EXPECT_GT(result[6], result[16]);
    EXPECT_GT(result[16], result[8]);
  }
}

TEST(Trust, ATurningLastWheelIsNeverCertain) {
  Register row = row_with(9);
  row.turning.back() = true;
  const Register told = trusted(row, clear());
  EXPECT_LE(told.wheels.back().confidence, 0.5);
  EXPECT_GT(told.wheels.front().confidence, 0.99);
  EXPECT_EQ(told.trust, whole_trust(row, clear()));
  EXPECT_TRUE(trusted(Register{}, clear()).wheels.empty());
}

}  // namespace
}  // namespace meterlens::reader
