#include "server/validate/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "protocol/require.h"

namespace meterlens::validate {
namespace {

// A register lasts at least this long at its meter's highest rate before it comes round to zero
// (1600 h for water in OIML R 49, 1500 h for electricity in IEC 62052-11).
constexpr double full_turn_h_min = 1500;
// Times of shots are not trusted to less: a camera without a clock gives the time of arrival.
constexpr double elapsed_h_min = 1;
// Near the top or the bottom of the register: this part of its whole range.
constexpr std::int64_t roll_over_part = 10;

std::int64_t power_of_ten(int exponent) {
  protocol::require(exponent >= 0 && exponent <= 18);
  std::int64_t out = 1;
  for (int i = 0; i < exponent; ++i) out *= 10;
  return out;
}

bool is_number(const std::string& digits) {
  return !digits.empty() && static_cast<int>(digits.size()) <= wheel_count_max &&
         std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
}

// What is wrong with the claim itself, or nothing.
std::string flaw(const Claim& claim) {
  if (claim.status == "unreadable" || claim.digits.empty()) {
    return claim.reason.empty() ? "not read" : "not read: " + claim.reason;
  }
  if (!is_number(claim.digits)) {
    return fmt::format("not read: the digits are not 1 to {} figures", wheel_count_max);
  }
  const int wheels = static_cast<int>(claim.digits.size());
  if (claim.certain < 1 || claim.certain > wheels) return "not read: no wheel is certain";
  if (claim.red < 0 || claim.red > wheels) return "not read: more red wheels than wheels";
  return {};
}

Decimal value_of(const Claim& claim, int red) {
  const auto known = static_cast<std::size_t>(claim.certain);
  std::int64_t count = 0;
  for (const char c : claim.digits.substr(0, known)) count = count * 10 + (c - '0');
  return {count, red - (static_cast<int>(claim.digits.size()) - claim.certain)};
}

Decimal value_of(const Reading& reading) { return {reading.value_count, reading.value_decimals}; }

// The two readings at the resolution that both have; `full` is the count of one whole turn.
struct Pair {
  std::int64_t earlier = 0;
  std::int64_t later = 0;
  std::int64_t full = 0;
};

Pair compare(const Reading& earlier, const Reading& later) {
  const int decimals = std::min(earlier.value_decimals, later.value_decimals);
  const int wheels = static_cast<int>(later.digits.size()) - (later.red - decimals);
  return {cut(value_of(earlier), decimals).count, cut(value_of(later), decimals).count,
          power_of_ten(wheels)};
}

// Judges the use between two accepted claims; adds reasons, returns whether it is plausible.
bool judge_use(const Reading& earlier, const Reading& later, std::vector<std::string>& reasons) {
  const Pair pair = compare(earlier, later);
  std::int64_t use = pair.later - pair.earlier;
  const bool near_top = pair.earlier >= pair.full - pair.full / roll_over_part;
  const bool near_bottom = pair.later < pair.full / roll_over_part;
  if (use < 0 && near_top && near_bottom) {
    use += pair.full;
    reasons.push_back(fmt::format("roll-over: the register came round from {}", earlier.value));
  }
  if (use < 0) {
    reasons.push_back(fmt::format("negative use: {} after {}", later.value, earlier.value));
    return false;
  }
  const double elapsed_h =
      std::max(static_cast<double>(later.at_ms - earlier.at_ms) / 3'600'000.0, elapsed_h_min);
  const double use_max = static_cast<double>(pair.full) / full_turn_h_min * elapsed_h + 1;
  if (static_cast<double>(use) <= use_max) return true;
  reasons.push_back(fmt::format("implausible jump: {} after {}, {:.1f} h later", later.value,
                                earlier.value, elapsed_h));
  return false;
}

// Whether both show the same register; adds the reason when not.
bool same_register(const Reading& before, const Reading& now, std::vector<std::string>& reasons) {
  if (before.digits.size() != now.digits.size()) {
    reasons.push_back(fmt::format("{} wheels where the last accepted reading has {}",
                                  now.digits.size(), before.digits.size()));
    return false;
  }
  if (before.red != now.red) {
    reasons.push_back(fmt::format("{} decimals where the last accepted reading has {}", now.red,
                                  before.red));
    return false;
  }
  return true;
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
  reading.ms = claim.ms;
  return reading;
}

bool is_plausible(const Reading& before, const Reading& now, std::vector<std::string>& reasons) {
  if (!same_register(before, now, reasons)) return false;
  // Photos may arrive late: the older of the two is the earlier one.
  if (now.at_ms >= before.at_ms) return judge_use(before, now, reasons);
  reasons.emplace_back("the photo is older than the newest accepted reading");
  return judge_use(now, before, reasons);
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

std::string text(const Decimal& value) {
  const std::string sign = value.count < 0 ? "-" : "";
  const auto count = static_cast<std::uint64_t>(std::abs(value.count));
  if (value.decimals <= 0) {
    const std::size_t zeros = count == 0 ? 0 : static_cast<std::size_t>(-value.decimals);
    return fmt::format("{}{}{}", sign, count, std::string(zeros, '0'));
  }
  const auto unit = static_cast<std::uint64_t>(power_of_ten(value.decimals));
  return fmt::format("{}{}.{:0{}}", sign, count / unit, count % unit, value.decimals);
}

Decimal cut(const Decimal& value, int decimals) {
  protocol::require(decimals <= value.decimals);
  return {value.count / power_of_ten(std::min(value.decimals - decimals, 18)), decimals};
}

Reading judge(const Claim& claim, const std::optional<Reading>& before) {
  Reading reading = evidence(claim);
  if (auto what = flaw(claim); !what.empty()) {
    reading.verdict = Verdict::rejected;
    reading.reasons.push_back(std::move(what));
    return reading;
  }
  // The reader may not see which wheels are red; the meter's decimals do not change.
  if (reading.red == 0 && before && before->red > 0) {
    reading.red = std::min(before->red, static_cast<int>(reading.digits.size()));
    reading.reasons.emplace_back("decimals taken from the last accepted reading");
  }
  if (!claim.prior.empty()) {
    reading.reasons.push_back(claim.prior + "; the last accepted reading decided the rest");
  }
  const Decimal value = value_of(claim, reading.red);
  reading.value_count = value.count;
  reading.value_decimals = value.decimals;
  reading.value = text(value);

  const bool plausible = !before || is_plausible(*before, reading, reading.reasons);
  reading.verdict = plausible ? Verdict::accepted : Verdict::doubtful;
  if (claim.status != "read") {
    reading.verdict = Verdict::doubtful;
    reading.reasons.insert(reading.reasons.begin(),
                           claim.reason.empty() ? "the reader doubts it"
                                                : "the reader doubts it: " + claim.reason);
  }
  return reading;
}

}  // namespace meterlens::validate
