// Inside notify/: what this machine's clock says, and lengths of time. Any thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace meterlens::notify {

inline constexpr std::int64_t hour_ms = 3'600'000, day_ms = 24 * hour_ms;

inline std::int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace meterlens::notify
