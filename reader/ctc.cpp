#include "reader/ctc.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace meterlens::reader {
namespace {

constexpr double never = -std::numeric_limits<double>::infinity();

struct Ends {
  double blank = never, wheel = never;  // of paths whose last column is blank, or the last wheel
  double both() const { return log_add(blank, wheel); }
};

using Beam = std::map<Row, Ends>;

void extend(Beam& next, const Row& row, const Ends& ends, const Column& column) {
  Ends& same = next[row];
  same.blank = log_add(same.blank, ends.both() + column[0]);
  if (!row.empty())
    same.wheel = log_add(same.wheel, ends.wheel + column[static_cast<std::size_t>(row.back()) + 1]);
  if (static_cast<int>(row.size()) == wheels_max) return;
  for (int c = 0; c < half_steps; ++c) {
    const double log_p = column[static_cast<std::size_t>(c) + 1];
    if (log_p < -9) continue;
    const bool repeats = !row.empty() && row.back() == c;
    Row longer = row;
    longer.push_back(c);
    Ends& grown = next[longer];
    grown.wheel = log_add(grown.wheel, (repeats ? ends.blank : ends.both()) + log_p);
  }
}

std::vector<std::pair<Row, Ends>> best_of(const Beam& beam, int width) {
  std::vector<std::pair<Row, Ends>> sorted(beam.begin(), beam.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.second.both() > b.second.both(); });
  if (static_cast<int>(sorted.size()) > width) sorted.resize(static_cast<std::size_t>(width));
  return sorted;
}

// The row with blanks between: state 2k + 1 is wheel k, even states are blank.
int class_of_state(const Row& row, std::size_t state) {
  return state % 2 == 0 ? 0 : row[state / 2] + 1;
}

bool may_skip(const Row& row, std::size_t state) {
  return state % 2 == 1 && state >= 3 && row[state / 2] != row[state / 2 - 1];
}

}  // namespace

double log_add(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == never ? a : a + std::log1p(std::exp(b - a));
}

std::vector<Row> likely_rows(const Columns& columns, int width) {
  std::vector<std::pair<Row, Ends>> beam{{Row{}, Ends{0.0, never}}};
  for (const Column& column : columns) {
    Beam next;
    for (const auto& [row, ends] : beam) extend(next, row, ends, column);
    beam = best_of(next, width);
  }
  std::vector<Row> rows;
  for (auto& [row, ends] : beam) rows.push_back(row);
  return rows;
}

double log_probability(const Columns& columns, const Row& row) {
  const std::size_t states = 2 * row.size() + 1;
  std::vector<double> now(states, never), next(states);
  now[0] = 0;
  bool first = true;
  for (const Column& column : columns) {
    for (std::size_t s = 0; s < states; ++s) {
      double sum = now[s];
      if (s >= 1 && !(first && s > 1)) sum = log_add(sum, now[s - 1]);
      if (!first && may_skip(row, s)) sum = log_add(sum, now[s - 2]);
      next[s] = sum + column[static_cast<std::size_t>(class_of_state(row, s))];
    }
    std::swap(now, next);
    first = false;
  }
  return states == 1 ? now[0] : log_add(now[states - 1], now[states - 2]);
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
      next[n][0] += all * std::exp(column[0]);
      for (std::size_t c = 1; c < classes; ++c) {
        const double p = std::exp(column[c]);
        next[n][c] += now[n][c] * p;
        if (n < wheels_max) next[n + 1][c] += (all - now[n][c]) * p;
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
      next[s] = best + columns[t][static_cast<std::size_t>(class_of_state(row, s))];
    }
    std::swap(now, next);
  }
  std::vector<int> peaks(row.size(), 0);
  std::vector<double> height(row.size(), never);
  std::size_t state = states > 1 && now[states - 2] > now[states - 1] ? states - 2 : states - 1;
  for (std::size_t t = columns.size(); t-- > 0;) {
    if (state % 2 == 1) {
      const std::size_t wheel = state / 2;
      const double log_p = columns[t][static_cast<std::size_t>(row[wheel]) + 1];
      if (log_p >= height[wheel]) height[wheel] = log_p, peaks[wheel] = static_cast<int>(t);
    }
    state = came_from[t][state];
  }
  return peaks;
}

}  // namespace meterlens::reader
