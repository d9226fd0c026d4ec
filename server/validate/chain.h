// Which of a meter's readings can be true together. Of all the ways to pick readings whose values
// follow one another, the one that explains most of them best; so a false value that was accepted
// is outvoted by later ones, and right ones that it kept out come back. Pure; any thread.
//
// A reading in the chain is worth 1, an unusual step costs `unusual_cost` (once, while use goes on
// so fast), a step that cannot be (less, faster than possible, another layout) `break_cost`: that
// is how a register that was exchanged without notice is taken up at last, without calling its past
// wrong. What is accepted stays so unless another chain is worth `release_gain` more; a person's
// word stays always.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "server/validate/habit.h"
#include "server/validate/meter.h"

namespace meterlens::validate {

enum class Step : std::uint8_t { usual, unusual, impossible };

// What one step from reading to reading may be.
struct Limits {
  const Habit* habit = nullptr;
  std::int64_t rate_max = 0;  // counts an hour that a person set; 0: what any register stands
};
// The most counts that can have been used at all.
double use_max(const Limits& limits, int wheels, std::int64_t elapsed_ms);
Step step_between(const Point& earlier, const Point& later, const Limits& limits);

// So many of the newest are weighed: of what is accepted, and of the rest.
inline constexpr std::size_t chain_accepted_max = 24;
inline constexpr std::size_t chain_open_max = 40;
inline constexpr std::size_t chain_points_max = chain_accepted_max + chain_open_max;

struct Window {
  std::vector<Point> points;  // oldest first
  bool is_anchored = false;   // the first stands for accepted ones before it: it is not outvoted
};
// Those of `points` (oldest first) that are weighed; estimated ones never are.
Window newest_of(std::span<const Point> points);

// For each point whether it is in the chain. At most chain_points_max; accepted ones may
// contradict each other.
std::vector<bool> choose(const Window& window, const Limits& limits);

}  // namespace meterlens::validate
