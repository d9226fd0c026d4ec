// From the wheel reader's columns to a row of wheels: connectionist temporal classification.
//
// Class 0 is the blank; class 1 + c is a wheel nearest to position c / 2, c = 0..19. Pure functions
// of their arguments; any thread.
#pragma once

#include <array>
#include <vector>

namespace meterlens::reader {

inline constexpr int half_steps = 20;
inline constexpr int classes = half_steps + 1;
inline constexpr int wheels_max = 9;

// Probabilities of the classes in one column; they sum to one.
using Column = std::array<double, classes>;
using Columns = std::vector<Column>;

// Wheel positions in half steps, 0..19, left to right.
using Row = std::vector<int>;

// Probability of each half step, 0..19, of one wheel.
using Spread = std::array<double, half_steps>;

// Up to `width` most probable rows, best first.
std::vector<Row> likely_rows(const Columns& columns, int width);

// Log probability that the columns say exactly this row.
double log_probability(const Columns& columns, const Row& row);

// For every wheel of `row`, how probable each half step is, the others being as in `row`. Each
// sums to one; all zeros where the columns are too few for the row.
std::vector<Spread> spreads_of(const Columns& columns, const Row& row);

// Probability of every number of wheels, 0..wheels_max (more are left out).
std::array<double, wheels_max + 1> count_probabilities(const Columns& columns);

// The column in which each wheel of `row` shows most, by the best single path.
std::vector<int> peak_columns(const Columns& columns, const Row& row);

}  // namespace meterlens::reader
