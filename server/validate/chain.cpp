#include "server/validate/chain.h"

#include <algorithm>
#include <array>

#include "protocol/require.h"
#include "server/validate/decimal.h"

namespace meterlens::validate {
namespace {

// A register lasts at least this long at its meter's highest rate before it comes round to zero
// (1600 h for water in OIML R 49, 1500 h for electricity in IEC 62052-11).
constexpr double full_turn_h_min = 1500;
// Times of shots are not trusted to less: a camera without a clock gives the time of arrival.
constexpr std::int64_t elapsed_ms_min = hour_ms;

// Two readings that agree outvote one; a jump needs the reading and two that go on from it.
constexpr double unusual_cost = 2.6;
constexpr double break_cost = 8;
constexpr double release_gain = 0.9;

struct Weights {
  double accepted = 1;
  double fixed = 1000;
};
// What is accepted is in the chain whatever it costs.
constexpr Weights as_it_stands{100, 10'000};

double cost_of(Step step) {
  switch (step) {
    case Step::usual: return 0;
    case Step::unusual: return unusual_cost;
    case Step::impossible: break;
  }
  return break_cost;
}

double worth_of(const Point& point, const Weights& weights) {
  switch (point.standing) {
    case Standing::accepted: return weights.accepted;
    case Standing::fixed: return weights.fixed;
    case Standing::open:
    case Standing::estimated: break;
  }
  return 1;
}

// The costs of all steps, once for both chains.
class Costs {
 public:
  Costs(std::span<const Point> points, const Limits& limits) {
    for (std::size_t later = 1; later < points.size(); ++later) {
      for (std::size_t earlier = 0; earlier < later; ++earlier) {
        at(earlier, later) = static_cast<float>(
            cost_of(step_between(points[earlier], points[later], limits)));
      }
    }
  }
  float& at(std::size_t earlier, std::size_t later) {
    return costs_[later * chain_points_max + earlier];
  }

 private:
  std::array<float, chain_points_max * chain_points_max> costs_;
};

struct Chain {
  std::vector<bool> has;
  double worth = 0;  // by the plain weights
};

Chain best_chain(const Window& window, Costs& costs, const Weights& weights) {
  const std::vector<Point>& points = window.points;
  const auto worth_at = [&](std::size_t i, const Weights& by) {
    return i == 0 && window.is_anchored ? by.fixed : worth_of(points[i], by);
  };
  std::array<double, chain_points_max> best{};
  std::array<std::size_t, chain_points_max> from{};
  std::array<std::int64_t, chain_points_max> floor{};
  std::array<bool, chain_points_max> fast{};  // reached by an unusual step
  // A reading whose last wheels are unclear does not let the register run back behind it.
  const auto is_below = [&](std::size_t i, std::size_t before) {
    return points[i].high < floor[before] && points[i].high >= points[before].low;
  };
  const auto is_fast = [&](std::size_t i, std::size_t before) {
    const auto cost = static_cast<double>(costs.at(before, i));
    return cost > 0 && cost < break_cost;
  };
  // Use that goes on as fast as it just was is no second surprise.
  const auto cost_at = [&](std::size_t i, std::size_t before) {
    if (is_below(i, before)) return break_cost;
    return fast[before] && is_fast(i, before) ? 0 : static_cast<double>(costs.at(before, i));
  };
  std::size_t last = points.size();
  for (std::size_t i = 0; i < points.size(); ++i) {
    from[i] = points.size();
    for (std::size_t k = 0; k < i; ++k) {
      const double through = best[k] - cost_at(i, k);
      if (through <= 0 || through < best[i]) continue;
      best[i] = through;
      from[i] = k;
    }
    best[i] += worth_at(i, weights);
    fast[i] = from[i] < points.size() && is_fast(i, from[i]);
    const bool goes_on = from[i] < points.size() && points[i].high >= floor[from[i]];
    floor[i] = goes_on ? std::max(floor[from[i]], points[i].low) : points[i].low;
    if (last == points.size() || best[i] >= best[last]) last = i;
  }
  Chain chain{std::vector<bool>(points.size(), false), 0};
  for (std::size_t i = last; i < points.size(); i = from[i]) {
    chain.has[i] = true;
    chain.worth += worth_at(i, {});
    if (from[i] == points.size()) continue;
    chain.worth -= cost_at(i, from[i]);
  }
  return chain;
}

}  // namespace

double use_max(const Limits& limits, int wheels, std::int64_t elapsed_ms) {
  const double hours = static_cast<double>(std::max(elapsed_ms, elapsed_ms_min)) /
                       static_cast<double>(hour_ms);
  const double rate = limits.rate_max > 0 ? static_cast<double>(limits.rate_max)
                                          : static_cast<double>(full_of(wheels)) / full_turn_h_min;
  return rate * hours + 1;
}

Step step_between(const Point& earlier, const Point& later, const Limits& limits) {
  if (earlier.wheels != later.wheels || earlier.red != later.red) return Step::impossible;
  const auto use = use_between(earlier, later);
  if (!use) return Step::impossible;
  const std::int64_t elapsed_ms = later.at_ms - earlier.at_ms;
  if (static_cast<double>(use->least) > use_max(limits, later.wheels, elapsed_ms))
    return Step::impossible;
  const bool is_usual = limits.habit == nullptr || !limits.habit->is_known() ||
                        use->least <= limits.habit->usual_max(elapsed_ms);
  return is_usual ? Step::usual : Step::unusual;
}

std::vector<bool> choose(const Window& window, const Limits& limits) {
  protocol::require(window.points.size() <= chain_points_max);
  Costs costs(window.points, limits);
  Chain standing = best_chain(window, costs, as_it_stands);
  Chain best = best_chain(window, costs, {});
  return best.worth >= standing.worth + release_gain ? best.has : standing.has;
}

Window newest_of(std::span<const Point> points) {
  std::size_t accepted = 0;
  std::size_t open = 0;
  Window out;
  // What is open and older than all of them has no reading before it that would speak against it.
  for (std::size_t i = points.size(); i-- > 0 && accepted < chain_accepted_max;) {
    const Standing standing = points[i].standing;
    if (standing == Standing::estimated) continue;
    const bool is_open = standing == Standing::open;
    if (is_open && open == chain_open_max) continue;
    ++(is_open ? open : accepted);
    out.points.push_back(points[i]);
  }
  std::ranges::reverse(out.points);
  out.is_anchored = accepted == chain_accepted_max;
  return out;
}

}  // namespace meterlens::validate
