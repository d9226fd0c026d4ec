// The speeds of the serial line that camera and DTU may agree on (SPEC.md, section 5). A rate is an
// index into this list; the first is where both begin and meet again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "device/port.h"

namespace meterlens::link {

inline constexpr std::array<std::uint32_t, 4> bauds = {115'200, 230'400, 460'800, 921'600};
inline constexpr std::uint8_t rate_last = bauds.size() - 1;

// Bit r stands for bauds[r]; the first is always there.
constexpr std::uint8_t rates_of(const MeterlensLine& line) {
  unsigned rates = 1;
  for (std::size_t rate = 1; rate < bauds.size(); ++rate)
    if (line.set_baud != nullptr && bauds[rate] <= line.baud_max) rates |= 1U << rate;
  return static_cast<std::uint8_t>(rates);
}

constexpr bool has_rate(std::uint8_t rates, std::uint8_t rate) {
  return rate < bauds.size() && (rates >> rate & 1) != 0;
}

// The next one that `rates` has, or `rate` itself when there is none.
constexpr std::uint8_t rate_above(std::uint8_t rates, std::uint8_t rate) {
  for (std::uint8_t next = rate; next < rate_last;)
    if (has_rate(rates, ++next)) return next;
  return rate;
}
constexpr std::uint8_t rate_below(std::uint8_t rates, std::uint8_t rate) {
  for (std::uint8_t next = rate; next > 0;)
    if (has_rate(rates, --next)) return next;
  return rate;
}

}  // namespace meterlens::link
