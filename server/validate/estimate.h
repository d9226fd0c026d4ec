// Values for times without a photo. Estimates stand only between two readings, never over one, are
// always marked, and are never judged against. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "server/validate/meter.h"
#include "server/validate/reading.h"

namespace meterlens::validate {

enum class Method : std::uint8_t {
  linear,   // evenly
  profile,  // as the meter's own hours of the day were (UTC), from a week of readings at most 2 h
            // apart; evenly where there is no such week
};

// The times of `from_ms`, `from_ms + every_ms`, ... up to `to_ms` that have no reading within half
// of `every_ms`. Requires every_ms > 0. What a schedule asks too.
std::vector<std::int64_t> missing_slots(std::span<const Point> points, std::int64_t from_ms,
                                        std::int64_t to_ms, std::int64_t every_ms);

// The reading of each time that lies between two readings of `past`, and of no other; ids are 0.
std::vector<Reading> estimate(const Past& past, std::span<const std::int64_t> times_ms,
                              Method method);

}  // namespace meterlens::validate
