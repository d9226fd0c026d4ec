#include "server/schedule/cron.h"

#include <date/date.h>
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

#include "server/schedule/schedule.h"

namespace meterlens::schedule {
namespace {

std::int64_t ms(const std::string& text) {
  std::istringstream in(text);
  date::sys_seconds time;
  in >> date::parse("%F %T", time);
  EXPECT_FALSE(in.fail()) << text;
  return std::int64_t{1000} * time.time_since_epoch().count();
}

std::string text_of(std::int64_t at_ms) {
  std::ostringstream out;
  out << date::format("%F %T", date::sys_seconds(std::chrono::seconds(at_ms / 1000)));
  return out.str();
}

std::vector<std::string> moments(const std::string& cron, const std::string& zone,
                                 const std::string& after, int count) {
  const auto parsed = Cron::parse(cron);
  EXPECT_TRUE(parsed) << cron << ": " << parsed.error();
  std::vector<std::string> found;
  std::optional<std::int64_t> at = ms(after);
  for (int i = 0; parsed && at && i < count; ++i) {
    at = parsed->next_ms(*at, zone);
    if (at) found.push_back(text_of(*at));
  }
  return found;
}

using Moments = std::vector<std::string>;

TEST(Cron, NextMoments) {
  EXPECT_EQ(moments("0 6 * * *", "UTC", "2026-01-01 06:00:00", 2),
            (Moments{"2026-01-02 06:00:00", "2026-01-03 06:00:00"}));
  EXPECT_EQ(moments("*/20 5-6 * * *", "UTC", "2026-01-01 05:30:00", 4),
            (Moments{"2026-01-01 05:40:00", "2026-01-01 06:00:00", "2026-01-01 06:20:00",
                     "2026-01-01 06:40:00"}));
  EXPECT_EQ(moments("0 0 29 feb *", "UTC", "2026-01-01 00:00:00", 2),
            (Moments{"2028-02-29 00:00:00", "2032-02-29 00:00:00"}));
  EXPECT_EQ(moments("0 0 31 * *", "UTC", "2026-01-31 00:00:00", 2),
            (Moments{"2026-03-31 00:00:00", "2026-05-31 00:00:00"}));
  EXPECT_EQ(moments("30 4 1,15 * fri", "UTC", "2026-05-01 00:00:00", 4),
            (Moments{"2026-05-01 04:30:00", "2026-05-08 04:30:00", "2026-05-15 04:30:00",
                     "2026-05-22 04:30:00"}));
  EXPECT_EQ(moments("0 12 * * 7", "UTC", "2026-01-01 00:00:00", 1),
            (Moments{"2026-01-04 12:00:00"}));
  EXPECT_EQ(moments("59 23 31 12 *", "UTC", "2026-12-31 23:59:00", 1),
            (Moments{"2027-12-31 23:59:00"}));
  EXPECT_EQ(moments("@monthly", "Asia/Shanghai", "2026-01-01 00:00:00", 2),
            (Moments{"2026-01-31 16:00:00", "2026-02-28 16:00:00"}));
  EXPECT_EQ(moments("5/25 0 * * *", "UTC", "2026-01-01 00:00:00", 3),
            (Moments{"2026-01-01 00:05:00", "2026-01-01 00:30:00", "2026-01-01 00:55:00"}));
}

TEST(Cron, ALeftOutTimeIsDueAtTheChange) {
  // Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
  EXPECT_EQ(moments("30 2 * * *", "Europe/Berlin", "2026-03-28 00:00:00", 3),
            (Moments{"2026-03-28 01:30:00", "2026-03-29 01:00:00", "2026-03-30 00:30:00"}));
  EXPECT_EQ(moments("*/30 * * * *", "Europe/Berlin", "2026-03-29 00:15:00", 3),
            (Moments{"2026-03-29 00:30:00", "2026-03-29 01:00:00", "2026-03-29 01:30:00"}));
}

TEST(Cron, ADoubledHourIsDueOnceUnlessEveryHourIs) {
  // Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC.
  EXPECT_EQ(moments("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00:00", 2),
            (Moments{"2026-10-25 00:30:00", "2026-10-26 01:30:00"}));
  EXPECT_EQ(moments("30 2 * * *", "Europe/Berlin", "2026-10-25 01:10:00", 1),
            (Moments{"2026-10-26 01:30:00"}));
  EXPECT_EQ(moments("30 * * * *", "Europe/Berlin", "2026-10-24 23:45:00", 4),
            (Moments{"2026-10-25 00:30:00", "2026-10-25 01:30:00", "2026-10-25 02:30:00",
                     "2026-10-25 03:30:00"}));
}

TEST(Cron, MomentsRiseThroughYearsOfClockChanges) {
  for (const char* zone : {"Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe",
                           "Asia/Kathmandu", "Africa/Casablanca"}) {
    const auto cron = Cron::parse("*/15 * * * *");
    ASSERT_TRUE(cron);
    std::int64_t at = ms("2026-01-01 00:00:00");
    for (int i = 0; i < 100'000; ++i) {
      const auto next = cron->next_ms(at, zone);
      ASSERT_TRUE(next);
      ASSERT_GT(*next, at) << zone;
      ASSERT_LE(*next - at, 15 * 60'000) << zone << " " << text_of(at);
      at = *next;
    }
  }
}

TEST(Cron, WhatIsNoExpressionIsNamed) {
  const std::pair<const char*, const char*> table[] = {
      {"", "five fields"},
      {"0 6 * *", "five fields"},
      {"0 6 * * * *", "five fields"},
      {"@yearly", "five fields"},
      {"60 * * * *", "minute"},
      {"-1 * * * *", "minute"},
      {"* 24 * * *", "hour"},
      {"* * 0 * *", "day of month"},
      {"* * * foo *", "month"},
      {"* * * * 8", "day of week"},
      {"*/0 * * * *", "minute"},
      {"1/2/3 * * * *", "minute"},
      {"5-1 * * * *", "minute"},
      {"1,,2 * * * *", "minute"},
      {"1- * * * *", "minute"},
      {"99999999999 * * * *", "minute"},
  };
  for (const auto& [text, word] : table) {
    const auto cron = Cron::parse(text);
    ASSERT_FALSE(cron) << text;
    EXPECT_NE(cron.error().find(word), std::string::npos) << text << ": " << cron.error();
  }
  EXPECT_FALSE(Cron::parse(std::string(200, '*')));
}

TEST(Cron, ADayThatNeverComesIsNever) {
  EXPECT_TRUE(moments("0 0 31 2 *", "UTC", "2026-01-01 00:00:00", 1).empty());
}

TEST(Cron, Zones) {
  EXPECT_TRUE(is_zone("UTC"));
  EXPECT_TRUE(is_zone("Asia/Shanghai"));
  EXPECT_FALSE(is_zone(""));
  EXPECT_FALSE(is_zone("Mars/Olympus"));
  EXPECT_FALSE(is_zone("../../etc/passwd"));
}

TEST(Schedule, WhatCannotBeObeyedIsNamed) {
  Schedule good;
  good.name = "nights";
  EXPECT_TRUE(check(good, 0));
  const auto error_of = [&](auto change) {
    Schedule schedule = good;
    change(schedule);
    const auto checked = check(schedule, 0);
    return checked ? std::string() : checked.error();
  };
  EXPECT_TRUE(error_of([](Schedule& s) { s.name = ""; }).starts_with("name"));
  EXPECT_TRUE(error_of([](Schedule& s) { s.cron = "x"; }).starts_with("cron"));
  EXPECT_TRUE(error_of([](Schedule& s) { s.cron = "0 0 31 2 *"; }).starts_with("cron"));
  EXPECT_TRUE(error_of([](Schedule& s) { s.zone = "x"; }).starts_with("zone"));
  EXPECT_TRUE(error_of([](Schedule& s) { s.devices = {".x"}; }).starts_with("devices"));
  EXPECT_TRUE(error_of([](Schedule& s) { s.spread_s = -1; }).starts_with("spread_s"));
  EXPECT_TRUE(error_of([](Schedule& s) { s.catch_up_s = 1 << 30; }).starts_with("catch_up_s"));
  EXPECT_TRUE(error_of([](Schedule& s) { s.cron = "*/5 * * * *"; }).starts_with("spread_s"));
}

}  // namespace
}  // namespace meterlens::schedule
