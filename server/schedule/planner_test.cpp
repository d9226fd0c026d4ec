#include "server/schedule/planner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace meterlens::schedule {
namespace {

constexpr std::int64_t minute = 60'000, hour = 60 * minute, day = 24 * hour;
constexpr std::int64_t start = 1'700'006'400'000;  // 2023-11-15 00:00 UTC
constexpr std::size_t all = SIZE_MAX;

Schedule nightly(std::vector<std::string> devices, int spread_s = 0) {
  Schedule schedule;
  schedule.id = 1;
  schedule.name = "nights";
  schedule.cron = "0 2 * * *";
  schedule.devices = std::move(devices);
  schedule.spread_s = spread_s;
  schedule.done_ms = start;
  return schedule;
}

std::vector<std::string> names(int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back("d" + std::to_string(i));
  return out;
}

TEST(Planner, EachDeviceOnceAMoment) {
  Planner planner;
  planner.set_schedules({nightly({"a", "b"})});
  EXPECT_TRUE(planner.tick(start + 2 * hour - 1, all).empty());
  EXPECT_EQ(planner.next_ms(1), start + 2 * hour);
  const auto due = planner.tick(start + 2 * hour, all);
  ASSERT_EQ(due.size(), 2U);
  EXPECT_EQ(due[0].due_ms, start + 2 * hour);
  EXPECT_FALSE(due[0].missed);
  EXPECT_TRUE(planner.tick(start + 2 * hour + minute, all).empty());
  EXPECT_EQ(planner.tick(start + day + 2 * hour, all).size(), 2U);
  EXPECT_EQ(planner.missed_moments(), 0U);
}

TEST(Planner, TheSpreadIsEvenAndADeviceKeepsItsPlace) {
  Planner planner;
  planner.set_schedules({nightly(names(10'000), 3600)});
  std::map<std::string, std::int64_t> delays;
  std::map<std::int64_t, int> by_minute;
  for (std::int64_t now = start; now <= start + 4 * hour; now += 500) {
    for (const Due& due : planner.tick(now, all)) {
      EXPECT_LT(now - due.due_ms, 500);
      delays[due.device] = due.due_ms - start - 2 * hour;
      ++by_minute[(due.due_ms - start - 2 * hour) / minute];
    }
  }
  ASSERT_EQ(delays.size(), 10'000U);
  ASSERT_EQ(by_minute.size(), 60U);
  for (const auto& [at, count] : by_minute) EXPECT_NEAR(count, 10'000 / 60, 70) << at;
  for (const Due& due : planner.tick(start + day + 3 * hour, all))
    EXPECT_EQ(due.due_ms - start - day - 2 * hour, delays[due.device]);
}

TEST(Planner, AfterAPauseTheNewestMomentIsCaughtUpAndOlderOnesAreMissed) {
  Planner planner;
  planner.set_schedules({nightly({"a"})});
  const auto due = planner.tick(start + 5 * day + 2 * hour + 30 * minute, all);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_FALSE(due[0].missed);
  EXPECT_EQ(due[0].due_ms, start + 5 * day + 2 * hour);
  EXPECT_EQ(planner.missed_moments(), 5U);
  const auto late = planner.tick(start + 6 * day + 12 * hour, all);
  ASSERT_EQ(late.size(), 1U);
  EXPECT_TRUE(late[0].missed);
}

TEST(Planner, WhatComesDueWhileTicksGoOnIsNeverMissed) {
  Planner planner;
  Schedule schedule = nightly(names(5));
  schedule.catch_up_s = 0;
  planner.set_schedules({schedule});
  std::size_t count = 0;
  for (std::int64_t now = start + 2 * hour - 300; count < 5; now += 45'000) {
    for (const Due& due : planner.tick(now, 1)) {
      EXPECT_FALSE(due.missed) << due.device << " after " << (now - due.due_ms) / 1000 << " s";
      ++count;
    }
    ASSERT_LT(now, start + 3 * hour);
  }
  // As with a program that is there again in time, and has many to order then.
  schedule.catch_up_s = 300;
  Planner later;
  later.set_schedules({schedule});
  count = 0;
  for (std::int64_t now = start + 2 * hour + 4 * minute; count < 5; now += 45'000)
    for (const Due& due : later.tick(now, 1)) {
      EXPECT_FALSE(due.missed) << due.device;
      ++count;
    }
}

TEST(Planner, APauseEndsInTimeOrTheMomentIsMissed) {
  const auto is_missed = [](Planner& planner, std::int64_t now_ms) {
    const auto due = planner.tick(now_ms, all);
    EXPECT_EQ(due.size(), 1U);
    return !due.empty() && due[0].missed;
  };
  Schedule schedule = nightly({"a"});
  schedule.catch_up_s = 0;
  for (const auto& [late_s, missed] : {std::pair{60, false}, {61, true}}) {
    // Not there yet; without a tick since the evening; with schedules from after the moment.
    Planner planner;
    planner.set_schedules({schedule});
    EXPECT_EQ(is_missed(planner, start + 2 * hour + 1000 * late_s), missed) << late_s;
    EXPECT_TRUE(planner.tick(start + 20 * hour, all).empty());
    EXPECT_EQ(is_missed(planner, start + day + 2 * hour + 1000 * late_s), missed) << late_s;
    Planner changed;
    for (std::int64_t now = start + hour; now < start + 2 * hour + 1000 * late_s; now += 30'000)
      EXPECT_TRUE(changed.tick(now, all).empty());
    changed.set_schedules({schedule});
    EXPECT_EQ(is_missed(changed, start + 2 * hour + 1000 * late_s), missed) << late_s;
  }
}

// Whatever moments the server is down at, and wherever in a spread: nothing twice, nothing lost
// that could be caught up.
TEST(Planner, RestartsAnywhereOrderNothingTwiceAndLoseNothing) {
  std::mt19937 random(7);
  for (int run = 0; run < 200; ++run) {
    Schedule schedule = nightly(names(50), run % 3 == 0 ? 0 : 1800);
    std::multiset<std::pair<std::string, std::int64_t>> ordered;
    std::int64_t now = start, stored_ms = start;
    while (now < start + 3 * day) {
      Planner planner;
      schedule.done_ms = stored_ms;
      planner.set_schedules({schedule});
      const std::int64_t until = now + static_cast<std::int64_t>(random() % (8 * hour));
      for (; now < until; now += 10'000) {
        for (const Due& due : planner.tick(now, 7)) {
          EXPECT_FALSE(due.missed);
          if (due.due_ms < start + 3 * day) ordered.emplace(due.device, due.due_ms);
        }
        for (const auto& [id, done_ms] : planner.take_done()) stored_ms = done_ms;
      }
      now += static_cast<std::int64_t>(random() % (20 * minute));  // down
    }
    std::set<std::pair<std::string, std::int64_t>> distinct(ordered.begin(), ordered.end());
    EXPECT_EQ(distinct.size(), 150U) << run;
    // Only those of one and the same millisecond may come again.
    if (schedule.spread_s != 0) {
      EXPECT_LE(ordered.size(), distinct.size() + 3) << run;
    }
  }
}

TEST(Planner, AtMostSoManyAtOnce) {
  Planner planner;
  planner.set_schedules({nightly(names(10))});
  EXPECT_EQ(planner.tick(start + 2 * hour, 4).size(), 4U);
  EXPECT_EQ(planner.tick(start + 2 * hour + 1, 4).size(), 4U);
  EXPECT_EQ(planner.tick(start + 2 * hour + 2, 4).size(), 2U);
}

TEST(Planner, AMomentUnderWayIsTold) {
  Planner planner;
  planner.set_schedules({nightly(names(5))});
  EXPECT_FALSE(planner.is_ordering(start + 2 * hour - 1)) << "nobody is due";
  EXPECT_EQ(planner.tick(start + 2 * hour, 2).size(), 2U);
  EXPECT_TRUE(planner.is_ordering(start + 2 * hour)) << "three devices are due still";
  EXPECT_EQ(planner.tick(start + 2 * hour, all).size(), 3U);
  EXPECT_FALSE(planner.is_ordering(start + 2 * hour));
}

TEST(Planner, AScheduleForAllTakesInNewDevices) {
  Planner planner;
  planner.set_schedules({nightly({})});
  planner.set_devices({"a"});
  EXPECT_EQ(planner.tick(start + 2 * hour, all).size(), 1U);
  planner.set_devices({"a", "b"});
  EXPECT_TRUE(planner.tick(start + 3 * hour, all).empty());
  EXPECT_EQ(planner.tick(start + day + 2 * hour, all).size(), 2U);
}

TEST(Planner, AClockSetBackOrForthNeitherFloodsNorSilences) {
  Planner planner;
  planner.set_schedules({nightly({"a"})});
  EXPECT_EQ(planner.tick(start + 2 * hour, all).size(), 1U);
  // Forth by a year: the newest moment alone.
  EXPECT_EQ(planner.tick(start + 365 * day + 2 * hour, all).size(), 1U);
  // Back again: goes on from there.
  EXPECT_TRUE(planner.tick(start + 3 * hour, all).empty());
  EXPECT_EQ(planner.tick(start + day + 2 * hour, all).size(), 1U);
}

TEST(Planner, DisabledOnesAreSilent) {
  Planner planner;
  Schedule schedule = nightly({"a"});
  schedule.enabled = false;
  planner.set_schedules({schedule});
  EXPECT_TRUE(planner.tick(start + 2 * hour, all).empty());
  EXPECT_FALSE(planner.next_ms(1));
}

}  // namespace
}  // namespace meterlens::schedule
