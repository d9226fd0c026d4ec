// The camera's own timer: one shot a period, at multiples of it counted from 1970 once the clock is
// known, from the start before that. No clock of its own, one thread.
#pragma once

#include <cstdint>
#include <limits>

namespace meterlens::camera {

class Timer {
 public:
  // true once a period. `clock_ms` is Unix time minus the camera's, 0 while unknown.
  bool strike(std::int32_t period_s, std::uint64_t now_ms, std::uint64_t clock_ms) {
    if (period_s <= 0) {
      period_s_ = 0;
      return false;
    }
    const std::uint64_t turn = (now_ms + clock_ms) / period_ms(period_s);
    const bool begins_anew = period_s != period_s_ || (clock_ms != 0) != has_clock_ ||
                             turn + 1 < turn_;  // the clock was set back
    // A clock that goes back a little must not strike twice.
    if (!begins_anew && turn <= turn_) return false;
    period_s_ = period_s;
    has_clock_ = clock_ms != 0;
    turn_ = turn;
    return !begins_anew;
  }

  std::uint64_t due_ms(std::int32_t period_s, std::uint64_t now_ms, std::uint64_t clock_ms) const {
    if (period_s <= 0) return std::numeric_limits<std::uint64_t>::max();
    if (period_s != period_s_ || (clock_ms != 0) != has_clock_) return now_ms;
    const std::uint64_t next_ms = (turn_ + 1) * period_ms(period_s);
    return next_ms > clock_ms ? next_ms - clock_ms : now_ms;
  }

 private:
  static std::uint64_t period_ms(std::int32_t period_s) {
    return static_cast<std::uint64_t>(period_s) * 1000;
  }

  std::int32_t period_s_ = 0;
  bool has_clock_ = false;
  std::uint64_t turn_ = 0;
};

}  // namespace meterlens::camera
