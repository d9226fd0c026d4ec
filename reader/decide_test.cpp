#include "reader/decide.h"

#include <gtest/gtest.h>

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
  };
  for (const Case& c : cases) EXPECT_EQ(digits_of(c.positions), c.digits);
}

Register row_of(const std::string& digits, double confidence) {
  Register row;
  for (const char digit : digits) {
    row.wheels.push_back({static_cast<double>(digit - '0'), digit, confidence, 0});
    row.turning.push_back(false);
  }
  row.count = row.whole = row.text = row.evenness = 1;
  return row;
}

Evidence good() { return {0.9, 0.0, 0.0, Light{120, 40, 0, 0.5}}; }

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

TEST(Judge, ATurningLastWheelIsLeftOutNotTheReading) {
  Register row = row_of("00538", 0.999);
  row.wheels[4].confidence = 0.5;
  row.turning[4] = true;
  const Digits digits = judge(row, good());
  EXPECT_EQ(digits.status, Status::read);
  EXPECT_EQ(digits.certain, 4);
  EXPECT_EQ(digits.reason, Reason::turning);
}

TEST(Judge, RefusesWhatItCannotStandBehind) {
  const Register clear = row_of("00538", 0.999);
  Register unclear = clear, cut = clear, uneven = clear, few = row_of("538", 0.999);
  unclear.wheels[1].confidence = 0.6;
  cut.count = 0.5;
  uneven.evenness = 0.2;
  Evidence mirrored = good(), dark = good(), nothing = good();
  mirrored.mirrored = 0.8;
  dark.light.mean = 5;
  nothing.nothing = 0.6;
  EXPECT_EQ(judge(unclear, good()).status, Status::doubtful);
  EXPECT_EQ(judge(unclear, good()).reason, Reason::low_confidence);
  EXPECT_EQ(judge(unclear, dark).reason, Reason::dark);
  EXPECT_EQ(judge(cut, good()).reason, Reason::wheel_count);
  EXPECT_EQ(judge(uneven, good()).status, Status::doubtful);
  EXPECT_EQ(judge(few, good()).status, Status::doubtful);
  EXPECT_EQ(judge(clear, mirrored).reason, Reason::mirrored);
  EXPECT_EQ(judge(clear, mirrored).status, Status::doubtful);
  EXPECT_EQ(judge(clear, nothing).status, Status::doubtful);
  EXPECT_EQ(judge(Register{}, good()).status, Status::unreadable);
  EXPECT_EQ(judge(Register{}, good()).reason, Reason::no_meter);
}

}  // namespace
}  // namespace meterlens::reader
