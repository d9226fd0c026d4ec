#include "server/validate/habit.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "server/validate/decimal.h"

namespace meterlens::validate {
namespace {

constexpr std::size_t intervals_min = 10;
constexpr std::int64_t span_ms_min = 24 * hour_ms;
constexpr std::int64_t factor = 3;
constexpr std::int64_t counts_free = 2;
// Near the top or the bottom of the register: this part of its whole range.
constexpr std::int64_t roll_over_part = 10;

bool counts(const Point& point) {
  return point.standing == Standing::accepted || point.standing == Standing::fixed;
}

}  // namespace

std::int64_t full_of(int wheels) { return power_of_ten(std::clamp(wheels, 0, 18)); }

std::optional<Use> use_between(const Point& earlier, const Point& later) {
  Use use{std::max<std::int64_t>(later.low - earlier.high, 0), later.high - earlier.low, false};
  if (use.most >= 0) return use;
  const std::int64_t full = full_of(later.wheels);
  const bool near_top = earlier.high >= full - full / roll_over_part;
  if (!near_top || later.low >= full / roll_over_part) return {};
  return Use{std::max<std::int64_t>(later.low - earlier.high + full, 0),
             later.high - earlier.low + full, true};
}

Habit::Habit(std::span<const Point> points) {
  const auto newest = std::find_if(points.rbegin(), points.rend(), counts);
  if (newest == points.rend()) return;
  std::array<Step, steps_max> steps;
  std::size_t count = 0;
  std::size_t fastest = 0;  // the interval before this step
  double rate_max = -1;
  const Point* before = nullptr;
  const Point& layout = *newest;
  for (const Point& point : points) {
    if (!counts(point) || point.wheels != layout.wheels || point.red != layout.red) continue;
    if (count == steps.size()) break;
    if (before == nullptr) {
      steps[count++] = {point.at_ms, 0};
    } else if (point.at_ms > before->at_ms) {
      const auto use = use_between(*before, point);
      const std::int64_t used = use ? (use->least + use->most) / 2 : 0;
      const double rate =
          static_cast<double>(used) / static_cast<double>(point.at_ms - before->at_ms);
      steps[count] = {point.at_ms, steps[count - 1].sum + used};
      if (rate > rate_max) {
        rate_max = rate;
        fastest = count;
      }
      ++count;
    } else {
      continue;
    }
    before = &point;
  }
  const std::span all(steps.data(), count);
  if (count <= intervals_min || all.back().at_ms - all.front().at_ms < span_ms_min) return;
  known_ = true;
  const double shortest = static_cast<double>(all.back().at_ms - all.front().at_ms) /
                          static_cast<double>(count - 1);
  const double longest = static_cast<double>(all.back().at_ms - all.front().at_ms) / 2;
  for (std::size_t i = 0; i < lag_count; ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(lag_count - 1);
    lag_ms_[i] = static_cast<std::int64_t>(shortest * std::pow(longest / shortest, part));
  }
  least_.fill(std::numeric_limits<std::int64_t>::max());
  measure(all.first(fastest));
  measure(all.subspan(fastest));
  find_pauses(all);
}

void Habit::measure(std::span<const Step> steps) {
  for (std::size_t lag = 0; lag < lag_count; ++lag) {
    std::size_t end = 0;
    for (const Step& from : steps) {
      const std::int64_t until_ms = from.at_ms + lag_ms_[lag];
      while (end < steps.size() && steps[end].at_ms < until_ms) ++end;
      if (end == steps.size()) break;
      const Step& to = steps[end];
      const Step& last = steps[end == 0 ? 0 : end - 1];
      double sum = static_cast<double>(to.sum);
      if (to.at_ms > last.at_ms)
        sum -= static_cast<double>(to.sum - last.sum) * static_cast<double>(to.at_ms - until_ms) /
               static_cast<double>(to.at_ms - last.at_ms);
      const std::int64_t used = static_cast<std::int64_t>(sum) - from.sum;
      most_[lag] = std::max(most_[lag], used);
      least_[lag] = std::min(least_[lag], used);
    }
  }
}

void Habit::find_pauses(std::span<const Step> steps) {
  std::size_t begin = 0;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    if (steps[i].sum == steps[begin].sum) continue;
    pause_ms_max_ = std::max(pause_ms_max_, steps[i].at_ms - steps[begin].at_ms);
    begin = i;
  }
}

std::int64_t Habit::usual_max(std::int64_t elapsed_ms) const {
  const auto at = std::ranges::lower_bound(lag_ms_, elapsed_ms);
  if (at != lag_ms_.end())
    return factor * most_[static_cast<std::size_t>(at - lag_ms_.begin())] + counts_free;
  const double turns = static_cast<double>(elapsed_ms) / static_cast<double>(lag_ms_.back());
  const double most = static_cast<double>(factor * most_.back()) * turns;
  return static_cast<std::int64_t>(std::min(most, 9e17)) + counts_free;
}

std::int64_t Habit::least(std::int64_t elapsed_ms) const {
  auto at = std::ranges::upper_bound(lag_ms_, elapsed_ms);
  if (!known_ || at == lag_ms_.begin()) return 0;
  const std::int64_t found = least_[static_cast<std::size_t>(at - lag_ms_.begin()) - 1];
  return found == std::numeric_limits<std::int64_t>::max() ? 0 : found;
}

}  // namespace meterlens::validate
