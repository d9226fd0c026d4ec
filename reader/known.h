// What is known of a meter before its photo is read, as a prior in the decoding.
//
// Promises: the prior is flat over the values that are plausible now, so it is never a reason to
// repeat the old one; it moves odds by at most prior_odds_most; it never changes a wheel that the
// photo shows clearly; an implausible value is left exactly as the photo alone says it. Pure
// functions; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "reader/decide.h"

namespace meterlens::reader {

// The earlier reading may itself be wrong, and meters are exchanged: odds of at most this follow
// from what is known.
inline constexpr double prior_odds_most = 100;

// The values first, first + 1, ... of a register that comes round to zero. count < 10^wheels.
struct Range {
  std::int64_t first = 0, count = 0;
};

// What the register may show now. Nothing when `earlier` makes no sense or leaves everything open.
std::optional<Range> plausible_range(const Earlier& earlier);

// Probabilities of the digits of one wheel as the photo alone shows it: [digit to its right][its
// own digit]. Each of the ten adds up to one; the last wheel has ten that are the same.
using Shares = std::array<std::array<double, 10>, 10>;

// One a wheel. Their best digits are as probable as decide.h's calibration says.
std::vector<Shares> shares_of(const Register& row);

struct Belief {
  std::string digits;              // wheel by wheel the most probable after those to its left
  std::vector<double> confidence;  // of each, given those to its left: products are of the row
  bool plausible = false;          // `digits` lie in the range
};

// Photo and prior together. 1 to wheels_max wheels; a range of as many.
Belief weigh(const std::vector<Shares>& wheels, const Range& range);

// decide.h's judge() with what is known. `window` and known.window are in the same pixels.
Digits judge(const Register& row, const Evidence& evidence, const Quad& window, const Known& known);

double distance(const Point& a, const Point& b);
double width_of(const Quad& window);
// Two windows of which neither holds the other's middle.
bool apart(const Quad& a, const Quad& b);

// Four finite corners in reading order that enclose an area, within a million pixels.
bool is_window(const Quad& window);

// The object of `meterlens read --known`:
//   {"window": [[x, y], [x, y], [x, y], [x, y]], "drawn": true, "wheels": 8, "red": 3,
//    "earlier": {"digits": "00195419", "certain": 8, "hours": 24, "most_per_hour": 2500}}
// Each key of the outer object may be left out; of the inner one all but "digits", for "certain" is
// then all wheels and the others 0. The error is one line: which key, and what would be right.
std::expected<Known, std::string> parse_known(const std::string& text);

}  // namespace meterlens::reader
