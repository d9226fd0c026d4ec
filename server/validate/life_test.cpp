// Random meters with injected errors: what stays accepted, what is refused. Prints the figures.
#include "server/validate/life.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace meterlens::validate {
namespace {

using test::Entry;
using test::Errors;
using test::Kind;
using test::Life;

constexpr int meters = 50;
constexpr int slot_count = 240;            // of each meter: 12,000 readings a kind
constexpr std::size_t settled_after = 15;  // readings after which the last word is expected

bool is_accepted(const Entry& entry) { return entry.reading.verdict == Verdict::accepted; }
// The photo shows the register as it was when the reading says.
bool is_right(const Entry& entry) {
  return !entry.misread && !entry.wrong_time && !entry.doubled;
}

struct Figures {
  int readings = 0, right = 0, right_refused = 0, right_refused_first = 0;
  int misread = 0, misread_accepted_first = 0, misread_accepted = 0, beyond = 0;
};

// Counts what a wrong value is off by more than the right ones beside it allow.
bool is_beyond(const std::vector<const Entry*>& by_time, std::size_t at, const Kind& kind) {
  const std::int64_t full = full_of(kind.wheels);
  const Entry* before = nullptr;
  const Entry* after = nullptr;
  for (std::size_t i = at; i-- > 0 && before == nullptr;)
    if (is_right(*by_time[i]) && is_accepted(*by_time[i])) before = by_time[i];
  for (std::size_t i = at + 1; i < by_time.size() && after == nullptr; ++i)
    if (is_right(*by_time[i]) && is_accepted(*by_time[i])) after = by_time[i];
  if (before == nullptr || after == nullptr) return false;
  const auto unclear = [](const Entry& entry) {
    const Point point = point_of(entry.reading);
    return point.high - point.low;
  };
  const std::int64_t least = before->truth - unclear(*before);
  const std::int64_t most = after->truth + unclear(*after) + unclear(*by_time[at]);
  const std::int64_t shown = point_of(by_time[at]->reading).high;
  return ((shown - least) % full + full) % full > most - least;
}

void count(const Life& life, const Kind& kind, Figures& out) {
  std::vector<const Entry*> by_time;
  for (const Entry& entry : life.book()) by_time.push_back(&entry);
  std::ranges::stable_sort(by_time, {}, [](const Entry* entry) { return entry->reading.at_ms; });
  for (std::size_t i = 0; i < by_time.size(); ++i) {
    const Entry& entry = *by_time[i];
    ++out.readings;
    if (i + settled_after >= by_time.size()) continue;
    if (is_right(entry)) {
      ++out.right;
      out.right_refused += !is_accepted(entry);
      out.right_refused_first += !entry.right_first;
    } else if (entry.misread) {
      ++out.misread;
      out.misread_accepted_first += entry.right_first;
      out.misread_accepted += is_accepted(entry);
      out.beyond += is_accepted(entry) && is_beyond(by_time, i, kind);
    }
  }
}

class Lives : public testing::TestWithParam<Kind> {};

TEST_P(Lives, KeepNoWrongValueAndRefuseFewRightOnes) {
  const Kind& kind = GetParam();
  Figures sum;
  for (int meter = 0; meter < meters; ++meter) {
    Life life(kind, static_cast<std::uint64_t>(meter) + 1);
    for (int slot = 0; slot < slot_count; ++slot) life.step();
    count(life, kind, sum);
  }
  const auto part = [](int of, int all) { return 100.0 * of / std::max(all, 1); };
  fmt::print("{}: {} readings; misreads {}, accepted at first {:.1f} %, in the end {:.1f} %, of "
             "those beyond their neighbours {}; right readings {}, refused at first {:.2f} %, in "
             "the end {:.2f} %\n", kind.name, sum.readings, sum.misread,
             part(sum.misread_accepted_first, sum.misread), part(sum.misread_accepted, sum.misread),
             sum.beyond, sum.right, part(sum.right_refused_first, sum.right),
             part(sum.right_refused, sum.right));
  EXPECT_GE(sum.readings, 10'000);
  EXPECT_EQ(sum.beyond, 0);
  EXPECT_LT(part(sum.right_refused, sum.right), 1.0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Lives, testing::ValuesIn(test::kinds));

}  // namespace
}  // namespace meterlens::validate
