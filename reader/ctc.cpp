#include "reader/ctc.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace meterlens::reader {
namespace {

constexpr double never = -std::numeric_limits<double>::infinity();
constexpr double unlikely = 1.2e-4;  // a class below it begins no wheel in the search

// Rows that begin alike share their beginning.
class Prefixes {
 public:
  Prefixes() { grow(none, 0); }

  int longer(int prefix, int half_step) {
    const std::size_t at = index(prefix) * half_steps + static_cast<std::size_t>(half_step);
    if (next_[at] == none) {
      const int grown = grow(prefix, half_step);
      next_[at] = grown;
    }
    return next_[at];
  }
  int length(int prefix) const { return all_[index(prefix)].length; }
  int last(int prefix) const { return prefix == 0 ? none : all_[index(prefix)].half_step; }
  std::size_t size() const { return all_.size(); }

  Row row_of(int prefix) const {
    Row row;
    for (; prefix != 0; prefix = all_[index(prefix)].before)
      row.push_back(all_[index(prefix)].half_step);
    std::reverse(row.begin(), row.end());
    return row;
  }

 private:
  static constexpr int none = -1;
  struct Prefix {
    int before, half_step, length;
  };
  static std::size_t index(int prefix) { return static_cast<std::size_t>(prefix); }

  int grow(int before, int half_step) {
    all_.push_back({before, half_step, before == none ? 0 : length(before) + 1});
    next_.resize(next_.size() + half_steps, none);
    return static_cast<int>(all_.size()) - 1;
  }

  std::vector<Prefix> all_;
  std::vector<int> next_;
};

struct Hypothesis {
  int prefix = 0;
  double blank = 0, wheel = 0;  // of paths whose last column is blank, or the last wheel
  double both() const { return blank + wheel; }
};

class Beam {
 public:
  std::vector<Hypothesis> now{{0, 1.0, 0.0}};

  void step(const Column& column, Prefixes& prefixes) {
    next_.clear();
    for (const Hypothesis& h : now) {
      Hypothesis& same = at(h.prefix, prefixes);
      same.blank += h.both() * column[0];
      const int last = prefixes.last(h.prefix);
      if (last >= 0) same.wheel += h.wheel * column[static_cast<std::size_t>(last) + 1];
      if (prefixes.length(h.prefix) == wheels_max) continue;
      for (int c = 0; c < half_steps; ++c) {
        const double p = column[static_cast<std::size_t>(c) + 1];
        if (p < unlikely) continue;
        at(prefixes.longer(h.prefix, c), prefixes).wheel += (last == c ? h.blank : h.both()) * p;
      }
    }
    for (const Hypothesis& h : next_) place_[static_cast<std::size_t>(h.prefix)] = 0;
  }

  // The best `width`, scaled so that they never vanish.
  void keep(int width) {
    const auto count = std::min(next_.size(), static_cast<std::size_t>(width));
    std::partial_sort(next_.begin(), next_.begin() + static_cast<std::ptrdiff_t>(count),
                      next_.end(),
                      [](const auto& a, const auto& b) { return a.both() > b.both(); });
    next_.resize(count);
    const double best = next_.front().both();
    for (Hypothesis& h : next_)
      if (best > 0) h.blank /= best, h.wheel /= best;
    std::swap(now, next_);
  }

 private:
  Hypothesis& at(int prefix, const Prefixes& prefixes) {
    if (place_.size() < prefixes.size()) place_.resize(prefixes.size(), 0);
    std::size_t& place = place_[static_cast<std::size_t>(prefix)];
    if (place == 0) {
      next_.push_back({prefix, 0, 0});
      place = next_.size();
    }
    return next_[place - 1];
  }

  std::vector<Hypothesis> next_;
  std::vector<std::size_t> place_;  // 1 + where a prefix is in next_, 0: not yet
};

// The row with blanks between: state 2k + 1 is wheel k, even states are blank.
std::size_t class_of_state(const Row& row, std::size_t state) {
  return state % 2 == 0 ? 0 : static_cast<std::size_t>(row[state / 2]) + 1;
}

bool may_skip(const Row& row, std::size_t state) {
  return state % 2 == 1 && state >= 3 && row[state / 2] != row[state / 2 - 1];
}

// Sums over the paths through the first t columns that end in each state, and over the ways to go
// on from there. Plain doubles: a row so improbable that they vanish is impossible.
struct Lattice {
  std::vector<std::vector<double>> before, after;  // [t][state]; column t is in neither
};

// What comes into state s from a column's end, other than from s itself.
double entering(const Row& row, const std::vector<double>& ended, std::size_t s) {
  return (s >= 1 ? ended[s - 1] : 0) + (may_skip(row, s) ? ended[s - 2] : 0);
}

Lattice lattice_of(const Columns& columns, const Row& row) {
  const std::size_t states = 2 * row.size() + 1, end = columns.size();
  const std::vector<double> empty(states, 0);
  Lattice lattice{std::vector(end + 1, empty), std::vector(end + 1, empty)};
  for (std::size_t t = 0; t < end; ++t)
    for (std::size_t s = 0; s < states; ++s) {
      const double sum = t == 0 ? (s <= 1 ? 1.0 : 0.0)
                                : lattice.before[t][s] + entering(row, lattice.before[t], s);
      lattice.before[t + 1][s] = sum * columns[t][class_of_state(row, s)];
    }
  for (std::size_t s = states > 1 ? states - 2 : 0; s < states; ++s) lattice.after[end][s] = 1;
  for (std::size_t t = end; t-- > 0;)
    for (std::size_t s = 0; s < states; ++s) {
      const auto on = [&](std::size_t to) {
        return lattice.after[t + 1][to] * columns[t][class_of_state(row, to)];
      };
      double& sum = lattice.after[t][s];
      sum = on(s);
      if (s + 1 < states) sum += on(s + 1);
      if (s + 2 < states && may_skip(row, s + 2)) sum += on(s + 2);
    }
  return lattice;
}

// The spread of one wheel: into it, along it, out of it.
Spread spread_of(const Columns& columns, const Row& row, const Lattice& lattice,
                 std::size_t wheel) {
  const std::size_t state = 2 * wheel + 1;
  Spread spread{};
  double all = 0;
  for (int c = 0; c < half_steps; ++c) {
    const bool repeats = wheel > 0 && row[wheel - 1] == c;
    const bool repeated = wheel + 1 < row.size() && row[wheel + 1] == c;
    double inside = 0, sum = 0;
    for (std::size_t t = 0; t < columns.size(); ++t) {
      const std::vector<double>& ended = lattice.before[t];
      if (t == 0)
        inside = wheel == 0 ? 1 : 0;
      else
        inside += ended[state - 1] + (wheel > 0 && !repeats ? ended[state - 2] : 0);
      inside *= columns[t][static_cast<std::size_t>(c) + 1];
      if (t + 1 == columns.size()) {
        sum += wheel + 1 == row.size() ? inside : 0;
        break;
      }
      const std::vector<double>& rest = lattice.after[t + 2];
      double onward = rest[state + 1] * columns[t + 1][0];
      if (wheel + 1 < row.size() && !repeated)
        onward += rest[state + 2] * columns[t + 1][class_of_state(row, state + 2)];
      sum += inside * onward;
    }
    spread[static_cast<std::size_t>(c)] = sum;
    all += sum;
  }
  if (all > 0)
    for (double& p : spread) p /= all;
  return spread;
}

}  // namespace

