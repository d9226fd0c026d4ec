// Which controls of a video camera obey which settings of ours, and how their values are scaled.
// The ioctls themselves are the caller's. No state; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "device/port.h"

namespace meterlens::boards {

// Of a control that the camera has.
struct ControlRange {
  std::int32_t least = 0, most = 0, initial = 0;
};
struct ControlValue {
  std::uint32_t id = 0;  // V4L2_CID_...
  std::int32_t value = 0;
};
// Nothing: the camera has no such control, or it cannot be set.
using AskControl = std::function<std::optional<ControlRange>(std::uint32_t id)>;

// What to set for a shot, in this order. A setting at its initial value gives the control its own
// initial one.
std::vector<ControlValue> control_values(const MeterlensShot& shot, const AskControl& ask);
// The settings of the picture that need a control which is not there.
std::vector<std::string_view> deaf_settings(const AskControl& ask);

}  // namespace meterlens::boards
