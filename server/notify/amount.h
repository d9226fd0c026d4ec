// What a register's value is in the meter's unit, and times and codes as the world is told them.
// Exact decimals, never floating point. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/validate/meter.h"
#include "server/validate/reading.h"

namespace meterlens::notify {

// value * factor of exact decimals like "195.419" and "10", with all decimals of both but trailing
// zeros that only the factor brought. Nothing unless both are such decimals.
std::optional<std::string> amount(std::string_view value, std::string_view factor);

// Whether the decimal `a` is less than `b`, at the resolution of the coarser one.
bool is_less(std::string_view a, std::string_view b);

// "2026-03-01T07:05:09.120Z"; milliseconds only when there are any.
std::string time_text(std::int64_t unix_ms);
// The reverse; also without seconds or milliseconds, and with an offset "+01:00" for the Z.
std::optional<std::int64_t> parse_time(std::string_view text);

// A: accepted by the server, V: seen and accepted by a person, M: given by a person, E: estimated,
// D: doubtful, R: rejected. (N, for none came, is of a due time without a reading.)
char quality_of(const validate::Reading& reading);

}  // namespace meterlens::notify
