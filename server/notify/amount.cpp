#include "server/notify/amount.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace meterlens::notify {
namespace {

// Digits without a point, and how many of them are decimals.
struct Digits {
  std::string digits;
  std::size_t decimals = 0;
};

std::optional<Digits> digits_of(std::string_view text) {
  Digits out;
  bool point = false;
  for (const char c : text) {
    if (c == '.') {
      if (point || out.digits.empty()) return {};
      point = true;
    } else if (c < '0' || c > '9') {
      return {};
    } else {
      out.digits += c;
      if (point) ++out.decimals;
    }
  }
  if (out.digits.empty() || (point && out.decimals == 0)) return {};
  return out;
}

// As by hand: each digit times each, carries last.
std::string product(const std::string& a, const std::string& b) {
  std::string out(a.size() + b.size(), '\0');
  for (std::size_t i = a.size(); i-- > 0;) {
    int carry = 0;
    for (std::size_t j = b.size(); j-- > 0;) {
      const int now = (a[i] - '0') * (b[j] - '0') + out[i + j + 1] + carry;
      out[i + j + 1] = static_cast<char>(now % 10);
      carry = now / 10;
    }
    out[i] = static_cast<char>(out[i] + carry);
  }
  for (char& digit : out) digit = static_cast<char>(digit + '0');
  return out;
}

std::optional<int> number(std::string_view text, int min, int max) {
  int value = 0;
  if (text.empty()) return {};
  for (const char c : text) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + (c - '0');
  }
  if (value < min || value > max) return {};
  return value;
}

// Minutes east of Greenwich of "Z", "+01:00".
std::optional<int> offset_of(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 6 || text[3] != ':' || (text[0] != '+' && text[0] != '-')) return {};
  const auto hours = number(text.substr(1, 2), 0, 14);
  const auto minutes = number(text.substr(4, 2), 0, 59);
  if (!hours || !minutes) return {};
  return (text[0] == '-' ? -1 : 1) * (*hours * 60 + *minutes);
}

}  // namespace

std::optional<std::string> amount(std::string_view value, std::string_view factor) {
  const auto a = digits_of(value), b = digits_of(factor);
  if (!a || !b) return {};
  std::string digits = product(a->digits, b->digits);
  std::size_t decimals = a->decimals + b->decimals;
  while (decimals > a->decimals && digits.back() == '0') {
    digits.pop_back();
    --decimals;
  }
  const std::size_t first = digits.find_first_not_of('0');
  const std::size_t least = decimals + 1;  // one digit before the point stays
  digits.erase(0, std::min(first, digits.size() - std::min(least, digits.size())));
  if (decimals > 0) digits.insert(digits.size() - decimals, 1, '.');
  return digits;
}

bool is_less(std::string_view a, std::string_view b) {
  auto x = digits_of(a), y = digits_of(b);
  if (!x || !y) return false;
  const std::size_t decimals = std::min(x->decimals, y->decimals);
  for (Digits* one : {&*x, &*y}) {
    one->digits.resize(one->digits.size() - (one->decimals - decimals));
    one->digits.erase(0, std::min(one->digits.find_first_not_of('0'), one->digits.size()));
  }
  if (x->digits.size() != y->digits.size()) return x->digits.size() < y->digits.size();
  return x->digits < y->digits;
}

std::string time_text(std::int64_t unix_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> at{milliseconds(unix_ms)};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss clock(at - day);
  const auto ms = clock.subseconds().count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     ms == 0 ? "" : fmt::format(".{:03}", ms));
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  using namespace std::chrono;
  if (text.size() < 17 || text[4] != '-' || text[7] != '-' || text[13] != ':') return {};
  if (text[10] != 'T' && text[10] != ' ') return {};
  const auto y = number(text.substr(0, 4), 1970, 9999), month = number(text.substr(5, 2), 1, 12),
             d = number(text.substr(8, 2), 1, 31), h = number(text.substr(11, 2), 0, 23),
             m = number(text.substr(14, 2), 0, 59);
  if (!y || !month || !d || !h || !m) return {};
  text.remove_prefix(16);
  int s = 0, ms = 0;
  if (text.starts_with(':')) {
    const auto found = number(text.substr(1, std::min<std::size_t>(2, text.size() - 1)), 0, 59);
    if (!found || text.size() < 4) return {};
    s = *found;
    text.remove_prefix(3);
    if (text.starts_with('.')) {
      const auto found_ms = text.size() > 4 ? number(text.substr(1, 3), 0, 999) : std::nullopt;
      if (!found_ms) return {};
      ms = *found_ms;
      text.remove_prefix(4);
    }
  }
  const auto offset = offset_of(text);
  const year_month_day date{year{*y}, std::chrono::month{static_cast<unsigned>(*month)},
                            day{static_cast<unsigned>(*d)}};
  if (!offset || !date.ok()) return {};
  const auto at = sys_days(date) + hours(*h) + minutes(*m - *offset) + seconds(s);
  return duration_cast<milliseconds>(at.time_since_epoch()).count() + ms;
}

char quality_of(const validate::Reading& reading) {
  switch (reading.verdict) {
    case validate::Verdict::accepted:
      return reading.review && !reading.review->by_server ? 'V' : 'A';
    case validate::Verdict::manual: return 'M';
    case validate::Verdict::estimated: return 'E';
    case validate::Verdict::doubtful: return 'D';
    case validate::Verdict::rejected: break;
  }
  return 'R';
}

}  // namespace meterlens::notify
