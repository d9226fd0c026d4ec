// Why a device began anew, as a number on the wire and as a word in JSON; the numbers are those of
// MeterlensReset (device/port.h). Any thread.
#pragma once

#include <cstdint>

namespace meterlens::protocol {

inline constexpr std::uint8_t reset_cause_last = 7;

// "unknown" for a number of no cause.
const char* reset_name(std::uint8_t cause);

}  // namespace meterlens::protocol
