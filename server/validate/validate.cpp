#include "server/validate/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "protocol/require.h"
#include "server/validate/notice.h"

namespace meterlens::validate {
namespace {

constexpr std::int64_t clock_ahead_ms_max = 5 * 60'000;
constexpr std::int64_t clock_behind_ms_max = std::int64_t{400} * 24 * hour_ms;

constexpr std::string_view doubts = "the reader doubts it";
constexpr std::string_view not_read = "not read";

bool is_number(const std::string& digits) {
  return !digits.empty() && static_cast<int>(digits.size()) <= wheel_count_max &&
         std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
}

// What is wrong with the claim itself, or nothing.
std::string flaw(const Claim& claim) {
  if (claim.status == "unreadable" || claim.digits.empty()) {
    return claim.reason.empty() ? std::string(not_read)
                                : fmt::format("{}: {}", not_read, claim.reason);
  }
  if (!is_number(claim.digits)) {
    return fmt::format("not read: the digits are not 1 to {} figures", wheel_count_max);
  }
  const int wheels = static_cast<int>(claim.digits.size());
  if (claim.certain < 1 || claim.certain > wheels) return "not read: no wheel is certain";
  if (claim.red < 0 || claim.red > wheels) return "not read: more red wheels than wheels";
  return {};
}

Reading evidence(const Claim& claim) {
  Reading reading;
  reading.meter = claim.meter;
  reading.device = claim.device;
  reading.photo = claim.photo;
  reading.at_ms = claim.at_ms;
  reading.status = claim.status;
  reading.digits = claim.digits;
  reading.certain = claim.certain;
  reading.red = claim.red;
  reading.confidence = claim.confidence;
  reading.window = claim.window;
  reading.wheels = claim.wheels;
  reading.ms = claim.ms;
  reading.said = claim.said;
  if (!claim.remark.empty()) reading.reasons.push_back(claim.remark);
  return reading;
}

// The accepted reading to compare with: the newest one before, or the next one after an old photo.
struct Neighbours {
  const Point* before = nullptr;
  const Point* after = nullptr;
};
Neighbours neighbours_of(const Past& past, std::int64_t at_ms) {
  Neighbours out;
  for (const Point& point : past.points) {
    if (!stands(point)) continue;
    if (point.at_ms <= at_ms) {
      out.before = &point;
    } else if (out.after == nullptr) {
      out.after = &point;
    }
  }
  return out;
}

// The reader may not see well which wheels are red; the meter's decimals do not change.
void take_decimals(const Claim& claim, const Past& past, const Neighbours& near, Reading& reading) {
  if (reading.red != 0 && claim.red_is_clear) return;
  const Point* last = near.before != nullptr ? near.before : near.after;
  const bool is_told = past.meter.decimals >= 0;
  const int known = is_told ? past.meter.decimals : last != nullptr ? last->red : reading.red;
  const int red = std::min(known, static_cast<int>(reading.digits.size()));
  if (red == reading.red) return;
  reading.red = red;
  reading.reasons.emplace_back(is_told ? "decimals taken from the meter"
                                       : "decimals taken from the last accepted reading");
}

void explain_layout(const Point& before, const Point& now, Reading& reading) {
  const bool wheels = before.wheels != now.wheels;
  flag(reading, Flag::other_register,
       fmt::format("{} {} where the last accepted reading has {}", wheels ? now.wheels : now.red,
                   wheels ? "wheels" : "decimals", wheels ? before.wheels : before.red));
}

// Says what is remarkable about the step from one reading to the next; `reading` is one of them.
void explain(const Point& earlier, const Point& later, const Limits& limits, Reading& reading) {
  if (earlier.wheels != later.wheels || earlier.red != later.red) {
    return explain_layout(earlier.id == 0 ? later : earlier, earlier.id == 0 ? earlier : later,
                          reading);
  }
  const std::string values = value_text(later) + " after " + value_text(earlier);
  const auto use = use_between(earlier, later);
  if (!use) return flag(reading, Flag::negative_use, "negative use: " + values);
  if (use->rolled) {
    flag(reading, Flag::roll_over,
         "roll-over: the register came round from " + value_text(earlier));
  }
  const std::int64_t elapsed_ms = later.at_ms - earlier.at_ms;
  const double hours = static_cast<double>(std::max(elapsed_ms, hour_ms)) / double{hour_ms};
  switch (step_between(earlier, later, limits)) {
    case Step::usual: return;
    case Step::unusual:
      return flag(reading, Flag::high_use,
                  fmt::format("high use: {}, {:.1f} h later; at most {} counts are usual", values,
                              hours, limits.habit->usual_max(elapsed_ms)));
    case Step::impossible: break;
  }
  flag(reading, Flag::implausible,
       fmt::format("implausible jump: {}, {:.1f} h later", values, hours));
}

void explain_use(const Past& past, const Neighbours& near, const Habit& habit, const Point& now,
                 Reading& reading) {
  const Limits limits = limits_of(past.meter, habit);
  if (near.after != nullptr) {
    flag(reading, Flag::late, "the photo is older than the newest accepted reading");
    explain(now, *near.after, limits, reading);
  }
  if (near.before != nullptr) explain(*near.before, now, limits, reading);
}

// Doubts that no other reading can lift.
bool is_refused(const Claim& claim, const Past& past, const Point& point, Reading& reading) {
  bool refused = false;
  if (claim.status != "read") {
    reading.reasons.insert(reading.reasons.begin(),
                           claim.reason.empty() ? std::string(doubts)
                                                : fmt::format("{}: {}", doubts, claim.reason));
    refused = true;
  }
  if (past.same_photo != 0) {
    flag(reading, Flag::same_photo,
         fmt::format("the same photo as photo {}: the camera may be stuck", past.same_photo));
    refused = true;
  }
  const auto known = static_cast<std::size_t>(claim.certain);
  if (!claim.second.empty() &&
      (claim.second.size() != claim.digits.size() ||
       claim.second.substr(0, known) != claim.digits.substr(0, known))) {
    flag(reading, Flag::second_reader, "a second reader sees " + claim.second);
    refused = true;
  }
  if (!claim.unconfirmed.empty()) {
    flag(reading, Flag::second_reader, claim.unconfirmed);
    refused = true;
  }
  if (!fits(past.meter, point)) {
    const bool wheels = past.meter.wheels > 0 && past.meter.wheels != point.wheels;
    flag(reading, Flag::other_register,
         fmt::format("{} {} where the meter has {}", wheels ? point.wheels : point.red,
                     wheels ? "wheels" : "decimals",
                     wheels ? past.meter.wheels : past.meter.decimals));
    refused = true;
  }
  return refused;
}

// A value that is tens of times too large or small would be taken for the meter's from then on.
bool lacks_decimals(const Claim& claim, const Past& past, Reading& reading) {
  if (claim.red_is_clear || decimals_said(past, static_cast<int>(claim.digits.size())))
    return false;
  flag(reading, Flag::unclear_decimals,
       fmt::format("unclear decimals: {} seen; set the meter's, or accept this reading if they are "
                   "right",
                   claim.red));
  return true;
}

std::vector<Point> standing_before(const Past& past, std::int64_t at_ms) {
  std::vector<Point> out;
  for (const Point& point : past.points) {
    if (stands(point) && point.at_ms <= at_ms) out.push_back(point);
  }
  return out;
}

}  // namespace

const char* name(Verdict verdict) {
  switch (verdict) {
    case Verdict::accepted: return "accepted";
    case Verdict::doubtful: return "doubtful";
    case Verdict::rejected: return "rejected";
    case Verdict::estimated: return "estimated";
    case Verdict::manual: return "manual";
  }
  protocol::require(false);
  return "";
}

const char* name(Flag flag) {
  switch (flag) {
    case Flag::negative_use: return "negative_use";
    case Flag::implausible: return "implausible";
    case Flag::high_use: return "high_use";
    case Flag::low_use: return "low_use";
    case Flag::zero_use: return "zero_use";
    case Flag::stuck: return "stuck";
    case Flag::continuous_flow: return "continuous_flow";
    case Flag::roll_over: return "roll_over";
    case Flag::same_photo: return "same_photo";
    case Flag::second_reader: return "second_reader";
    case Flag::other_register: return "other_register";
    case Flag::late: return "late";
    case Flag::clock: return "clock";
    case Flag::no_meter: return "no_meter";
    case Flag::unclear_decimals: return "unclear_decimals";
  }
  protocol::require(false);
  return "";
}

std::string doubt_of(const Reading& reading) {
  for (const std::string& reason : reading.reasons) {
    for (const std::string_view start : {doubts, not_read}) {
      if (reason.starts_with(start) && reason.size() > start.size() + 2)
        return reason.substr(start.size() + 2);
    }
  }
  return {};
}

void set_decimals(Reading& reading, int decimals) {
  const auto known = static_cast<std::size_t>(reading.certain);
  reading.red = decimals;
  reading.value_count = 0;
  for (const char c : reading.digits.substr(0, known))
    reading.value_count = reading.value_count * 10 + (c - '0');
  reading.value_decimals = decimals - (static_cast<int>(reading.digits.size()) - reading.certain);
  reading.value = text(Decimal{reading.value_count, reading.value_decimals});
}

void settle_time(Claim& claim, std::int64_t arrived_at_ms) {
  if (arrived_at_ms <= 0) return;
  if (claim.at_ms <= arrived_at_ms + clock_ahead_ms_max &&
      claim.at_ms >= arrived_at_ms - clock_behind_ms_max)
    return;
  claim.at_ms = arrived_at_ms;
  claim.clock_is_wrong = true;
}

bool is_open(const Reading& reading) {
  constexpr std::uint32_t closed = bit(Flag::same_photo) | bit(Flag::second_reader);
  return reading.status == "read" && (reading.flags & closed) == 0;
}

Point point_of(const Reading& reading) {
  Point point;
  point.id = reading.id;
  point.version = reading.review ? reading.review->id : 0;
  point.at_ms = reading.at_ms;
  point.wheels = static_cast<int>(reading.digits.size());
  point.red = reading.red;
  const std::int64_t unit = power_of_ten(std::clamp(reading.red - reading.value_decimals, 0, 12));
  point.low = reading.value_count * unit;
  point.high = point.low + unit - 1;
  const bool by_person = reading.review && !reading.review->by_server;
  if (reading.verdict == Verdict::estimated) {
    point.standing = Standing::estimated;
  } else if (reading.verdict == Verdict::manual ||
             (by_person && reading.verdict == Verdict::accepted)) {
    point.standing = Standing::fixed;
  } else if (reading.verdict == Verdict::accepted) {
    point.standing = Standing::accepted;
  }
  point.has_unclear_decimals = (reading.flags & bit(Flag::unclear_decimals)) != 0;
  return point;
}

Outcome judge(const Claim& claim, const Past& past) {
  Outcome out{{evidence(claim)}, {}};
  Reading& reading = out.readings.front();
  if (claim.clock_is_wrong)
    flag(reading, Flag::clock, "the camera's clock is wrong: the time of the arrival is taken");
  if (auto what = flaw(claim); !what.empty()) {
    reading.verdict = Verdict::rejected;
    reading.reasons.push_back(std::move(what));
    return out;
  }
  const Neighbours near = neighbours_of(past, claim.at_ms);
  take_decimals(claim, past, near, reading);
  if (!claim.prior.empty()) {
    reading.reasons.push_back(claim.prior + "; the last accepted reading decided the rest");
  }
  set_decimals(reading, reading.red);
  const Point point = point_of(reading);
  const Habit habit(past.points);
  explain_use(past, near, habit, point, reading);
  const bool is_incomplete = lacks_decimals(claim, past, reading);
  if (is_refused(claim, past, point, reading) || is_incomplete) return out;
  Weighed weighed = weigh(past, habit, &point);
  out.changes = std::move(weighed.changes);
  if (!weighed.is_in) return out;
  reading.verdict = Verdict::accepted;
  if (near.after == nullptr)
    notice(past.meter, habit, standing_before(past, claim.at_ms), point, reading);
  return out;
}

Outcome enter(const Reading& manual, const Past& past) {
  const Point point = point_of(manual);
  return {{manual}, weigh(past, Habit(past.points), &point).changes};
}

Outcome reconsider(const Past& past) {
  return {{}, weigh(past, Habit(past.points), nullptr).changes};
}

Outcome refuse(const Claim& claim) {
  Outcome out{{evidence(claim)}, {}};
  out.readings.front().status = "unreadable";
  out.readings.front().verdict = Verdict::rejected;
  flag(out.readings.front(), Flag::no_meter, "the device watches no meter at that time");
  return out;
}

}  // namespace meterlens::validate
