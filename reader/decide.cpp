#include "reader/decide.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

namespace meterlens::reader {
namespace {

// Thresholds, chosen on the calibration part and on rendered meters only; models/README.md says
// how.
// At most this much risk that one of the certain wheels of a reading is wrong.
constexpr double risk_most = 0.02;
// The nets are too sure of themselves on photos worse than those they were trained on. Their odds
// are corrected as tools/train/calibrate.py fits it on the worst real kind of the calibration part.
constexpr double odds_slope = 0.693, odds_offset = -0.284;
constexpr double count_sure = 0.90;
constexpr double whole_sure = 0.60;
constexpr double mirrored_most = 0.25, nothing_most = 0.40;
constexpr double evenness_least = 0.55;
constexpr double confidence_least = 0.80;
constexpr int unclear_wheels_most = 2;

Row best_row(const std::vector<Glimpse>& glimpses) {
  std::set<Row> rows;
  for (const Glimpse& glimpse : glimpses)
    for (Row& row : likely_rows(glimpse.columns, 6)) rows.insert(std::move(row));
  Row best;
  double top = -1e300;
  for (const Row& row : rows) {
    double sum = 0;
    for (const Glimpse& glimpse : glimpses)
      sum += std::max(-60.0, log_probability(glimpse.columns, row));
    if (sum > top) top = sum, best = row;
  }
  return best;
}

// How probable each half step is for one wheel, the others being as in `row`.
Spread spread_of(const std::vector<Glimpse>& glimpses, Row row, std::size_t wheel) {
  Spread mean{};
  for (const Glimpse& glimpse : glimpses) {
    Spread log_p{};
    double all = -1e300;
    for (int c = 0; c < half_steps; ++c) {
      row[wheel] = c;
      log_p[static_cast<std::size_t>(c)] = log_probability(glimpse.columns, row);
      all = log_add(all, log_p[static_cast<std::size_t>(c)]);
    }
    for (std::size_t c = 0; c < half_steps; ++c) mean[c] += std::exp(log_p[c] - all);
  }
  for (double& p : mean) p /= static_cast<double>(glimpses.size());
  return mean;
}

struct Measured {
  double position = 0, red = 0;
};

// Tenths by the mean direction at the wheel's columns, kept within a step of what the spread says.
Measured measure(const std::vector<Glimpse>& glimpses, const std::vector<std::vector<int>>& peaks,
                 std::size_t wheel, int half_step) {
  double x = 0, y = 0, red = 0;
  for (std::size_t g = 0; g < glimpses.size(); ++g) {
    const auto column = static_cast<std::size_t>(peaks[g][wheel]);
    x += glimpses[g].cosine[column], y += glimpses[g].sine[column];
    red += glimpses[g].red[column] / static_cast<double>(glimpses.size());
  }
  double position = std::fmod(std::atan2(y, x) / (2 * std::numbers::pi) * 10 + 10, 10);
  const double nominal = half_step / 2.0;
  const double off = std::remainder(position - nominal, 10.0);
  if (std::abs(off) > 0.75) position = nominal;
  return {position, red};
}

double evenness_of(const std::vector<int>& peaks) {
  if (peaks.size() < 3) return 0;
  double least = 1e9, most = 0;
  for (std::size_t i = 1; i < peaks.size(); ++i) {
    least = std::min(least, static_cast<double>(peaks[i] - peaks[i - 1]));
    most = std::max(most, static_cast<double>(peaks[i] - peaks[i - 1]));
  }
  return (least + 1) / (most + 1);
}

double part(const Spread& spread, int half_step) {
  return spread[static_cast<std::size_t>((half_step + half_steps) % half_steps)];
}

// Probability of each digit of a wheel: at rest on it, or half-way and decided by `goes_up`.
std::array<double, 10> digit_probabilities(const Spread& spread, bool goes_up) {
  std::array<double, 10> p{};
  for (int d = 0; d < 10; ++d)
    p[static_cast<std::size_t>(d)] =
        part(spread, 2 * d) + part(spread, goes_up ? 2 * d - 1 : 2 * d + 1);
  return p;
}

Choice best_choice(const std::array<double, 10>& p) {
  const auto best = std::max_element(p.begin(), p.end());
  return {static_cast<int>(best - p.begin()), *best};
}

std::string exact_value(const std::string& digits, int red) {
  const std::size_t whole = digits.size() - static_cast<std::size_t>(red);
  const std::size_t first = std::min(digits.find_first_not_of('0'), whole - 1);
  std::string value = digits.substr(first, whole - first);
  if (red > 0) value += "." + digits.substr(whole);
  return value;
}

int red_wheels(const std::vector<Wheel>& wheels) {
  int red = 0;
  while (red + 1 < static_cast<int>(wheels.size()) &&
         wheels[wheels.size() - 1 - static_cast<std::size_t>(red)].red > 0.5)
    ++red;
  return red;
}

double calibrated(double probability) {
  const double p = std::clamp(probability, 1e-9, 1 - 1e-9);
  return 1 / (1 + std::exp(-(odds_slope * std::log(p / (1 - p)) + odds_offset)));
}

// As many leading wheels as the risk allows.
int certain_of(const Register& row) {
  double right = 1;
  int certain = 0;
  for (const Wheel& wheel : row.wheels) {
    right *= wheel.confidence;
    if (right < 1 - risk_most) break;
    ++certain;
  }
  return certain;
}

Reason why_doubtful(const Register& row, const Evidence& evidence, int certain) {
  const auto count = static_cast<int>(row.wheels.size());
  if (evidence.mirrored > mirrored_most) return Reason::mirrored;
  if (evidence.light.mean < 18) return Reason::dark;
  if (evidence.light.glaring > 0.35) return Reason::glare;
  if (evidence.light.sharpness < 0.16) return Reason::blur;
  if (row.count < count_sure || row.whole < whole_sure || row.evenness < evenness_least)
    return Reason::wheel_count;
  for (int i = certain; i < count; ++i)
    if (row.turning[static_cast<std::size_t>(i)]) return Reason::turning;
  return Reason::low_confidence;
}

}  // namespace

std::vector<Choice> choose_digits(const std::vector<Spread>& spreads,
                                  const std::vector<double>& positions) {
  std::vector<Choice> choices(spreads.size());
  for (std::size_t i = spreads.size(); i-- > 0;) {
    const double fraction = positions[i] - std::floor(positions[i]);
    bool goes_up = fraction >= 0.5;
    if (i + 1 < spreads.size()) {
      const int right = choices[i + 1].digit;
      if (right >= 8) goes_up = false;
      if (right <= 1) goes_up = true;
    }
    choices[i] = best_choice(digit_probabilities(spreads[i], goes_up));
  }
  return choices;
}

Register decide(const std::vector<Glimpse>& glimpses) {
  Register row;
  const Row best = best_row(glimpses);
  if (best.empty()) return row;
  std::vector<std::vector<int>> peaks;
  const auto share = 1 / static_cast<double>(glimpses.size());
  for (const Glimpse& glimpse : glimpses) {
    peaks.push_back(peak_columns(glimpse.columns, best));
    row.count += share * count_probabilities(glimpse.columns)[best.size()];
    row.whole += share * glimpse.whole;
    row.text += share * std::exp(log_probability(glimpse.columns, best));
    row.evenness += share * evenness_of(peaks.back());
  }
  std::vector<Spread> spreads;
  std::vector<double> positions;
  for (std::size_t i = 0; i < best.size(); ++i) {
    spreads.push_back(spread_of(glimpses, best, i));
    const Measured measured = measure(glimpses, peaks, i, best[i]);
    positions.push_back(measured.position);
    row.wheels.push_back({measured.position, '0', 0, measured.red});
    double halves = 0;
    for (std::size_t c = 1; c < half_steps; c += 2) halves += spreads.back()[c];
    row.turning.push_back(halves > 0.35);
  }
  const std::vector<Choice> choices = choose_digits(spreads, positions);
  for (std::size_t i = 0; i < best.size(); ++i) {
    row.wheels[i].digit = static_cast<char>('0' + choices[i].digit);
    row.wheels[i].confidence = calibrated(choices[i].probability);
  }
  // Which digit a turning last wheel is counted as, is a convention, not a certainty.
  if (row.turning.back())
    row.wheels.back().confidence = std::min(row.wheels.back().confidence, 0.5);
  return row;
}

Digits judge(const Register& row, const Evidence& evidence) {
  Digits digits;
  digits.wheels = row.wheels;
  const auto count = static_cast<int>(row.wheels.size());
  if (count < 3 || evidence.nothing > 0.9 || row.whole < 0.02) {
    digits.wheels.clear();
    digits.reason = evidence.light.mean < 18 ? Reason::dark : Reason::no_meter;
    return digits;
  }
  for (const Wheel& wheel : row.wheels) digits.digits += wheel.digit;
  digits.red = red_wheels(row.wheels);
  digits.value = exact_value(digits.digits, digits.red);
  digits.certain = certain_of(row);
  double product = row.count * (1 - evidence.mirrored) * (1 - evidence.nothing) *
                   std::min(1.0, 0.3 + 0.7 * row.whole);
  for (int i = 0; i < digits.certain; ++i)
    product *= row.wheels[static_cast<std::size_t>(i)].confidence;
  digits.confidence = digits.certain > 0 ? product : 0;
  const bool sound = count >= 4 && row.count >= count_sure && row.whole >= whole_sure &&
                     row.evenness >= evenness_least && evidence.mirrored <= mirrored_most &&
                     evidence.nothing <= nothing_most;
  const bool enough = digits.certain >= std::max(2, count - unclear_wheels_most);
  const bool read = sound && enough && digits.confidence >= confidence_least;
  digits.status = read ? Status::read : Status::doubtful;
  digits.reason =
      read && digits.certain == count ? Reason::none : why_doubtful(row, evidence, digits.certain);
  return digits;
}

}  // namespace meterlens::reader
