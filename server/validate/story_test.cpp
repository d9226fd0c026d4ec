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
