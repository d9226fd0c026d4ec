#include "server/validate/review.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "server/validate/validate.h"

namespace meterlens::validate {
namespace {

using Edited = std::expected<Reading, std::string>;

// How a register is made up: all its wheels, and how many trailing ones are decimals.
struct Layout {
  int wheels = 0;
  int red = 0;
};

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_register(std::string_view digits) {
  return is_digits(digits) && digits.size() <= static_cast<std::size_t>(wheel_count_max);
}

// The decimals that a person gave the meter go before those that the reader saw.
int red_of(const Reading& reading, const Meter& meter) {
  return meter.decimals < 0 ? reading.red : meter.decimals;
}

// What the register may look like: as on the newest accepted reading, or as on this one.
std::vector<Layout> layouts_of(const Reading& reading, const std::optional<Reading>& newest,
                               const Meter& meter) {
  std::vector<Layout> layouts;
  for (const Reading* one : {newest ? &*newest : nullptr, &reading}) {
    if (one != nullptr && is_register(one->digits)) {
      layouts.push_back({static_cast<int>(one->digits.size()), red_of(*one, meter)});
    }
  }
  return layouts;
}

Reading with_digits(Reading reading, const std::string& digits, int red) {
  reading.digits = digits;
  reading.certain = static_cast<int>(digits.size());
  set_decimals(reading, std::clamp(red, 0, reading.certain));
  return reading;
}

Edited correct_digits(const Reading& reading, const std::string& digits,
                      const std::vector<Layout>& layouts, bool is_known, const Meter& meter) {
  if (!is_register(digits)) {
    return std::unexpected(fmt::format("\"digits\" must be 1 to {} figures", wheel_count_max));
  }
  const int wheels = static_cast<int>(digits.size());
  const auto fits = std::ranges::find(layouts, wheels, &Layout::wheels);
  if (fits != layouts.end()) return with_digits(reading, digits, fits->red);
  if (is_known) {
    return std::unexpected(fmt::format("\"digits\" has {} figures, the meter has {} wheels", wheels,
                                       layouts.front().wheels));
  }
  return with_digits(reading, digits, red_of(reading, meter));
}

Edited correct_value(const Reading& reading, const std::string& value,
                     const std::vector<Layout>& layouts, bool is_known, const Meter& meter) {
  const std::size_t point = std::min(value.find('.'), value.size());
  const std::string decimals = value.substr(std::min(point + 1, value.size()));
  std::string digits = value.substr(0, point);
  const bool is_number = is_digits(digits) && (point == value.size() || is_digits(decimals));
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  digits += decimals;
  if (digits.empty()) digits.push_back('0');
  if (!is_number || !is_register(digits)) {
    return std::unexpected(fmt::format("\"value\" must be a number of at most {} figures, like "
                                       "\"195.419\"", wheel_count_max));
  }
  const int red = static_cast<int>(decimals.size());
  const int wheels = static_cast<int>(digits.size());
  const auto fits = std::ranges::find_if(
      layouts, [&](const Layout& one) { return one.red == red && one.wheels >= wheels; });
  int wanted = wheels;
  if (fits != layouts.end()) {
    wanted = fits->wheels;
  } else if (is_known) {
    return std::unexpected(fmt::format("\"value\" does not fit the meter: it has {} wheels, {} of "
                                       "them decimals, and all decimals are wanted",
                                       layouts.front().wheels, layouts.front().red));
  } else if (meter.decimals >= 0 && meter.decimals != red) {
    return std::unexpected(
        fmt::format("\"value\" has {} decimals, the meter has {}: all of them are wanted", red,
                    meter.decimals));
  } else if (!layouts.empty()) {
    wanted = std::max(wheels, layouts.front().wheels);
  }
  digits.insert(0, static_cast<std::size_t>(wanted - wheels), '0');
  return with_digits(reading, digits, red);
}

Edited changed(const Reading& reading, const Edit& edit, const std::optional<Reading>& newest,
               const Meter& meter) {
  const bool has_number = !edit.digits.empty() || !edit.value.empty();
  if (edit.verdict != Verdict::manual && has_number) {
    return std::unexpected("only the verdict \"manual\" comes with \"digits\" or \"value\"");
  }
  switch (edit.verdict) {
    case Verdict::accepted:
      if (is_register(reading.digits))
        return with_digits(reading, reading.digits, red_of(reading, meter));
      return std::unexpected("there are no digits to accept: send \"manual\" with the right ones");
    case Verdict::manual: {
      if (edit.digits.empty() == edit.value.empty()) {
        return std::unexpected("\"manual\" needs \"digits\" or \"value\", not both");
      }
      const auto layouts = layouts_of(reading, newest, meter);
      const bool is_known = newest.has_value();
      return edit.value.empty() ? correct_digits(reading, edit.digits, layouts, is_known, meter)
                                : correct_value(reading, edit.value, layouts, is_known, meter);
    }
    case Verdict::rejected:
      if (!edit.reason.empty()) return reading;
      return std::unexpected("\"rejected\" needs a \"reason\"");
    case Verdict::doubtful:
    case Verdict::estimated: break;
  }
  return std::unexpected("\"verdict\" must be accepted, manual or rejected");
}

}  // namespace

std::expected<Reading, std::string> review(const Reading& reading, const Edit& edit,
                                           const std::optional<Reading>& newest, const Meter& meter,
                                           std::int64_t now_ms) {
  auto out = changed(reading, edit, newest, meter);
  if (!out) return out;
  out->verdict = edit.verdict;
  if (!out->review) {
    out->review = Review{.seen_verdict = reading.verdict,
                         .seen_digits = reading.digits,
                         .seen_certain = reading.certain,
                         .seen_red = reading.red,
                         .seen_value = reading.value};
  }
  out->review->id = 0;
  out->review->by_server = false;
  out->review->reviewer = edit.reviewer;
  out->review->reason = edit.reason;
  out->review->at_ms = now_ms;
  return out;
}

}  // namespace meterlens::validate
