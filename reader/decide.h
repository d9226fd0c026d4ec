// From glimpses of one window to the most likely consistent digits, and how far they can be
// trusted.
//
// Pure functions; any thread. A wheel stands between two digits only while the wheel to its right
// goes from 9 to 0: that rule, applied from the right, decides every turning wheel.
#pragma once

#include <array>
#include <vector>

#include "reader/nets.h"

namespace meterlens::reader {

// Probability of each half step, 0..19, of one wheel.
using Spread = std::array<double, half_steps>;

struct Register {
  std::vector<Wheel> wheels;
  std::vector<bool> turning;  // wheels that stand between two digits
  double count = 0;           // probability that the number of wheels is right
  double whole = 0;           // probability of a whole upright register
  double evenness = 0;        // 0..1, how evenly the wheels are spaced
  double text = 0;            // probability of the whole row, averaged over the glimpses
};

// Empty wheels when the glimpses show no row at all.
Register decide(const std::vector<Glimpse>& glimpses);

// The digit of each wheel with its probability, from the spreads and measured positions, left to
// right.
struct Choice {
  int digit = 0;
  double probability = 0;
};
std::vector<Choice> choose_digits(const std::vector<Spread>& spreads,
                                  const std::vector<double>& positions);

struct Evidence {
  double located = 0;  // the locator's score
  double mirrored = 0, nothing = 0;
  Light light;
};

// Fills status, reason, certain, confidence, digits, value and red.
Digits judge(const Register& row, const Evidence& evidence);

}  // namespace meterlens::reader