std::vector<Row> likely_rows(const Columns& columns, int width) {
  Prefixes prefixes;
  Beam beam;
  for (const Column& column : columns) {
    beam.step(column, prefixes);
    beam.keep(width);
  }
  std::vector<Row> rows;
  for (const Hypothesis& h : beam.now) rows.push_back(prefixes.row_of(h.prefix));
  return rows;
}

double log_probability(const Columns& columns, const Row& row) {
  const std::size_t states = 2 * row.size() + 1;
  std::vector<double> now(states, 0), next(states);
  now[0] = 1;
  for (std::size_t t = 0; t < columns.size(); ++t) {
    for (std::size_t s = 0; s < states; ++s) {
      const double sum = t == 0 ? (s <= 1 ? 1.0 : 0.0) : now[s] + entering(row, now, s);
      next[s] = sum * columns[t][class_of_state(row, s)];
    }
    std::swap(now, next);
  }
  return std::log(now[states - 1] + (states > 1 ? now[states - 2] : 0));
}

std::vector<Spread> spreads_of(const Columns& columns, const Row& row) {
  const Lattice lattice = lattice_of(columns, row);
  std::vector<Spread> spreads;
  for (std::size_t wheel = 0; wheel < row.size(); ++wheel)
    spreads.push_back(spread_of(columns, row, lattice, wheel));
  return spreads;
}

std::array<double, wheels_max + 1> count_probabilities(const Columns& columns) {
  using State = std::array<double, classes>;  // probability by class of the last column
  std::array<State, wheels_max + 1> now{};
  now[0][0] = 1;
  for (const Column& column : columns) {
    std::array<State, wheels_max + 1> next{};
    for (std::size_t n = 0; n <= wheels_max; ++n) {
      double all = 0;
      for (const double p : now[n]) all += p;
      next[n][0] += all * column[0];
      for (std::size_t c = 1; c < classes; ++c) {
        next[n][c] += now[n][c] * column[c];
        if (n < wheels_max) next[n + 1][c] += (all - now[n][c]) * column[c];
      }
    }
    now = next;
  }
  std::array<double, wheels_max + 1> sums{};
  for (std::size_t n = 0; n <= wheels_max; ++n)
    for (const double p : now[n]) sums[n] += p;
  return sums;
}

std::vector<int> peak_columns(const Columns& columns, const Row& row) {
  const std::size_t states = 2 * row.size() + 1;
  std::vector<std::vector<std::size_t>> came_from(columns.size(),
                                                  std::vector<std::size_t>(states, 0));
  std::vector<double> now(states, never), next(states);
  for (std::size_t t = 0; t < columns.size(); ++t) {
    for (std::size_t s = 0; s < states; ++s) {
      double best = t == 0 ? (s <= 1 ? 0.0 : never) : now[s];
      came_from[t][s] = s;
      if (t > 0 && s >= 1 && now[s - 1] > best) best = now[s - 1], came_from[t][s] = s - 1;
      if (t > 0 && may_skip(row, s) && now[s - 2] > best)
        best = now[s - 2], came_from[t][s] = s - 2;
      next[s] = best + std::log(columns[t][class_of_state(row, s)]);
    }
    std::swap(now, next);
  }
  std::vector<int> peaks(row.size(), 0);
  std::vector<double> height(row.size(), 0);
  std::size_t state = states > 1 && now[states - 2] > now[states - 1] ? states - 2 : states - 1;
  for (std::size_t t = columns.size(); t-- > 0;) {
    if (state % 2 == 1) {
      const std::size_t wheel = state / 2;
      const double p = columns[t][static_cast<std::size_t>(row[wheel]) + 1];
      if (p >= height[wheel]) height[wheel] = p, peaks[wheel] = static_cast<int>(t);
    }
    state = came_from[t][state];
  }
  return peaks;
}

}  // namespace meterlens::reader
