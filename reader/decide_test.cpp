#include "reader/decide.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace meterlens::reader {
namespace {

Spread spread_at(double position) {
  Spread spread{};
  spread[static_cast<std::size_t>(std::lround(position * 2)) % half_steps] = 1;
  return spread;
}

std::string digits_of(const std::vector<double>& positions) {
  std::vector<Spread> spreads;
  for (const double position : positions) spreads.push_back(spread_at(position));
  std::string digits;
  for (const Choice& choice : choose_digits(spreads, positions))
    digits += static_cast<char>('0' + choice.digit);
  return digits;
}

TEST(Decide, ATurningWheelGoesAsFarAsTheWheelToItsRight) {
  struct Case {
    std::vector<double> positions;
    const char* digits;
  };
  const Case cases[] = {
      {{0, 0, 5, 3, 8}, "00538"},
      {{3.4, 9.4}, "39"},              // both half-way, less than half
      {{3.6, 9.6}, "40"},              // and more
      {{3.45, 9.55}, "40"},            // measured apart: the right wheel decides
      {{3.55, 9.4}, "39"},             // either way
      {{0.5, 9.5, 9.4, 9.0}, "0999"},  // a carry through all wheels that has not come yet
      {{0.5, 9.6, 9.6, 9.7}, "1000"},
      {{9.6, 9.6, 0.0}, "000"},  // roll-over
      {{4.0, 7.4}, "47"},        // the last wheel alone: what shows more
      {{4.0, 7.6}, "48"},
      {{4.0, 7.53}, "47"},  // half-way as far as can be measured: the digit that it leaves
      {{4.0, 9.53}, "40"},  // but never back to 9 when the next wheel has gone on
  };
  for (const Case& c : cases) EXPECT_EQ(digits_of(c.positions), c.digits);
}

Register row_of(const std::string& digits, double confidence) {
  Register row;
  for (const char digit : digits) {
    row.wheels.push_back({static_cast<double>(digit - '0'), digit, confidence, 0, {}});
    row.turning.push_back(false);
  }
  row.count = row.whole = row.evenness = 1;
  row.trust = 0.999;
  return row;
}

Evidence good() {
  Evidence evidence;
  evidence.located = 0.9;
  evidence.light = {120, 40, 0, 0.5};
  return evidence;
}

TEST(Judge, AClearRowIsReadToTheLastWheel) {
  const Digits digits = judge(row_of("00538", 0.999), good());
  EXPECT_EQ(digits.status, Status::read);
  EXPECT_EQ(digits.reason, Reason::none);
  EXPECT_EQ(digits.certain, 5);
  EXPECT_EQ(digits.value, "538");
}

TEST(Judge, DecimalsMakeAnExactValue) {
  Register row = row_of("00195419", 0.999);
  for (std::size_t i = 5; i < 8; ++i) row.wheels[i].red = 0.9;
  const Digits digits = judge(row, good());
  EXPECT_EQ(digits.red, 3);
  EXPECT_EQ(digits.value, "195.419");
  Register zero = row_of("0000", 0.999);
  zero.wheels[3].red = 0.9;
  EXPECT_EQ(judge(zero, good()).value, "0.0");
}

TEST(Judge, TheColoursOfAllWheelsTogetherMakeTheDecimals) {
  Register row = row_of("00195419", 0.999);
  for (Wheel& wheel : row.wheels) wheel.red = 0.02;
  EXPECT_EQ(judge(row, good()).red, 0);
  EXPECT_GT(judge(row, good()).red_confidence, 0.97);
  row.wheels[5].red = row.wheels[6].red = 0.97;
  row.wheels[7].red = 0.4;  // under a lamp's reflection
  const Digits lit = judge(row, good());
  EXPECT_EQ(lit.red, 3);
  EXPECT_EQ(lit.value, "195.419");
  EXPECT_NEAR(lit.red_confidence, 0.93, 0.03);
  for (std::size_t i = 5; i < 8; ++i) row.wheels[i].red = 0.02;
  row.wheels[7].red = 0.55;
  const Digits open = judge(row, good());
  EXPECT_EQ(open.red, 1);
  EXPECT_LT(open.red_confidence, 0.6);
  for (Wheel& wheel : row.wheels) wheel.red = 1;
  EXPECT_EQ(judge(row, good()).red, 7);  // a value has whole units
}

TEST(Judge, ATurningLastWheelIsLeftOutNotTheReading) {
  Register row = row_of("00538", 0.999);
  row.wheels[4].confidence = 0.5;
  row.turning[4] = true;
  const Digits digits = judge(row, good());
  EXPECT_EQ(digits.status, Status::read);
  EXPECT_EQ(digits.certain, 4);
  EXPECT_EQ(digits.reason, Reason::turning);
}

TEST(Judge, ACountThatTheRowsNetIsNotQuiteSureOfIsNoReasonToRefuse) {
  Register row = row_of("00538", 0.999);
  row.count = 0.75;
  EXPECT_EQ(judge(row, good()).status, Status::read);
  row.count = 0.65;
  EXPECT_EQ(judge(row, good()).status, Status::doubtful);
  EXPECT_EQ(judge(row, good()).reason, Reason::wheel_count);
}

TEST(Judge, RefusesWhatItCannotStandBehind) {
  const Register clear = row_of("00538", 0.999);
  Register unclear = clear, cut = clear, uneven = clear, few = row_of("538", 0.999);
  unclear.wheels[1].confidence = 0.6;
  cut.count = cut.trust = 0.5;
  uneven.evenness = 0.2, uneven.trust = 0.9;
  Evidence mirrored = good(), dark = good(), nothing = good();
  mirrored.mirrored = 0.8;
  dark.light.mean = 5;
  nothing.nothing = 0.95;
  EXPECT_EQ(judge(unclear, good()).status, Status::doubtful);
  EXPECT_EQ(judge(unclear, good()).reason, Reason::low_confidence);
  EXPECT_EQ(judge(unclear, dark).reason, Reason::dark);
  EXPECT_EQ(judge(cut, good()).reason, Reason::wheel_count);
  EXPECT_EQ(judge(uneven, good()).status, Status::doubtful);
  EXPECT_EQ(judge(few, good()).status, Status::doubtful);
  EXPECT_EQ(judge(clear, mirrored).reason, Reason::mirrored);
  EXPECT_EQ(judge(clear, mirrored).status, Status::doubtful);
  EXPECT_EQ(judge(clear, nothing).status, Status::unreadable);
  EXPECT_EQ(judge(Register{}, good()).status, Status::unreadable);
  EXPECT_EQ(judge(Register{}, good()).reason, Reason::no_meter);
}

// A glimpse of evenly spaced wheels at these half steps, each seen with probability p.
Glimpse glimpse_of(const Row& shown, double p) {
  Glimpse glimpse;
  const std::size_t columns = 8 * shown.size();
  for (std::size_t t = 0; t < columns; ++t) {
    const bool middle = t % 8 == 4;
    const int half_step = shown[t / 8];
    Column column;
    column.fill((1 - p) / (classes - 1));
    column[middle ? static_cast<std::size_t>(half_step) + 1 : 0] = p;
    glimpse.columns.push_back(column);
    glimpse.cosine.push_back(std::cos(half_step * 3.14159265 / 10));
    glimpse.sine.push_back(std::sin(half_step * 3.14159265 / 10));
    glimpse.red.push_back(0);
    glimpse.centre.push_back(middle ? 0.99 : 0.01);
  }
  glimpse.whole = 0.99;
  glimpse.step = 1.0 / static_cast<double>(columns);
  glimpse.start = glimpse.step / 2;
  return glimpse;
}

WheelOpinion opinion_of(std::size_t wheel, int half_step, double p) {
  WheelOpinion opinion{wheel, {}, 0.001, 0.001};
  opinion.spread.fill((1 - p) / (half_steps - 1));
  opinion.spread[static_cast<std::size_t>(half_step)] = p;
  return opinion;
}

std::vector<WheelOpinion> opinions_of(const Row& shown, double p) {
  std::vector<WheelOpinion> opinions;
  for (std::size_t i = 0; i < shown.size(); ++i) opinions.push_back(opinion_of(i, shown[i], p));
  return opinions;
}

std::string text_of(const Register& row) {
  std::string text;
  for (const Wheel& wheel : row.wheels) text += wheel.digit;
  return text;
}

const Row wheels_of_00538{0, 0, 10, 6, 16};

TEST(Decide, FindsWhereTheWheelsAre) {
  const Register row = decide(sight_of({glimpse_of(wheels_of_00538, 0.999)}));
  ASSERT_EQ(row.centres.size(), 5U);
  EXPECT_NEAR(row.pitch, 0.2, 0.01);
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_NEAR(row.centres[i], 0.1125 + 0.2 * static_cast<double>(i), 0.02);
}

TEST(Decide, TwoNetsThatAgreeAreSurerThanOne) {
  const Sight sight = sight_of({glimpse_of(wheels_of_00538, 0.98)});
  const Register one = decide(sight), two = decide(sight, opinions_of(wheels_of_00538, 0.9));
  EXPECT_EQ(text_of(one), "00538");
  EXPECT_EQ(text_of(two), "00538");
  for (std::size_t i = 0; i < 5; ++i) EXPECT_GT(two.wheels[i].confidence, one.wheels[i].confidence);
}

TEST(Decide, ANetThatContradictsIsHeard) {
  const Sight sight = sight_of({glimpse_of(wheels_of_00538, 0.9999)});
  std::vector<WheelOpinion> opinions = opinions_of(wheels_of_00538, 0.99);
  EXPECT_TRUE(is_sure(decide(sight, opinions)));
  opinions[2] = opinion_of(2, 6, 0.99);
  const Register row = decide(sight, opinions);
  EXPECT_LT(std::ranges::min(row.wheels[2].odds), 0);
  EXPECT_LT(row.wheels[2].confidence, decide(sight).wheels[2].confidence);
  EXPECT_FALSE(is_sure(row));
  EXPECT_EQ(unsure_wheels(row), std::vector<std::size_t>{2});
}

TEST(Decide, OpinionsAloneMakeARowOfKnownWheels) {
  const Register row = decide_alone(opinions_of({0, 0, 10, 6, 16}, 0.99));
  EXPECT_EQ(text_of(row), "00538");
  EXPECT_TRUE(row.wheels_alone);
  EXPECT_GT(row.whole, 0.9);
  std::vector<WheelOpinion> gap = opinions_of({0, 0, 10, 6, 16}, 0.99);
  gap[1].none = 0.9;
  EXPECT_LT(decide_alone(gap).whole, 0.2);
  EXPECT_TRUE(decide_alone({}).wheels.empty());
}

TEST(Judge, DigitsThatLookTheSameInAMirrorNeedOtherSignsOfTheRightWayRound) {
  Evidence seen = good();
  seen.whole = 0.999, seen.mirrored = 0.001;
  EXPECT_EQ(judge(row_of("00018", 0.9999), seen).status, Status::read);
  seen.mirrored = 0.01;
  EXPECT_EQ(judge(row_of("00018", 0.9999), seen).status, Status::doubtful);
  EXPECT_EQ(judge(row_of("00013", 0.9999), seen).status, Status::read);
  seen.mirrored = 0.001, seen.whole = 0.9;
  EXPECT_EQ(judge(row_of("00018", 0.9999), seen).status, Status::doubtful);
  EXPECT_EQ(judge(row_of("00013", 0.9999), seen).status, Status::read);
}

TEST(Judge, ADisplayIsReadByItsOwnNetAlone) {
  Register row = row_of("00547", 0.9999);
  row.is_display = true;
  const Digits digits = judge(row, good());
  EXPECT_EQ(digits.status, Status::read);
  EXPECT_EQ(digits.display, Display::lcd);
  EXPECT_EQ(judge(row_of("12", 0.9999), good()).status, Status::unreadable);
  Register two = row_of("12", 0.9999);  // it shows no leading zeros
  two.is_display = true;
  EXPECT_EQ(judge(two, good()).status, Status::doubtful);
  EXPECT_EQ(judge(two, good()).digits, "12");
}

TEST(Judge, ADisplaysDigitsThatAreDigitsUpsideDownNeedOtherSignsOfTheRightWayUp) {
  Register same = row_of("81690", 0.9999), other = row_of("81640", 0.9999);
  same.is_display = other.is_display = true;
  Evidence seen = good();
  seen.whole = 0.999, seen.mirrored = 0.001;
  EXPECT_EQ(judge(same, seen).status, Status::read);
  seen.mirrored = 0.02;
  EXPECT_EQ(judge(same, seen).status, Status::doubtful);
  EXPECT_EQ(judge(same, seen).reason, Reason::display);
  EXPECT_EQ(judge(other, seen).status, Status::read);
  Register flipped = row_of("00235", 0.9999), three = row_of("00239", 0.9999);
  flipped.is_display = three.is_display = true;
  seen.mirrored = 0;
  EXPECT_EQ(judge(flipped, seen).status, Status::doubtful);
  EXPECT_EQ(judge(three, seen).status, Status::read);
}

TEST(Judge, AnLcdThatItsNetHasNotReadIsNotReadAndSaysSo) {
  Register row = row_of("00538", 0.999);
  row.lcd = 0.9;
  const Digits digits = judge(row, good());
  EXPECT_EQ(digits.status, Status::doubtful);
  EXPECT_EQ(digits.reason, Reason::display);
  EXPECT_EQ(digits.display, Display::lcd);
}

TEST(Decide, OneWheelByItself) {
  WheelOpinion opinion = opinion_of(0, 7, 0.5);
  opinion.spread[6] = 0.48;
  const Wheel wheel = wheel_of(opinion);
  EXPECT_NEAR(wheel.position, 3.25, 0.03);
  EXPECT_EQ(wheel.digit, '3');
  opinion.none = 0.99;
  EXPECT_LT(wheel_of(opinion).confidence, 0.2);
}

}  // namespace
}  // namespace meterlens::reader
