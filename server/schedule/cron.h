// A cron expression and a time zone: when next? Five fields (minute, hour, day of month, month, day
// of week) of numbers, names (jan, mon), lists, ranges and steps, or @hourly, @daily, @weekly,
// @monthly. As in cron, a day counts when either day field has it, unless one of them is `*`.
//
// Where a clock change leaves a time out, what was due then is due at the moment of the change;
// where it doubles an hour, an expression that names hours is due in the first one only, one for
// every hour in both. Pure; any thread. The zones are the system's (tzdata).
#pragma once

#include <bitset>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace meterlens::schedule {

inline constexpr std::size_t cron_chars_max = 120;

class Cron {
 public:
  // The error names the field and what it may be.
  static std::expected<Cron, std::string> parse(std::string_view text);

  // The first due moment after `after_ms` (Unix); nothing when there is none, as on 31 February.
  // Requires a zone that is_zone() knows.
  std::optional<std::int64_t> next_ms(std::int64_t after_ms, const std::string& zone) const;

 private:
  bool has_day(int days) const;
  std::optional<std::int64_t> next_local_minute(std::int64_t after) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> month_days_;  // 1 to 31
  std::bitset<13> months_;      // 1 to 12
  std::bitset<7> week_days_;    // 0 is Sunday
  bool any_month_day_ = false, any_week_day_ = false;
};

bool is_zone(const std::string& name);

}  // namespace meterlens::schedule
