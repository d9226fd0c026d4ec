// How a meter is usually used, from its own accepted readings: the most and the least that it used
// in any time of a given length, and how long it stood still. Robust: the one interval of highest
// rate does not count, for one false reading could have made it. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "server/clock.h"
#include "server/validate/meter.h"

namespace meterlens::validate {

using server::hour_ms;

// The count of one whole turn of a register.
std::int64_t full_of(int wheels);

// What was used between two readings of one register, least and most; nothing when the later shows
// less and the register cannot have come round: only from its last tenth to its first.
struct Use {
  std::int64_t least = 0;
  std::int64_t most = 0;
  bool rolled = false;
};
std::optional<Use> use_between(const Point& earlier, const Point& later);

class Habit {
 public:
  // `points`: oldest first; those of the last one's layout that are accepted or fixed count.
  explicit Habit(std::span<const Point> points);

  // Known from 10 intervals and a day on; else there is no usual use.
  bool is_known() const { return known_; }
  // Three times the most in that time, and two counts. Beyond half of the history it goes on at
  // the same rate.
  std::int64_t usual_max(std::int64_t elapsed_ms) const;
  // The least in that time.
  std::int64_t least(std::int64_t elapsed_ms) const;
  // The longest time without use that has ended.
  std::int64_t pause_ms_max() const { return pause_ms_max_; }

 private:
  struct Step {
    std::int64_t at_ms = 0;
    std::int64_t sum = 0;  // used since the first
  };
  static constexpr std::size_t lag_count = 16;
  static constexpr std::size_t steps_max = points_before_max + points_after_max;

  void measure(std::span<const Step> steps);
  void find_pauses(std::span<const Step> steps);

  bool known_ = false;
  std::array<std::int64_t, lag_count> lag_ms_{};
  std::array<std::int64_t, lag_count> most_{};
  std::array<std::int64_t, lag_count> least_{};
  std::int64_t pause_ms_max_ = 0;
};

}  // namespace meterlens::validate
