#include "server/validate/notice.h"

#include <fmt/format.h>

#include <algorithm>

namespace meterlens::validate {
namespace {

using server::day_ms;
// A leak shows in intervals that are short enough to have pauses between them.
constexpr std::int64_t flow_interval_ms_max = 3 * hour_ms;
constexpr int flow_interval_count_min = 12;
constexpr std::int64_t low_part = 3;      // low: less than this part of the least ever
constexpr std::int64_t low_counts_min = 3;
constexpr std::int64_t stuck_times = 3;

double hours(std::int64_t ms) { return static_cast<double>(ms) / static_cast<double>(hour_ms); }

// Since when the register has shown the same; `now` itself when it has moved.
std::int64_t still_since(std::span<const Point> points, const Point& now) {
  std::int64_t since_ms = now.at_ms;
  for (std::size_t i = points.size(); i-- > 0;) {
    const auto use = use_between(points[i], now);
    if (!use || use->least > 0 || points[i].low != now.low) break;
    since_ms = points[i].at_ms;
  }
  return since_ms;
}

bool notice_pause(const Habit& habit, std::span<const Point> points, const Point& now,
                  Reading& reading) {
  const std::int64_t still_ms = now.at_ms - still_since(points, now);
  const std::int64_t longest_ms = habit.pause_ms_max();
  if (still_ms < day_ms || longest_ms == 0 || still_ms <= longest_ms) return false;
  const auto said = fmt::format("no use for {:.1f} h, never longer than {:.1f} h before",
                                hours(still_ms), hours(longest_ms));
  if (still_ms > stuck_times * longest_ms) {
    flag(reading, Flag::stuck, said + ": the register or the camera may be stuck");
  } else {
    flag(reading, Flag::zero_use, said);
  }
  return true;
}

void notice_low(const Habit& habit, std::span<const Point> points, const Point& now,
                Reading& reading) {
  const auto from = std::find_if(points.rbegin(), points.rend(), [&](const Point& point) {
    return now.at_ms - point.at_ms >= day_ms;
  });
  if (from == points.rend()) return;
  const auto use = use_between(*from, now);
  const std::int64_t least = habit.least(now.at_ms - from->at_ms);
  if (!use || least < low_counts_min || use->most >= least / low_part) return;
  flag(reading, Flag::low_use,
       fmt::format("low use: {} counts in {:.1f} h, never less than {} before", use->most,
                   hours(now.at_ms - from->at_ms), least));
}

// Water and gas stand still at some time of every day; what flows all day leaks.
void notice_flow(const Meter& meter, std::span<const Point> points, const Point& now,
                 Reading& reading) {
  if (meter.medium != Medium::water && meter.medium != Medium::gas) return;
  int intervals = 0;
  const Point* later = &now;
  std::int64_t least_use = INT64_MAX;
  for (std::size_t i = points.size(); i-- > 0 && now.at_ms - later->at_ms < day_ms;) {
    const auto use = use_between(points[i], *later);
    if (!use || use->least < 1 || later->at_ms - points[i].at_ms > flow_interval_ms_max) return;
    least_use = std::min(least_use, use->least);
    later = &points[i];
    ++intervals;
  }
  if (intervals < flow_interval_count_min || now.at_ms - later->at_ms < day_ms) return;
  flag(reading, Flag::continuous_flow,
       fmt::format("continuous flow: use in each of {} intervals of the last {:.1f} h, at least "
                   "{} counts: a leak?", intervals, hours(now.at_ms - later->at_ms), least_use));
}

}  // namespace

void notice(const Meter& meter, const Habit& habit, std::span<const Point> points,
            const Point& now, Reading& reading) {
  if (habit.is_known() && !notice_pause(habit, points, now, reading))
    notice_low(habit, points, now, reading);
  notice_flow(meter, points, now, reading);
}

}  // namespace meterlens::validate
