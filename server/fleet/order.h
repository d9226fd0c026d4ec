// What people order of devices through the API, for the pipeline's thread.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "server/fleet/control.h"

namespace meterlens::fleet {

struct SetEnabled {
  std::string device;
  bool enabled = true;
};
// The device is forgotten; `purge`: with its photos, readings and all else that was kept of it.
struct Remove {
  std::string device;
  bool purge = false;
};
// Its open commands and controls end, its settings are sent again.
struct Reset {
  std::string device;
};
struct SendControl {
  std::string device;
  ControlKind kind = ControlKind::send;
  std::string payload;
};
// Something that the pipeline reads from the store is another one now: pushes, campaigns.
struct LookAgain {};

using Order = std::variant<SetEnabled, Remove, Reset, SendControl, LookAgain>;

enum class OrderError : std::uint8_t {
  unknown_device,
  wrong_dialect,  // a native device has no such controls
  disabled,
  queue_full,     // too many controls of the device wait
  store,
};

}  // namespace meterlens::fleet
