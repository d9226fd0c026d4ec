#include "server/schedule/cron.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <span>
#include <vector>

namespace meterlens::schedule {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using LocalMinute = date::local_time<minutes>;

// 29 February comes after at most eight years.
constexpr int days_most = 8 * 366 + 1;
constexpr int minutes_a_day = 24 * 60;

constexpr std::array<std::string_view, 12> month_names = {"jan", "feb", "mar", "apr", "may", "jun",
                                                          "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> day_names = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};

struct Field {
  const char* name;
  int least, most;
  std::span<const std::string_view> names;  // of least, least + 1, ...
};
constexpr Field fields[] = {{"minute", 0, 59, {}},
                            {"hour", 0, 23, {}},
                            {"day of month", 1, 31, {}},
                            {"month", 1, 12, month_names},
                            {"day of week", 0, 7, day_names}};

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(at, start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

std::optional<int> number_of(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || text[0] == '-')
    return std::nullopt;
  return value;
}

std::optional<int> value_of(std::string_view text, const Field& field) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto named = std::ranges::find(field.names, lower);
  const std::optional<int> value =
      named == field.names.end() ? number_of(text)
                                 : field.least + static_cast<int>(named - field.names.begin());
  if (!value || *value < field.least || *value > field.most) return std::nullopt;
  return value;
}

struct Range {
  int first, last, step;
};

// `*`, `5`, `1-5`, each with `/2`; `5/10` goes on to the field's end.
std::optional<Range> range_of(std::string_view text, const Field& field) {
  const auto by_step = split(text, '/');
  if (by_step.size() > 2) return std::nullopt;
  const auto step = by_step.size() == 2 ? number_of(by_step[1]) : std::optional<int>(1);
  if (!step || *step < 1) return std::nullopt;
  if (by_step[0] == "*") return Range{field.least, field.most, *step};
  const auto ends = split(by_step[0], '-');
  if (ends.size() > 2) return std::nullopt;
  const auto first = value_of(ends.front(), field), last = value_of(ends.back(), field);
  if (!first || !last || *first > *last) return std::nullopt;
  const bool is_open = by_step.size() == 2 && ends.size() == 1;
  return Range{*first, is_open ? field.most : *last, *step};
}

template <std::size_t n>
bool fill(std::bitset<n>& bits, std::string_view text, const Field& field) {
  for (const std::string_view part : split(text, ',')) {
    const auto range = range_of(part, field);
    if (!range) return false;
    for (int value = range->first; value <= range->last; value += range->step)
      bits.set(static_cast<std::size_t>(value) % n);
  }
  return true;
}

std::string_view spelled_out(std::string_view text) {
  if (text == "@hourly") return "0 * * * *";
  if (text == "@daily") return "0 0 * * *";
  if (text == "@weekly") return "0 0 * * 0";
  if (text == "@monthly") return "0 0 1 * *";
  return text;
}

std::string wrong(const Field& field, std::string_view text) {
  return fmt::format("cron: the {} \"{}\" is not a number, name, list, range or step of {} to {}",
                     field.name, text, field.least, field.most);
}

template <std::size_t n>
std::optional<int> next_set(const std::bitset<n>& bits, int from) {
  for (int i = from; i < static_cast<int>(n); ++i)
    if (bits.test(static_cast<std::size_t>(i))) return i;
  return std::nullopt;
}

std::int64_t ms_of(date::sys_seconds time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

std::expected<Cron, std::string> Cron::parse(std::string_view text) {
  if (text.size() > cron_chars_max)
    return std::unexpected(fmt::format("cron: at most {} characters", cron_chars_max));
  std::vector<std::string_view> words;
  for (const std::string_view word : split(spelled_out(text), ' '))
    if (!word.empty()) words.push_back(word);
  if (words.size() != std::size(fields)) {
    return std::unexpected(
        "cron: five fields are wanted (minute, hour, day of month, month, day of week), or "
        "@hourly, @daily, @weekly, @monthly");
  }
  Cron cron;
  const bool good[] = {fill(cron.minutes_, words[0], fields[0]),
                       fill(cron.hours_, words[1], fields[1]),
                       fill(cron.month_days_, words[2], fields[2]),
                       fill(cron.months_, words[3], fields[3]),
                       fill(cron.week_days_, words[4], fields[4])};
  for (std::size_t i = 0; i < std::size(fields); ++i)
    if (!good[i]) return std::unexpected(wrong(fields[i], words[i]));
  cron.any_month_day_ = words[2].starts_with('*');
  cron.any_week_day_ = words[4].starts_with('*');
  return cron;
}

// `days` since 1970.
bool Cron::has_day(int days) const {
  const date::local_days day{date::days(days)};
  const date::year_month_day parts(day);
  if (!months_.test(static_cast<unsigned>(parts.month()))) return false;
  const bool by_month = month_days_.test(static_cast<unsigned>(parts.day()));
  const bool by_week = week_days_.test(date::weekday(day).c_encoding());
  return any_month_day_ || any_week_day_ ? by_month && by_week : by_month || by_week;
}

// Minutes of a local clock since 1970.
std::optional<std::int64_t> Cron::next_local_minute(std::int64_t after) const {
  const std::int64_t first = after + 1;
  const std::int64_t whole_days = first / minutes_a_day - (first % minutes_a_day < 0 ? 1 : 0);
  auto day = static_cast<int>(whole_days);
  auto within = static_cast<int>(first - whole_days * minutes_a_day);
  for (int tried = 0; tried < days_most; ++tried, ++day, within = 0) {
    if (!has_day(day)) continue;
    auto hour = next_set(hours_, within / 60);
    auto minute = hour == within / 60 ? next_set(minutes_, within % 60) : next_set(minutes_, 0);
    if (hour && !minute) {
      hour = next_set(hours_, *hour + 1);
      minute = next_set(minutes_, 0);
    }
    if (hour) return std::int64_t{day} * minutes_a_day + *hour * 60 + *minute;
  }
  return std::nullopt;
}

std::optional<std::int64_t> Cron::next_ms(std::int64_t after_ms, const std::string& zone) const {
  const date::time_zone* place = date::locate_zone(zone);
  const auto after = date::floor<std::chrono::seconds>(date::sys_time<milliseconds>(
      milliseconds(after_ms)));
  const auto local_after = date::floor<minutes>(place->to_local(after));
  // An hour that was doubled lies behind the local clock.
  std::int64_t local = local_after.time_since_epoch().count() - 3 * 60;
  std::optional<std::int64_t> second_time;  // of a minute whose first time is over
  while (const auto found = next_local_minute(local)) {
    local = *found;
    const LocalMinute wanted{minutes(local)};
    const date::local_info info = place->get_info(wanted);
    const auto at = [&](const date::sys_info& side) {
      return date::sys_seconds(std::chrono::seconds(local * 60) - side.offset);
    };
    const bool is_left_out = info.result == date::local_info::nonexistent;
    const auto once = is_left_out ? info.second.begin : at(info.first);
    if (ms_of(once) > after_ms) return std::min(ms_of(once), second_time.value_or(ms_of(once)));
    const bool twice = info.result == date::local_info::ambiguous && hours_.all();
    if (twice && !second_time && ms_of(at(info.second)) > after_ms)
      second_time = ms_of(at(info.second));
  }
  return second_time;
}

bool is_zone(const std::string& name) {
  // The library throws for unknown names, and would take paths for names.
  const bool is_plain = std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '/' || c == '_' || c == '-' || c == '+';
  });
  if (name.empty() || name.size() > 64 || !is_plain) return false;
  try {
    date::locate_zone(name);
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

}  // namespace meterlens::schedule
