#include "protocol/reset.h"

namespace meterlens::protocol {

const char* reset_name(std::uint8_t cause) {
  constexpr const char* names[reset_cause_last + 1] = {
      "unknown", "power_on", "brown_out", "watchdog", "crash", "restart", "wake", "pin"};
  return names[cause <= reset_cause_last ? cause : 0];
}

}  // namespace meterlens::protocol
