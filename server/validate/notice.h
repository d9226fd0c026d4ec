// What is remarkable about an accepted reading: a register that stands still, little use, a leak.
// It changes no verdict. Pure; any thread.
#pragma once

#include <span>

#include "server/validate/habit.h"
#include "server/validate/meter.h"
#include "server/validate/reading.h"

namespace meterlens::validate {

// Adds flags and reasons. `now` is the newest reading of the meter, `points` what was accepted
// before it, oldest first.
void notice(const Meter& meter, const Habit& habit, std::span<const Point> points,
            const Point& now, Reading& reading);

}  // namespace meterlens::validate
