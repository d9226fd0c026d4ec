// Single stories of a meter: what each rule does, in virtual time.
#include <gtest/gtest.h>

#include "server/validate/estimate.h"
#include "server/validate/life.h"

namespace meterlens::validate {
namespace {

using test::Errors;
using test::Life;

constexpr Errors none{0, 0, 0, 0, 0, 0, 0, 0};
const test::Kind& hourly = test::kinds[0];

class Story : public testing::Test {
 protected:
  void live(int slots) {
    for (int i = 0; i < slots; ++i) life_.step();
  }
  const Reading& last(std::size_t back = 0) const {
    return life_.book()[life_.book().size() - 1 - back].reading;
  }
  bool has(Flag flag, std::size_t back = 0) const { return (last(back).flags & bit(flag)) != 0; }

  Life life_{hourly, 3, none, 0.5};
};

TEST_F(Story, AFalseHighReadingOfAYoungMeterIsWithdrawnByTwoThatAgree) {
  live(3);
  life_.lie(500);
  live(1);
  EXPECT_EQ(last().verdict, Verdict::accepted) << "nothing is known yet of this meter";
  live(1);
  EXPECT_EQ(last().verdict, Verdict::doubtful);
  live(1);
  EXPECT_EQ(last().verdict, Verdict::accepted);
  EXPECT_EQ(last(1).verdict, Verdict::accepted);
  EXPECT_EQ(last(2).verdict, Verdict::doubtful);
  EXPECT_TRUE(last(2).review->by_server);
}

// Photos that show one decimal of three, and not well.
class Unclear : public Story {
 protected:
  Unclear() { show_red(1, false); }
  void show_red(int decimals, bool clearly) { life_.show_red(decimals, clearly); }
  std::vector<Change> told(int decimals) {
    life_.meter().decimals = decimals;
    return reconsider(life_.past(life_.now_ms())).changes;
  }
  void expect_waiting(std::size_t count) const {
    for (std::size_t back = 0; back < count; ++back) {
      EXPECT_EQ(last(back).verdict, Verdict::doubtful) << "none makes another one right";
      EXPECT_TRUE(has(Flag::unclear_decimals, back));
    }
  }
};

TEST_F(Unclear, DecimalsOfANewMeterWaitUntilAPersonSaysThem) {
  live(12);  // more than any other doubt outlives
  expect_waiting(12);
  EXPECT_EQ(last().value_decimals, 1);
  EXPECT_TRUE(told(-1).empty());
  const auto changes = told(hourly.red);
  ASSERT_EQ(changes.size(), 12u);
  life_.apply(changes);
  EXPECT_EQ(last().verdict, Verdict::accepted);
  EXPECT_EQ(last().review->reason, "accepted: the meter's decimals are known now");
  EXPECT_EQ(last().value_decimals, hourly.red);
  live(1);
  EXPECT_EQ(last().verdict, Verdict::accepted);
  EXPECT_EQ(last().value_decimals, hourly.red);
  EXPECT_FALSE(has(Flag::unclear_decimals));
  show_red(1, true);
  live(1);
  EXPECT_EQ(last().verdict, Verdict::doubtful) << "a photo that shows others clearly";
  EXPECT_TRUE(has(Flag::other_register));
}

TEST_F(Unclear, DecimalsAreThoseOfAPhotoThatShowsThem) {
  live(2);
  show_red(hourly.red, true);
  live(1);
  EXPECT_EQ(last().verdict, Verdict::accepted);
  EXPECT_EQ(last(1).verdict, Verdict::doubtful);
  show_red(0, false);
  live(1);
  for (std::size_t back = 0; back < 4; ++back) {
    EXPECT_EQ(last(back).verdict, Verdict::accepted);
    EXPECT_EQ(last(back).red, hourly.red);
  }
}

TEST_F(Unclear, AValueByHandSaysTheDecimals) {
  live(2);
  Reading by_hand = last();
  by_hand.id = 0, by_hand.photo = 0, by_hand.flags = 0;
  by_hand.verdict = Verdict::manual;
  set_decimals(by_hand, hourly.red);
  const auto changes = enter(by_hand, life_.past(life_.now_ms())).changes;
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].decimals, hourly.red);
}

TEST_F(Unclear, AnotherRegistersDecimalsSayNothing) {
  live(2);
  Past past = life_.past(life_.now_ms());
  Point other = past.points.front();
  other.id = 99, other.at_ms -= hour_ms, other.wheels -= 1, other.red = hourly.red;
  other.standing = Standing::fixed, other.has_unclear_decimals = false;
  past.points.insert(past.points.begin(), other);
  EXPECT_TRUE(reconsider(past).changes.empty());
  past.points.front().wheels += 1;
  EXPECT_EQ(reconsider(past).changes.size(), 2u);
}

TEST_F(Story, NoDecimalsMayBeWhatAPersonSays) {
  life_.meter().decimals = 0;
  life_.show_red(2, false);
  live(1);
  EXPECT_EQ(last().verdict, Verdict::accepted);
  EXPECT_EQ(last().value_decimals, 0);
}

