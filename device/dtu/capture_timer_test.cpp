#include "device/dtu/capture_timer.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>
#include <vector>

namespace meterlens::dtu {
namespace {

using protocol::CaptureFailure;
using protocol::CaptureState;
using protocol::Part;

constexpr std::uint64_t minute = 60'000, hour = 60 * minute;
constexpr std::uint64_t unix_start = 1'700'006'400'000;  // a full hour

protocol::SettingValues every(std::int32_t period_s, std::int32_t offset_s = 0,
                              std::int32_t spread_s = 0) {
  protocol::SettingValues values(Part::dtu);
  const auto set = [&](std::string_view name, std::int32_t value) {
    ASSERT_TRUE(values.set(*protocol::find_setting(Part::dtu, name), value));
  };
  set("capture_period_s", period_s);
  set("capture_offset_s", offset_s);
  set("capture_spread_s", spread_s);
  return values;
}

struct World {
  explicit World(const protocol::SettingValues& values, const char* name = "m1") : timer(name, 7) {
    timer.set(values);
  }
  // Goes on as a board does, from due moment to due moment.
  void run(std::uint64_t ms) {
    for (const std::uint64_t end = now_ms + ms;;) {
      if (const auto id = timer.step(unix_ms(), now_ms)) {
        at_ms.push_back(now_ms);
        ids.push_back(*id);
        if (answers) timer.hear_offer(*id);
      }
      const std::uint64_t due_ms = std::max(timer.due_ms(unix_ms(), now_ms), now_ms + 1);
      if (due_ms >= end) {
        now_ms = end;
        return;
      }
      now_ms = due_ms;
    }
  }
  std::uint64_t unix_ms() const { return clock ? unix_start + now_ms + jump_ms : 0; }
  void fail() { timer.hear({ids.back(), CaptureState::failed, CaptureFailure::busy}, now_ms); }

  CaptureTimer timer;
  std::uint64_t now_ms = 0;
  std::uint64_t jump_ms = 0;
  bool clock = true;
  bool answers = true;
  std::vector<std::uint64_t> at_ms;
  std::vector<std::uint32_t> ids;
};

TEST(CaptureTimer, IsSilentWithoutAPeriod) {
  World world(every(0));
  world.run(100 * hour);
  EXPECT_TRUE(world.ids.empty());
  EXPECT_EQ(world.timer.due_ms(unix_start, 0), std::numeric_limits<std::uint64_t>::max());
}

TEST(CaptureTimer, OrdersAtMultiplesOfThePeriod) {
  World world(every(3600, 300));
  world.run(3 * hour);
  EXPECT_EQ(world.at_ms, (std::vector<std::uint64_t>{5 * minute, hour + 5 * minute,
                                                     2 * hour + 5 * minute}));
  EXPECT_EQ(world.ids[0], timer_command | (unix_start / 1000 + 300));
  EXPECT_EQ(world.timer.counters().ordered, 3U);
  EXPECT_EQ(world.timer.counters().missed, 0U);
}

TEST(CaptureTimer, TheSpreadIsTheDevicesOwn) {
  std::set<std::uint64_t> first;
  for (int i = 0; i < 50; ++i) {
    const std::string name = "m" + std::to_string(i);
    World one(every(7200, 0, 3599), name.c_str()), again(every(7200, 0, 3599), name.c_str());
    one.now_ms = again.now_ms = hour + 30 * minute;
    one.run(3 * hour);
    again.run(3 * hour);
    EXPECT_EQ(one.at_ms, again.at_ms);
    first.insert(one.at_ms.at(0));
  }
  EXPECT_GT(first.size(), 40U);
}

TEST(CaptureTimer, AFreshMomentIsOrderedAfterAResetByTheSameId) {
  World before(every(3600));
  before.now_ms = hour;
  before.run(minute);
  World after(every(3600));
  after.now_ms = hour + minute;
  after.run(minute);
  EXPECT_EQ(after.ids, before.ids);
  World late(every(3600));
  late.now_ms = hour + 11 * minute;
  late.run(minute);
  EXPECT_TRUE(late.ids.empty());
}

TEST(CaptureTimer, WithoutAClockItCountsFromItsStart) {
  World world(every(600));
  world.clock = false;
  world.run(31 * minute);
  EXPECT_EQ(world.at_ms,
            (std::vector<std::uint64_t>{10 * minute, 20 * minute, 30 * minute}));
  EXPECT_EQ(std::set<std::uint32_t>(world.ids.begin(), world.ids.end()).size(), 3U);
  for (const std::uint32_t id : world.ids) EXPECT_NE(id & timer_command, 0U);
  world.clock = true;  // 31 minutes past the hour: the moment of 30 is fresh, but for another id
  world.run(20 * minute);
  EXPECT_EQ(world.at_ms.size(), 6U);
}

TEST(CaptureTimer, AnUnansweredOrderIsRepeatedAndThenMissed) {
  World world(every(3600));
  world.answers = false;
  world.now_ms = hour - 1000;
  world.timer.set(every(3600));
  world.run(hour);
  ASSERT_GT(world.ids.size(), 5U);
  for (const std::uint32_t id : world.ids) EXPECT_EQ(id, world.ids[0]);
  EXPECT_EQ(world.at_ms[1] - world.at_ms[0], order_retry_first_ms);
  EXPECT_EQ(world.timer.counters().missed, 0U);
  world.answers = true;
  world.run(hour);
  EXPECT_EQ(world.timer.counters().missed, 1U);
  EXPECT_EQ(world.timer.counters().ordered, 2U);
}

TEST(CaptureTimer, TheOfferOfAnEarlierMomentIsNoAnswer) {
  World world(every(600));
  world.run(15 * minute);
  world.answers = false;
  world.run(6 * minute);
  const std::uint32_t waited_for = world.ids.back();
  const std::size_t before = world.ids.size();
  // A camera that was off comes back and first offers what waits in its flash.
  for (const std::uint32_t id : {waited_for - 600, waited_for + 600, waited_for - timer_command})
    world.timer.hear_offer(id);
  world.run(2 * minute);
  EXPECT_GT(world.ids.size(), before);
  world.timer.hear_offer(waited_for + attempts_max - 1);
  const std::size_t asked = world.ids.size();
  world.run(minute);
  EXPECT_EQ(world.ids.size(), asked);
  EXPECT_EQ(world.timer.counters().missed, 0U);
}

TEST(CaptureTimer, AFailedOneIsOrderedAnewAFewTimes) {
  World world(every(3600));
  world.answers = false;
  world.now_ms = hour;
  world.run(1000);
  for (std::uint32_t attempt = 1; attempt < attempts_max; ++attempt) {
    world.fail();
    world.run(order_retry_first_ms + 1);
    ASSERT_EQ(world.ids.size(), attempt + 1);
    EXPECT_EQ(world.ids.back(), world.ids[0] + attempt);
  }
  world.fail();
  world.run(30 * minute);
  EXPECT_EQ(world.ids.size(), attempts_max);
  EXPECT_EQ(world.timer.counters().missed, 1U);
}

TEST(CaptureTimer, AClockThatJumpsOrdersAtMostOne) {
  World world(every(600));
  world.run(hour);
  const std::size_t before = world.ids.size();
  world.jump_ms = 1000 * hour;
  world.run(minute);
  EXPECT_EQ(world.ids.size(), before + 1);
  world.jump_ms = 0;
  world.run(minute);
  EXPECT_EQ(world.ids.size(), before + 1);
  world.run(10 * minute);
  EXPECT_EQ(world.ids.size(), before + 2);
}

}  // namespace
}  // namespace meterlens::dtu
