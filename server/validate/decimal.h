// Exact decimals: never floating point. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meterlens::validate {

// The most wheels of a register: their count fits 64 bits and the comparisons do not overflow.
inline constexpr int wheel_count_max = 12;

// An exact decimal: count * 10^-decimals. Decimals below 0: the tens, hundreds are the last known.
struct Decimal {
  std::int64_t count = 0;
  int decimals = 0;
};
// "195.419", "0.05", "1950" (195 tens).
std::string text(const Decimal& value);
// Cut (not rounded) to fewer decimals, as a wheel shows it. Requires decimals <= value.decimals.
Decimal cut(const Decimal& value, int decimals);
// "195.419": digits, at most one point with digits on both sides, at most 12 of them that count.
std::optional<Decimal> parse_decimal(std::string_view text);
// Requires 0 <= exponent <= 18.
std::int64_t power_of_ten(int exponent);

}  // namespace meterlens::validate
