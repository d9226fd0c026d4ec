#include "server/validate/estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "server/validate/decimal.h"
#include "server/validate/habit.h"
#include "server/validate/weigh.h"

namespace meterlens::validate {
namespace {

constexpr std::int64_t profile_interval_ms_max = 2 * hour_ms;
constexpr std::int64_t profile_span_ms_min = 7 * 24 * hour_ms;
// The product of a use and a time does not fit 64 bits.
__extension__ using Wide = __int128;

// Use in each hour of the day, in thousandths of a count a day; even when it is not known.
struct Profile {
  std::array<std::int64_t, 24> part{};
  bool is_known = false;
};

Profile profile_of(std::span<const Point> points) {
  Profile out;
  std::int64_t span_ms = 0;
  const Point* before = nullptr;
  for (const Point& point : points) {
    if (!stands(point)) continue;
    if (before != nullptr && point.at_ms > before->at_ms &&
        point.at_ms - before->at_ms <= profile_interval_ms_max) {
      const auto use = use_between(*before, point);
      const auto middle = (before->at_ms + point.at_ms) / 2;
      span_ms += point.at_ms - before->at_ms;
      if (use) out.part[static_cast<std::size_t>(middle / hour_ms % 24)] += use->most;
    }
    before = &point;
  }
  out.is_known = span_ms >= profile_span_ms_min &&
                 std::ranges::any_of(out.part, [](std::int64_t part) { return part > 0; });
  return out;
}

// The profile's weight from one time to another; with no profile the time itself.
Wide weight(const Profile& profile, std::int64_t from_ms, std::int64_t to_ms) {
  if (!profile.is_known) return to_ms - from_ms;
  Wide sum = 0;
  for (std::int64_t at_ms = from_ms; at_ms < to_ms;) {
    const std::int64_t next_ms = std::min((at_ms / hour_ms + 1) * hour_ms, to_ms);
    // Never quite zero, so that a gap in quiet hours has a weight too.
    const std::int64_t part = profile.part[static_cast<std::size_t>(at_ms / hour_ms % 24)];
    sum += Wide{next_ms - at_ms} * (1000 * part + 1);
    at_ms = next_ms;
  }
  return sum;
}

Reading reading_of(const Past& past, const Point& layout, std::int64_t at_ms,
                   std::int64_t count) {
  Reading out;
  out.meter = past.meter.id;
  out.device = past.meter.id;
  out.at_ms = at_ms;
  out.status = "none";
  out.digits = fmt::format("{:0{}}", count, layout.wheels);
  out.certain = layout.wheels;
  out.red = layout.red;
  out.value_count = count;
  out.value_decimals = layout.red;
  out.value = text(Decimal{count, layout.red});
  out.verdict = Verdict::estimated;
  return out;
}

}  // namespace

std::vector<std::int64_t> missing_slots(std::span<const Point> points, std::int64_t from_ms,
                                        std::int64_t to_ms, std::int64_t every_ms) {
  std::vector<std::int64_t> out;
  auto near = points.begin();
  for (std::int64_t slot = from_ms; slot <= to_ms; slot += every_ms) {
    while (near != points.end() && near->at_ms < slot - every_ms / 2) ++near;
    auto found = near;
    while (found != points.end() && found->standing == Standing::open) ++found;
    if (found == points.end() || found->at_ms > slot + every_ms / 2) out.push_back(slot);
  }
  return out;
}

std::vector<Reading> estimate(const Past& past, std::span<const std::int64_t> times_ms,
                              Method method) {
  const Profile profile = method == Method::profile ? profile_of(past.points) : Profile{};
  std::vector<Reading> out;
  for (const std::int64_t at_ms : times_ms) {
    const Point* before = nullptr;
    const Point* after = nullptr;
    for (const Point& point : past.points) {
      if (!stands(point)) continue;
      if (point.at_ms < at_ms) before = &point;
      if (point.at_ms >= at_ms && after == nullptr) after = &point;
    }
    if (before == nullptr || after == nullptr || after->at_ms == at_ms) continue;
    if (before->wheels != after->wheels || before->red != after->red) continue;
    const auto use = use_between(*before, *after);
    if (!use) continue;
    const Wide whole = weight(profile, before->at_ms, after->at_ms);
    const Wide part = weight(profile, before->at_ms, at_ms);
    const auto used = static_cast<std::int64_t>(Wide{use->least} * part / whole);
    // The later one's lowest value is not passed: it may be less certain than the earlier one.
    const std::int64_t count = (before->high + used) % full_of(before->wheels);
    out.push_back(reading_of(past, *before, at_ms, count));
    out.back().reasons.push_back(
        fmt::format("estimated {}, between {} and {}",
                    profile.is_known ? "by the meter's own hours of the day" : "evenly",
                    value_text(*before), value_text(*after)));
  }
  return out;
}

}  // namespace meterlens::validate