TEST_F(Story, ASpikeIsHeldBackAndStaysOut) {
  live(60);
  life_.lie(9000);
  live(1);
  EXPECT_EQ(last().verdict, Verdict::doubtful);
  EXPECT_TRUE(has(Flag::high_use));
  live(5);
  EXPECT_EQ(last(5).verdict, Verdict::doubtful);
  for (std::size_t back = 0; back < 5; ++back) EXPECT_EQ(last(back).verdict, Verdict::accepted);
}

TEST_F(Story, ATrueJumpIsAcceptedWhenTwoGoOnFromIt) {
  live(60);
  life_.set_rate(200);
  live(1);
  life_.set_rate(1);
  EXPECT_EQ(last().verdict, Verdict::doubtful);
  live(2);
  for (std::size_t back = 0; back < 3; ++back) EXPECT_EQ(last(back).verdict, Verdict::accepted);
}

TEST_F(Story, ARegisterThatWasExchangedUntoldIsTakenUpAndItsPastKept) {
  live(40);
  const std::size_t before = life_.book().size();
  life_.lie(-30'000'000, 100);
  live(20);
  EXPECT_EQ(last().verdict, Verdict::accepted);
  EXPECT_EQ(life_.book()[before - 1].reading.verdict, Verdict::accepted);
  EXPECT_EQ(life_.book()[before].reading.verdict, Verdict::accepted);
}

TEST_F(Story, APersonsLimitAndRegisterCount) {
  live(30);
  life_.meter().wheels = 6;
  live(1);
  EXPECT_EQ(last().verdict, Verdict::doubtful);
  EXPECT_TRUE(has(Flag::other_register));
  EXPECT_EQ(last(1).verdict, Verdict::accepted) << "weighed when the meter was edited, not before";
  life_.apply(reconsider(life_.past(life_.now_ms())).changes);
  EXPECT_EQ(last(1).verdict, Verdict::doubtful);
}

TEST_F(Story, PausesAndLeaksAreNoticed) {
  life_.meter().medium = Medium::water;
  live(100);
  EXPECT_FALSE(has(Flag::zero_use) || has(Flag::stuck) || has(Flag::continuous_flow));
  life_.set_rate(0);
  live(40);
  EXPECT_EQ(last().verdict, Verdict::accepted);
  EXPECT_TRUE(has(Flag::zero_use) || has(Flag::stuck));
  live(200);
  EXPECT_TRUE(has(Flag::stuck));
  life_.set_rate(40);
  live(60);
  EXPECT_EQ(last().verdict, Verdict::accepted);
  EXPECT_TRUE(has(Flag::continuous_flow)) << last().value;
}

TEST(SettleTime, TakesTheArrivalWhenTheClockCannotBeRight) {
  constexpr std::int64_t now = 1'770'000'000'000;
  const auto settled = [](std::int64_t at_ms) {
    Claim claim;
    claim.at_ms = at_ms;
    settle_time(claim, now);
    return claim;
  };
  EXPECT_EQ(settled(now - 1000).at_ms, now - 1000);
  EXPECT_FALSE(settled(now + 60'000).clock_is_wrong);
  EXPECT_EQ(settled(now + 6 * 60'000).at_ms, now);
  EXPECT_TRUE(settled(1000).clock_is_wrong);
}

TEST(SecondReader, WhoDisagreesInACertainWheelMakesItDoubtful) {
  Claim claim;
  claim.status = "read";
  claim.digits = "00195419";
  claim.certain = 7;
  claim.second = "00195412";
  EXPECT_EQ(judge(claim, {}).readings[0].verdict, Verdict::accepted);
  claim.second = "00195319";
  const Reading reading = judge(claim, {}).readings[0];
  EXPECT_EQ(reading.verdict, Verdict::doubtful);
  EXPECT_EQ(reading.flags, bit(Flag::second_reader));
}

TEST_F(Story, AnEstimateByProfileFollowsTheHoursOfTheDay) {
  live(240);
  Past past = life_.past(life_.now_ms());
  // A day is missing; its first six hours are the night.
  const std::int64_t midnight = past.points[past.points.size() - 60].at_ms / (24 * hour_ms) *
                                (24 * hour_ms);
  std::erase_if(past.points, [&](const Point& point) {
    return point.at_ms > midnight && point.at_ms < midnight + 24 * hour_ms;
  });
  const std::array times{midnight + 6 * hour_ms};
  const auto even = estimate(past, times, Method::linear);
  const auto profiled = estimate(past, times, Method::profile);
  ASSERT_EQ(even.size(), 1U);
  ASSERT_EQ(profiled.size(), 1U);
  EXPECT_LT(profiled[0].value_count, even[0].value_count);
  EXPECT_EQ(profiled[0].verdict, Verdict::estimated);
  EXPECT_TRUE(estimate(past, std::array{life_.now_ms() + hour_ms}, Method::linear).empty());
}

}  // namespace
}  // namespace meterlens::validate
