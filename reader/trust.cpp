#include "reader/trust.h"

#include <algorithm>
#include <cmath>

namespace meterlens::reader {
namespace {

// Of the wheel's net: what is less of an LCD is none, whatever the display's net says.
constexpr double display_least = 0.12;
constexpr double odds_most = 12;  // natural logarithm; no net is surer than that
// Of the wheel's net alone. Of a site that no net has seen, one wheel in 65 beyond these is wrong,
// however far beyond.
constexpr double alone_odds_most = 4.3;

double log_odds(double p) {
  const double clipped = std::clamp(p, 1e-9, 1 - 1e-9);
  return std::clamp(std::log(clipped / (1 - clipped)), -odds_most, odds_most);
}

double probability(double odds) { return 1 / (1 + std::exp(-odds)); }

}  // namespace

double whole_trust(const Register& row, const Evidence& evidence) {
  const double whole = log_odds(row.whole);
  const double not_mirrored = 0.079 + 0.347 * whole - 0.847 * log_odds(evidence.mirrored);
  const double registers = -2.943 - 0.013 * whole - 0.623 * log_odds(evidence.nothing) +
                           0.957 * log_odds(evidence.located);
  return probability(not_mirrored) * probability(registers);
}

// Where the wheel's net surely sees no LCD it is some other printing.
double display_trust(const Register& row) {
  const double whole = probability(1.746 + 0.95 * log_odds(row.whole));
  return row.lcd < display_least ? whole * row.lcd : whole;
}

double wheel_trust(const std::array<double, 2>& odds) {
  const double one = std::clamp(odds[0], -odds_most, odds_most);
  const double other = std::clamp(odds[1], -odds_most, odds_most);
  const double stronger = std::max(one, other), weaker = std::min(one, other);
  if (weaker < 0) return probability(0.567 + 0.379 * (stronger + weaker));  // they contradict
  return probability(0.448 + 0.405 * stronger + 0.464 * weaker);
}

double wheel_trust_alone(double odds) {
  return probability(-0.72 + 1.15 * std::clamp(odds, -odds_most, alone_odds_most));
}

Spread tempered(const Spread& spread, double position, int right, int digit, double wanted) {
  constexpr double least = 1e-9;
  Spread logs{}, result{};
  std::array<bool, half_steps> is_digit{};
  for (std::size_t c = 0; c < half_steps; ++c) {
    logs[c] = std::log(std::max(spread[c], least));
    is_digit[c] = digit_of(c, position, right) == digit;
  }
  double low = 0, high = 8;
  for (int i = 0; i < 24; ++i) {  // to a millionth
    const double power = (low + high) / 2;
    double sum = 0, is = 0;
    for (std::size_t c = 0; c < half_steps; ++c) {
      sum += result[c] = std::exp(power * logs[c]);
      if (is_digit[c]) is += result[c];
    }
    for (double& p : result) p /= sum;
    (is / sum < wanted ? low : high) = power;
  }
  return result;
}

Register trusted(Register row, const Evidence& evidence) {
  if (row.wheels.empty()) return row;
  row.trust = row.is_display ? display_trust(row) : whole_trust(row, evidence);
  for (std::size_t i = 0; i < row.wheels.size(); ++i) {
    Wheel& wheel = row.wheels[i];
    wheel.confidence =
        row.wheels_alone ? wheel_trust_alone(wheel.odds[1]) : wheel_trust(wheel.odds);
    const bool is_last = i + 1 == row.wheels.size();
    const int right = is_last ? no_wheel : row.wheels[i + 1].digit - '0';
    row.spreads[i] =
        tempered(row.spreads[i], wheel.position, right, wheel.digit - '0', wheel.confidence);
  }
  // Which digit a turning last wheel is counted as, is a convention, not a certainty.
  if (row.turning.back())
    row.wheels.back().confidence = std::min(row.wheels.back().confidence, 0.5);
  return row;
}

}  // namespace meterlens::reader
