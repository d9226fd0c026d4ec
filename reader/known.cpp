#include "reader/known.h"

#include <algorithm>
#include <cmath>

#include "reader/trust.h"

namespace meterlens::reader {
namespace {

// Use may be a little faster than is said, clocks are set, and a camera without one gives the time
// of arrival. A last wheel between two digits may have been counted as the next.
constexpr double rate_slack = 1.2, clock_slack_h = 1;
constexpr std::int64_t unit_slack = 1;
// A register of unknown use has come round only when it stood in the last tenth.
constexpr std::int64_t roll_over_part = 10;

std::int64_t power_of_ten(std::size_t exponent) {
  std::int64_t power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

std::size_t digit_at(const std::string& digits, std::size_t i) {
  return static_cast<std::size_t>(digits[i] - '0');
}

bool makes_sense(const Earlier& earlier) {
  const std::string& digits = earlier.digits;
  return !digits.empty() && digits.size() <= wheels_max &&
         std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; }) &&
         earlier.certain >= 1 && earlier.certain <= static_cast<int>(digits.size()) &&
         earlier.hours >= 0 && earlier.most_per_hour >= 0;  // neither is NaN
}

// The wheels from the right: each depends on the photo and on the digit to its right.
class Chain {
 public:
  explicit Chain(const std::vector<Shares>& wheels) : wheels_(wheels), shows_(wheels.size()) {
    shows_.back() = wheels.back()[0];
    for (std::size_t i = wheels.size() - 1; i-- > 0;) {
      shows_[i].fill(0);
      for (std::size_t right = 0; right < 10; ++right)
        for (std::size_t d = 0; d < 10; ++d)
          shows_[i][d] += wheels[i][right][d] * shows_[i + 1][right];
    }
  }

  // Probability that the register begins with these digits, by the photo alone.
  double sum(const std::string& digits) const {
    if (digits.empty()) return 1;
    const std::size_t last = digits.size() - 1;
    double p = 0;
    if (digits.size() == wheels_.size()) {
      p = wheels_[last][0][digit_at(digits, last)];
    } else {
      for (std::size_t right = 0; right < 10; ++right)
        p += wheels_[last][right][digit_at(digits, last)] * shows_[last + 1][right];
    }
    for (std::size_t i = 0; i < last; ++i)
      p *= wheels_[i][digit_at(digits, i + 1)][digit_at(digits, i)];
    return p;
  }

 private:
  const std::vector<Shares>& wheels_;
  std::vector<std::array<double, 10>> shows_;  // probability of each digit, others summed over
};

// The beginnings of exactly the values first..last, each with any digits after it.
void add_beginnings(std::int64_t first, std::int64_t last, std::size_t wheels,
                    std::vector<std::string>& beginnings) {
  while (first <= last) {
    std::size_t free = 0;
    std::int64_t block = 1;
    while (free < wheels && first % (block * 10) == 0 && first + block * 10 - 1 <= last)
      block *= 10, ++free;
    std::string digits = std::to_string(first);
    digits.insert(0, wheels - digits.size(), '0');
    beginnings.push_back(digits.substr(0, wheels - free));
    first += block;
  }
}

std::vector<std::string> beginnings_of(const Range& range, std::size_t wheels) {
  const std::int64_t full = power_of_ten(wheels), end = range.first + range.count;
  std::vector<std::string> beginnings;
  add_beginnings(range.first, std::min(end, full) - 1, wheels, beginnings);
  add_beginnings(0, end - full - 1, wheels, beginnings);
  return beginnings;
}

// Probability that the register begins with `digits`, not yet divided by the whole.
double weight(const Chain& chain, const std::vector<std::string>& plausible,
              const std::string& digits) {
  double inside = 0;
  for (const std::string& beginning : plausible) {
    const bool longer = beginning.size() > digits.size();
    if (longer ? beginning.starts_with(digits) : digits.starts_with(beginning))
      inside += chain.sum(longer ? beginning : digits);
  }
  return inside + (chain.sum(digits) - inside) / prior_odds_most;
}

double with_odds(double p, double odds) { return p * odds / (p * odds + 1 - p); }

// The colours of the wheels, when it is known how many are red.
void tell_red(Register& row, const Known& known) {
  const auto count = static_cast<int>(row.wheels.size());
  if (known.red < 0 || known.red >= count) return;
  if (known.wheels > 0 && known.wheels != count) return;
  for (int i = 0; i < count; ++i) {
    double& red = row.wheels[static_cast<std::size_t>(i)].red;
    red = with_odds(red, i >= count - known.red ? prior_odds_most : 1 / prior_odds_most);
  }
}

// Whether the photo leaves open every digit that the prior would change.
bool leaves_open(const std::vector<Shares>& shares, const Register& row,
                 const std::string& digits) {
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] == row.wheels[i].digit) continue;
    const std::size_t right = i + 1 < digits.size() ? digit_at(digits, i + 1) : 0;
    if (shares[i][right][digit_at(digits, i)] < risk_most) return false;
  }
  return true;
}

