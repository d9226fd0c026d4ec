// What this machine's clock says, and lengths of time, for every step. Any thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace meterlens::server {

inline constexpr std::int64_t hour_ms = 3'600'000, day_ms = 24 * hour_ms;

template <class Clock>
std::int64_t ms_of() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(Clock::now().time_since_epoch()).count();
}

// Since 1970, UTC.
inline std::int64_t unix_ms() { return ms_of<std::chrono::system_clock>(); }
// Since some moment in the past: never set, for what has to wait or take turns.
inline std::int64_t steady_ms() { return ms_of<std::chrono::steady_clock>(); }

}  // namespace meterlens::server
