// Judges what the reader saw on a photo against the newest accepted reading of the same meter.
// Pure functions of their arguments: no clock, no store, any thread. Only `accepted` may be
// published; whatever cannot be explained is `doubtful` with its reasons, and kept.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "server/validate/reading.h"

namespace meterlens::validate {

// What the reader said about one photo.
struct Claim {
  std::string meter;
  std::string device;
  std::int64_t photo = 0;
  std::int64_t at_ms = 0;  // Unix, the time of the shot
  std::string status;      // read, doubtful, unreadable
  std::string digits;      // the best guess of every wheel, leading zeros kept
  int certain = 0;         // leading wheels that the reader stands behind
  int red = 0;             // trailing wheels that are decimals; 0: unknown or none
  double confidence = 0;
  std::array<std::array<double, 2>, 4> window{};
  double ms = 0;
  std::string reason;      // the reader's, when it is not "read"
  std::string prior;       // what the photo alone says, when the last reading changed the claim
};

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

// The reading of `claim`; id is 0. `before` is the newest accepted reading of the meter.
Reading judge(const Claim& claim, const std::optional<Reading>& before);

}  // namespace meterlens::validate