// Puts what photo and earlier reading say together into the row; false: it stays as it is.
bool tell_earlier(Register& row, const Earlier& earlier) {
  const auto range = plausible_range(earlier);
  if (!range || earlier.digits.size() != row.wheels.size()) return false;
  const std::vector<Shares> shares = shares_of(row);
  const Belief belief = weigh(shares, *range);
  if (!belief.plausible || !leaves_open(shares, row, belief.digits)) return false;
  for (std::size_t i = 0; i < row.wheels.size(); ++i) {
    row.wheels[i].digit = belief.digits[i];
    row.wheels[i].confidence = belief.confidence[i];
  }
  // As in decide(): a convention, not a certainty.
  if (row.turning.back())
    row.wheels.back().confidence = std::min(row.wheels.back().confidence, 0.5);
  return true;
}

double turn(const Point& a, const Point& b, const Point& c) {
  return (b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x);
}

// Another number of wheels is another register only where there was none.
bool miscounts(const Register& row, const Quad& window, const Known& known) {
  if (known.wheels <= 0 || known.wheels == static_cast<int>(row.wheels.size())) return false;
  if (!known.window || !is_window(*known.window)) return true;
  return !apart(window, *known.window);
}

}  // namespace

std::optional<Range> plausible_range(const Earlier& earlier) {
  if (!makes_sense(earlier)) return std::nullopt;
  const std::size_t wheels = earlier.digits.size();
  const std::int64_t full = power_of_ten(wheels);
  const std::int64_t unclear =
      power_of_ten(wheels - static_cast<std::size_t>(earlier.certain));
  const std::int64_t least = std::stoll(earlier.digits) / unclear * unclear;
  const std::int64_t first = least - unit_slack;
  std::int64_t last = std::max(full - 1, first + unclear - 1 + full / roll_over_part);
  if (earlier.most_per_hour > 0) {
    const double use = earlier.most_per_hour * rate_slack * (earlier.hours + clock_slack_h);
    if (!(use < static_cast<double>(full))) return std::nullopt;
    last = least + unclear - 1 + static_cast<std::int64_t>(std::ceil(use)) + unit_slack;
  }
  const std::int64_t count = last - first + 1;
  if (count >= full) return std::nullopt;
  return Range{(first + full) % full, count};
}

std::vector<Shares> shares_of(const Register& row) {
  std::vector<Shares> wheels(row.wheels.size());
  for (std::size_t i = 0; i < wheels.size(); ++i) {
    const bool last = i + 1 == wheels.size();
    for (int right = 0; right < 10; ++right)
      wheels[i][static_cast<std::size_t>(right)] =
          digit_probabilities(row.spreads[i], row.wheels[i].position, last ? no_wheel : right);
  }
  return wheels;
}

Belief weigh(const std::vector<Shares>& wheels, const Range& range) {
  const Chain chain(wheels);
  const std::vector<std::string> plausible = beginnings_of(range, wheels.size());
  Belief belief;
  double before = weight(chain, plausible, "");
  for (std::size_t i = 0; i < wheels.size(); ++i) {
    char best = '0';
    double most = -1;
    for (char digit = '0'; digit <= '9'; ++digit) {
      const double w = weight(chain, plausible, belief.digits + digit);
      if (w > most) most = w, best = digit;
    }
    belief.digits += best;
    belief.confidence.push_back(most / before);
    before = most;
  }
  belief.plausible = std::ranges::any_of(plausible, [&](const std::string& beginning) {
    return belief.digits.starts_with(beginning);
  });
  return belief;
}

Digits judge(const Register& row, const Evidence& evidence, const Quad& window,
             const Known& known) {
  Register told = row;
  tell_red(told, known);
  const bool told_earlier = known.earlier && tell_earlier(told, *known.earlier);
  Digits digits = judge(told, evidence);
  if (told_earlier) {
    const Digits alone = judge(row, evidence);
    if (alone.digits != digits.digits || alone.certain != digits.certain ||
        alone.confidence != digits.confidence)
      digits.alone = Alone{alone.digits, alone.certain, alone.confidence};
  }
  if (digits.status == Status::read && miscounts(row, window, known)) {
    digits.status = Status::doubtful;
    digits.reason = Reason::wheel_count;
  }
  return digits;
}

double distance(const Point& a, const Point& b) { return std::hypot(a.x - b.x, a.y - b.y); }

double width_of(const Quad& window) { return distance(window[0], window[1]); }

bool apart(const Quad& a, const Quad& b) {
  const Point p{(a[0].x + a[2].x) / 2, (a[0].y + a[2].y) / 2};
  const Point q{(b[0].x + b[2].x) / 2, (b[0].y + b[2].y) / 2};
  return distance(p, q) > 0.6 * std::max(width_of(a), width_of(b));
}

bool is_window(const Quad& window) {
  constexpr double coordinate_most = 1e6, area_least = 1;
  for (const Point& corner : window)
    if (!(std::abs(corner.x) <= coordinate_most && std::abs(corner.y) <= coordinate_most))
      return false;
  for (std::size_t i = 0; i < 4; ++i)
    if (turn(window[i], window[(i + 1) % 4], window[(i + 2) % 4]) < area_least) return false;
  return true;
}

}  // namespace meterlens::reader
