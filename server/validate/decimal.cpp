#include "server/validate/decimal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "protocol/require.h"

namespace meterlens::validate {

std::int64_t power_of_ten(int exponent) {
  protocol::require(exponent >= 0 && exponent <= 18);
  std::int64_t out = 1;
  for (int i = 0; i < exponent; ++i) out *= 10;
  return out;
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

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal out;
  const std::size_t point = text.find('.');
  const std::string_view after = point == text.npos ? "" : text.substr(point + 1);
  if (text.empty() || text.size() > 32 || point == 0 || (point != text.npos && after.empty()))
    return {};
  int counted = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == point) continue;
    if (text[i] < '0' || text[i] > '9') return {};
    if (out.count != 0 || text[i] != '0') ++counted;
    if (counted > wheel_count_max) return {};
    out.count = out.count * 10 + (text[i] - '0');
  }
  if (after.size() > static_cast<std::size_t>(wheel_count_max)) return {};
  out.decimals = static_cast<int>(after.size());
  return out;
}

}  // namespace meterlens::validate
