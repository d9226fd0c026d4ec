#include "reader/ctc.h"

#include <gtest/gtest.h>

#include <cmath>

namespace meterlens::reader {
namespace {

// Columns that show `shown` (-1: blank) with probability p each.
Columns columns_of(const std::vector<int>& shown, double p) {
  Columns columns;
  for (const int c : shown) {
    Column column;
    column.fill((1 - p) / (classes - 1));
    column[static_cast<std::size_t>(c + 1)] = p;
    columns.push_back(column);
  }
  return columns;
}

TEST(Ctc, ReadsRepeatsOnlyAcrossABlank) {
  EXPECT_EQ(likely_rows(columns_of({3, 3, -1, 3, 5}, 0.95), 4).front(), (Row{3, 3, 5}));
  EXPECT_EQ(likely_rows(columns_of({3, 3, 3, 5, 5}, 0.95), 4).front(), (Row{3, 5}));
  EXPECT_EQ(likely_rows(columns_of({-1, -1}, 0.95), 4).front(), Row{});
}

TEST(Ctc, AllRowsOfTwoColumnsSumToOne) {
  const Columns columns = columns_of({4, 7}, 0.6);
  double sum = std::exp(log_probability(columns, {}));
  for (int a = 0; a < half_steps; ++a) {
    sum += std::exp(log_probability(columns, {a}));
    for (int b = 0; b < half_steps; ++b) sum += std::exp(log_probability(columns, {a, b}));
  }
  EXPECT_NEAR(sum, 1.0, 1e-9);
}

TEST(Ctc, SpreadsAgreeWithTheRows) {
  const Columns columns = columns_of({4, 4, -1, 7, -1, 7, 2}, 0.5);
  for (const Row& row : {Row{4, 7, 7}, Row{4}, Row{7, 7, 7, 1}}) {
    const std::vector<Spread> spreads = spreads_of(columns, row);
    ASSERT_EQ(spreads.size(), row.size());
    for (std::size_t wheel = 0; wheel < row.size(); ++wheel) {
      double all = 0;
      Spread expected{};
      for (int c = 0; c < half_steps; ++c) {
        Row other = row;
        other[wheel] = c;
        all += expected[static_cast<std::size_t>(c)] = std::exp(log_probability(columns, other));
      }
      for (std::size_t c = 0; c < half_steps; ++c)
        EXPECT_NEAR(spreads[wheel][c], expected[c] / all, 1e-12) << wheel << " " << c;
    }
  }
}

TEST(Ctc, CountsAgreeWithTheRows) {
  const Columns columns = columns_of({4, -1, 7, 7}, 0.7);
  const auto counts = count_probabilities(columns);
  double all = 0, ones = 0;
  for (const double p : counts) all += p;
  for (int a = 0; a < half_steps; ++a) ones += std::exp(log_probability(columns, {a}));
  EXPECT_NEAR(all, 1.0, 1e-9);
  EXPECT_NEAR(counts[1], ones, 1e-9);
  EXPECT_NEAR(counts[0], std::exp(log_probability(columns, {})), 1e-12);
}

TEST(Ctc, FindsTheColumnOfEveryWheel) {
  EXPECT_EQ(peak_columns(columns_of({-1, 2, -1, -1, 9, -1}, 0.9), {2, 9}),
            (std::vector<int>{1, 4}));
}

TEST(Ctc, ARowThatCannotFitIsImpossible) {
  EXPECT_TRUE(std::isinf(log_probability(columns_of({2}, 0.9), {2, 3})));
  EXPECT_TRUE(std::isinf(log_probability(columns_of({2, 2}, 0.9), {2, 2})));
}

}  // namespace
}  // namespace meterlens::reader
