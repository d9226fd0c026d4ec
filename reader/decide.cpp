#include "reader/decide.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <string_view>

#include "reader/trust.h"

namespace meterlens::reader {
namespace {

// Beyond these nothing is read, however sure the rest is: wheels are hidden or cut off, or the
// photo is a mirror image.
constexpr double count_sure = 0.70, evenness_least = 0.55, mirrored_most = 0.25;
constexpr int unclear_wheels_most = 2;
// People take a last wheel that stands half-way for the digit that it leaves; a measured position
// is not finer than this beyond the half. Between 9 and 0 the next wheel has its say, too.
constexpr double passed_half_way = 0.55;
// Digits that are digits in a mirror, too, leave it to all else in the window to tell; so do a
// display's that are digits upside down. Nothing tells a display's that are digits there in a
// mirror.
constexpr std::string_view mirror_digits = "018", turned_digits = "0125689",
                           turned_mirror_digits = "012358";
constexpr double mirror_digits_whole_least = 0.98, mirror_digits_mirrored_most = 0.003;
// Below it there is no meter.
constexpr double trust_least = 0.02;
// Powers of their probabilities by which the row's net and the wheel's net count. The latter was
// trained with soft labels: alone it is surer than it says.
constexpr double row_weight = 0.5, wheel_weight = 1.0, wheel_alone_weight = 2.0;
constexpr double spread_floor = 1e-9;
constexpr double pitch_least = 0.05;  // widths of the window
constexpr double lcd_least = 0.5;
constexpr double red_floor = 1e-6;  // no colour is surer than that
// One cut is enough when the row is so probable, and every wheel has such odds from one net and
// from the other. Whether it is a whole register, further cuts tell no better.
constexpr double sure_count = 0.95, sure_whole = 0.5, sure_odds = 4.5, agreeing_odds = 2;
// What a net that was not asked may have said.
constexpr double unasked_odds = 3;

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

// Averaged over the glimpses; zeros where none of them can show the row.
std::vector<Spread> row_spreads(const std::vector<Glimpse>& glimpses, const Row& row) {
  std::vector<Spread> mean(row.size(), Spread{});
  for (const Glimpse& glimpse : glimpses) {
    const std::vector<Spread> spreads = spreads_of(glimpse.columns, row);
    for (std::size_t i = 0; i < row.size(); ++i)
      for (std::size_t c = 0; c < half_steps; ++c)
        mean[i][c] += spreads[i][c] / static_cast<double>(glimpses.size());
  }
  return mean;
}

// Of one wheel, averaged over its opinions.
struct Opinions {
  Spread spread{};
  double none = 0, lcd = 0;
  int count = 0;
};

std::vector<Opinions> by_wheel(const std::vector<WheelOpinion>& opinions, std::size_t wheels) {
  std::vector<Opinions> all(wheels);
  for (const WheelOpinion& opinion : opinions) {
    if (opinion.wheel >= wheels) continue;
    Opinions& own = all[opinion.wheel];
    ++own.count;
    own.none += opinion.none, own.lcd += opinion.lcd;
    for (std::size_t c = 0; c < half_steps; ++c) own.spread[c] += opinion.spread[c];
  }
  for (Opinions& own : all) {
    const double share = own.count > 0 ? 1.0 / own.count : 0;
    own.none *= share, own.lcd *= share;
    for (double& p : own.spread) p *= share;
  }
  return all;
}

Spread product(const Spread& a, double a_power, const Spread& b, double b_power) {
  Spread both{};
  double all = 0;
  for (std::size_t c = 0; c < half_steps; ++c)
    all += both[c] =
        std::pow(a[c] + spread_floor, a_power) * std::pow(b[c] + spread_floor, b_power);
  for (double& p : both) p /= all;
  return both;
}

Spread sharpened(const Spread& of_wheel) {
  return product(of_wheel, wheel_alone_weight, of_wheel, 0);
}

int best_step(const Spread& spread) {
  return static_cast<int>(std::max_element(spread.begin(), spread.end()) - spread.begin());
}

// The mean of the best half step and its two neighbours, as an angle.
double angle_of(const Spread& spread) {
  const auto best = static_cast<std::size_t>(best_step(spread));
  const double below = spread[(best + half_steps - 1) % half_steps],
               above = spread[(best + 1) % half_steps];
  const double step = static_cast<double>(best) + (above - below) / (above + below + spread[best]);
  return step * 2 * std::numbers::pi / half_steps;
}

struct Measured {
  double position = 0, red = 0;
};

// Tenths by the mean direction at the wheel's columns and of its opinions, kept within a step of
// what the spread says.
Measured measure(const Sight::Direction& seen, const Spread& spread, const Opinions& own) {
  double x = seen.x, y = seen.y;
  if (own.count > 0) {
    const double length = std::hypot(x, y) + 1e-9, angle = angle_of(own.spread);
    x = x / length + std::cos(angle), y = y / length + std::sin(angle);
  }
  double position = std::fmod(std::atan2(y, x) / (2 * std::numbers::pi) * 10 + 10, 10);
  const double nominal = best_step(spread) / 2.0;
  const double off = std::remainder(position - nominal, 10.0);
  if (std::abs(off) > 0.75) position = nominal;
  return {position, seen.red};
}

// Where the row's net sees the middle of a wheel round its peak, in widths of the window.
double centre_of(const Glimpse& glimpse, int peak) {
  double sum = 0, all = 0;
  const int columns = static_cast<int>(glimpse.columns.size());
  for (int t = std::max(0, peak - 2); t <= std::min(columns - 1, peak + 2); ++t) {
    const double weight = glimpse.centre[static_cast<std::size_t>(t)] + 1e-6;
    sum += weight * t, all += weight;
  }
  return glimpse.start + glimpse.step * sum / all;
}

// Wheels stand side by side at one pitch: where they nearly do, they are taken to do so exactly.
void place_wheels(Register& row, const std::vector<Glimpse>& glimpses,
                  const std::vector<std::vector<int>>& peaks) {
  const std::size_t n = peaks[0].size();
  row.centres.assign(n, 0);
  for (std::size_t g = 0; g < glimpses.size(); ++g)
    for (std::size_t i = 0; i < n; ++i)
      row.centres[i] += centre_of(glimpses[g], peaks[g][i]) / static_cast<double>(glimpses.size());
  double mean = 0, slope = 0, square = 0, worst = 0;
  const double middle = static_cast<double>(n - 1) / 2;
  for (const double centre : row.centres) mean += centre / static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double from_middle = static_cast<double>(i) - middle;
    slope += from_middle * (row.centres[i] - mean), square += from_middle * from_middle;
  }
  row.pitch = std::clamp(n > 1 ? slope / square : 1.0, pitch_least, 1.0);
  std::vector<double> even;
  for (std::size_t i = 0; i < n; ++i) {
    even.push_back(mean + row.pitch * (static_cast<double>(i) - middle));
    worst = std::max(worst, std::abs(even[i] - row.centres[i]));
  }
  if (worst < 0.2 * row.pitch) row.centres = even;
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

struct Decimals {
  int red = 0;
  double probability = 1;
};

// How many trailing wheels have the decimals' colour: the likeliest number, all wheels weighed
// together, so that one under a reflection is as red as those beside it.
Decimals decimals_of(const std::vector<Wheel>& wheels) {
  Decimals best;
  double odds = 1, all = 1, most = 1;  // of so many against none
  for (std::size_t red = 1; red < wheels.size(); ++red) {
    const double p = std::clamp(wheels[wheels.size() - red].red, red_floor, 1 - red_floor);
    odds *= p / (1 - p);
    all += odds;
    if (odds > most) most = odds, best.red = static_cast<int>(red);
  }
  best.probability = most / all;
  return best;
}

// As many leading wheels as the risk allows.
int certain_of(const Register& row) {
  double right = row.trust;
  int certain = 0;
  for (const Wheel& wheel : row.wheels) {
    right *= wheel.confidence;
    if (right < 1 - risk_most) break;
    ++certain;
  }
  return certain;
}

bool may_be_mirrored(const std::string& digits, const Evidence& evidence, bool is_display) {
  if (evidence.mirrored > mirrored_most) return true;
  const auto all_of = [&](std::string_view alike) {
    return digits.find_first_not_of(alike) == std::string::npos;
  };
  if (is_display && all_of(turned_mirror_digits)) return true;
  return all_of(is_display ? turned_digits : mirror_digits) &&
         (evidence.mirrored > mirror_digits_mirrored_most ||
          evidence.whole < mirror_digits_whole_least);
}

Reason why_doubtful(const Register& row, const Evidence& evidence, int certain) {
  const auto count = static_cast<int>(row.wheels.size());
  if (!row.is_display && evidence.mirrored > mirrored_most) return Reason::mirrored;
  if (evidence.light.mean < 18) return Reason::dark;
  if (evidence.light.glaring > 0.35) return Reason::glare;
  if (evidence.light.sharpness < 0.16) return Reason::blur;
  if (row.count < count_sure || row.evenness < evenness_least || row.trust < 1 - risk_most)
    return Reason::wheel_count;
  if (row.is_display || row.lcd >= lcd_least) return Reason::display;
  for (int i = certain; i < count; ++i)
    if (row.turning[static_cast<std::size_t>(i)]) return Reason::turning;
  return Reason::low_confidence;
}

}  // namespace

int digit_of(std::size_t half_step, double position, int right) {
  const auto digit = static_cast<int>(half_step / 2);
  if (half_step % 2 == 0) return digit;
  const double passed = 0.5 + std::remainder(position - (digit + 0.5), 10.0);
  const bool alone = right == no_wheel;
  const bool nearer_up = passed >= (alone && digit < 9 ? passed_half_way : 0.5);
  const bool up = alone ? nearer_up : right <= 1 || (right < 8 && nearer_up);
  return up ? (digit + 1) % 10 : digit;
}

std::array<double, 10> digit_probabilities(const Spread& spread, double position, int right) {
  std::array<double, 10> p{};
  for (std::size_t c = 0; c < half_steps; ++c)
    p[static_cast<std::size_t>(digit_of(c, position, right))] += spread[c];
  return p;
}

std::vector<Choice> choose_digits(const std::vector<Spread>& spreads,
                                  const std::vector<double>& positions) {
  std::vector<Choice> choices(spreads.size());
  for (std::size_t i = spreads.size(); i-- > 0;) {
    const int right = i + 1 < spreads.size() ? choices[i + 1].digit : no_wheel;
    choices[i] = best_choice(digit_probabilities(spreads[i], positions[i], right));
  }
  return choices;
}

namespace {

void add_wheel(Register& row, const Spread& spread, const Measured& measured, const Opinions& own) {
  row.spreads.push_back(spread);
  row.wheels.push_back({measured.position, '0', 0, measured.red});
  double halves = 0;
  for (std::size_t c = 1; c < half_steps; c += 2) halves += spread[c];
  row.turning.push_back(halves > 0.35);
  row.shown = std::min(row.shown, 1 - own.none);
  row.lcd += own.lcd;
}

double odds_of(const Spread& spread, double position, int right, int digit) {
  const auto all = digit_probabilities(spread, position, right);
  const double p = std::clamp(all[static_cast<std::size_t>(digit)], spread_floor, 1 - spread_floor);
  return std::log(p / (1 - p));
}

// Digits from the spreads, and each net's odds for them. of_row: empty where its net was not asked.
void finish(Register& row, const std::vector<Spread>& of_row, const std::vector<Opinions>& own) {
  row.lcd /= static_cast<double>(row.wheels.size());
  std::vector<double> positions;
  for (const Wheel& wheel : row.wheels) positions.push_back(wheel.position);
  const std::vector<Choice> choices = choose_digits(row.spreads, positions);
  for (std::size_t i = 0; i < row.wheels.size(); ++i) {
    Wheel& wheel = row.wheels[i];
    const int digit = choices[i].digit;
    const int right = i + 1 < choices.size() ? choices[i + 1].digit : no_wheel;
    const double at = wheel.position;
    wheel.digit = static_cast<char>('0' + digit);
    wheel.confidence = choices[i].probability;
    if (!of_row.empty()) wheel.odds[0] = odds_of(of_row[i], at, right, digit);
    wheel.odds[1] = own[i].count > 0 ? odds_of(own[i].spread, at, right, digit)
                                     : std::clamp(wheel.odds[0], -unasked_odds, unasked_odds);
  }
}

}  // namespace

Register decide_alone(const std::vector<WheelOpinion>& opinions) {
  Register row;
  std::size_t wheels = 0;
  for (const WheelOpinion& opinion : opinions) wheels = std::max(wheels, opinion.wheel + 1);
  if (wheels == 0) return row;
  row.count = row.whole = row.evenness = 1;
  row.wheels_alone = true;
  const std::vector<Opinions> all = by_wheel(opinions, wheels);
  for (const Opinions& own : all) {
    const Spread spread = sharpened(own.spread);
    add_wheel(row, spread, measure({}, spread, own), own);
  }
  row.whole = row.shown;
  finish(row, {}, all);
  return row;
}

Sight sight_of(const std::vector<Glimpse>& glimpses) {
  Sight sight;
  const Row best = best_row(glimpses);
  if (best.empty()) return sight;
  Register& row = sight.row;
  std::vector<std::vector<int>> peaks;
  const auto share = 1 / static_cast<double>(glimpses.size());
  sight.directions.resize(best.size());
  for (const Glimpse& glimpse : glimpses) {
    peaks.push_back(peak_columns(glimpse.columns, best));
    row.count += share * count_probabilities(glimpse.columns)[best.size()];
    row.whole += share * glimpse.whole;
    row.evenness += share * evenness_of(peaks.back());
    for (std::size_t i = 0; i < best.size(); ++i) {
      Sight::Direction& direction = sight.directions[i];
      const auto column = static_cast<std::size_t>(peaks.back()[i]);
      direction.x += glimpse.cosine[column], direction.y += glimpse.sine[column];
      direction.red += share * glimpse.red[column];
    }
  }
  place_wheels(row, glimpses, peaks);
  sight.spreads = row_spreads(glimpses, best);
  return sight;
}

Register decide(const Sight& sight, const std::vector<WheelOpinion>& opinions) {
  Register row = sight.row;
  if (sight.spreads.empty()) return row;
  const std::vector<Opinions> own = by_wheel(opinions, sight.spreads.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    const Spread& of_row = sight.spreads[i];
    const Spread spread =
        own[i].count == 0 ? of_row : product(of_row, row_weight, own[i].spread, wheel_weight);
    add_wheel(row, spread, measure(sight.directions[i], spread, own[i]), own[i]);
  }
  finish(row, sight.spreads, own);
  return row;
}

Register decide_display(const Sight& sight, const std::vector<WheelOpinion>& opinions) {
  Register row = decide(sight, opinions);
  row.is_display = true;
  row.turning.assign(row.wheels.size(), false);
  return row;
}

std::vector<std::size_t> unsure_wheels(const Register& row) {
  std::vector<std::size_t> unsure;
  for (std::size_t i = 0; i < row.wheels.size(); ++i) {
    const bool last = i + 1 == row.wheels.size();
    if (last && row.turning[i]) continue;  // more cuts do not make it stand still
    const auto& [of_row, of_wheel] = row.wheels[i].odds;
    if (std::max(of_row, of_wheel) < sure_odds || std::min(of_row, of_wheel) < agreeing_odds)
      unsure.push_back(i);
  }
  return unsure;
}

bool is_sure(const Register& row) {
  return row.wheels.size() >= 4 && row.count >= sure_count && row.whole >= sure_whole &&
         row.evenness >= evenness_least && unsure_wheels(row).empty();
}

Wheel wheel_of(const WheelOpinion& opinion) {
  const double step = angle_of(opinion.spread) / (2 * std::numbers::pi) * half_steps;
  const double position = std::fmod(step / 2 + 10, 10);
  const Choice choice =
      best_choice(digit_probabilities(sharpened(opinion.spread), position, no_wheel));
  return {position, static_cast<char>('0' + choice.digit),
          choice.probability * (1 - opinion.none), 0, {}};
}

Digits judge(const Register& row, const Evidence& evidence) {
  Digits digits;
  digits.evidence = evidence;
  const auto count = static_cast<int>(row.wheels.size());
  const int count_least = row.is_display ? 1 : 3;
  const bool nothing = evidence.nothing > 0.9 && !row.is_display;
  if (count < count_least || nothing || row.trust < trust_least) {
    digits.reason = evidence.light.mean < 18 ? Reason::dark : Reason::no_meter;
    return digits;
  }
  digits.wheels = row.wheels;
  for (const Wheel& wheel : row.wheels) digits.digits += wheel.digit;
  digits.display = row.is_display || row.lcd >= lcd_least ? Display::lcd : Display::wheels;
  const Decimals decimals = decimals_of(row.wheels);
  digits.red = decimals.red, digits.red_confidence = decimals.probability;
  digits.value = exact_value(digits.digits, digits.red);
  digits.certain = certain_of(row);
  double product = row.trust;
  for (int i = 0; i < digits.certain; ++i)
    product *= row.wheels[static_cast<std::size_t>(i)].confidence;
  const bool enough = count >= 4 && digits.certain >= std::max(2, count - unclear_wheels_most);
  const bool sound = row.count >= count_sure && row.evenness >= evenness_least &&
                     !may_be_mirrored(digits.digits, evidence, row.is_display);
  // What forbids to read it makes the digits less likely, too.
  if (!sound) product *= row.count * row.evenness * (1 - evidence.mirrored);
  digits.confidence = digits.certain > 0 ? product : 0;
  const bool read = enough && sound && (row.is_display || digits.display == Display::wheels);
  digits.status = read ? Status::read : Status::doubtful;
  digits.reason =
      read && digits.certain == count ? Reason::none : why_doubtful(row, evidence, digits.certain);
  return digits;
}

}  // namespace meterlens::reader
