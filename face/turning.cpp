// How a register's wheels stand for a value, and what a person reads from them.
#include <algorithm>
#include <cstdlib>

#include "face/face.h"

namespace meterlens::face {
namespace {

std::int64_t turns_of(int wheels) {
  std::int64_t count = 10;
  for (int i = 0; i < wheels; ++i) count *= 10;
  return count;
}

std::int64_t wrapped(std::int64_t value, std::int64_t modulus) {
  return ((value % modulus) + modulus) % modulus;
}

std::string text_of(std::int64_t reading, int wheels) {
  std::string text(static_cast<std::size_t>(wheels), '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, reading /= 10)
    *digit = static_cast<char>('0' + reading % 10);
  return text;
}

}  // namespace

std::vector<int> positions_of(std::int64_t value, int wheels) {
  std::int64_t rest = wrapped(value, turns_of(wheels));
  std::vector<int> positions(static_cast<std::size_t>(wheels));
  int pushed = static_cast<int>(rest % 10);
  rest /= 10;
  for (auto wheel = positions.rbegin(); wheel != positions.rend(); ++wheel, rest /= 10) {
    *wheel = static_cast<int>(rest % 10) * 10 + pushed;
    pushed = *wheel >= 90 ? *wheel - 90 : 0;
  }
  return positions;
}

std::vector<std::string> accepted_of(std::int64_t value, int wheels) {
  const std::int64_t modulus = turns_of(wheels);
  const std::int64_t at = wrapped(value, modulus);
  const std::string before = text_of(at / 10, wheels);
  const std::string after = text_of(wrapped(at + 10, modulus) / 10, wheels);
  const int tenths = static_cast<int>(at % 10);
  if (tenths < 3) return {before};
  if (tenths > 7) return {after};
  return tenths < 5 ? std::vector{before, after} : std::vector{after, before};
}

}  // namespace meterlens::face
