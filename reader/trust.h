// How far the nets can be trusted: from what they say to odds that come true.
//
// Pure functions; any thread. The constants are fitted by tools/train/calibrate.py on photos that
// no net was trained on, as they are and made worse in many ways; models/README.md has the tables.
#pragma once

#include "reader/decide.h"

namespace meterlens::reader {

// At most this much risk that one of the certain wheels of a reading is wrong. It keeps the share
// of readings that are wrong within 0.5 % of those that are `read`, see calibrate.py.
inline constexpr double risk_most = 0.02;

// Probability that the row is a whole register and no mirror image.
double whole_trust(const Register& row, const Evidence& evidence);

// Probability that a display's row is its whole number.
double display_trust(const Register& row);

// Probability that a wheel's digit is right. odds: as in Wheel.
double wheel_trust(const std::array<double, 2>& odds);
// The same where the wheel's net alone was asked.
double wheel_trust_alone(double odds);

// `spread` to a power that gives `digit` the probability `wanted`, as near as powers of 0 to 8
// come: the order of the half steps stays. position, right: as for digit_probabilities().
Spread tempered(const Spread& spread, double position, int right, int digit, double wanted);

// The row with confidences and spreads that come true. `row` as decide() makes it.
Register trusted(Register row, const Evidence& evidence);

}  // namespace meterlens::reader
