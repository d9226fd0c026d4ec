// What of a camera's settings a finished JPEG can still obey, whatever took it: mirror, flip and
// crop, by moving its blocks, without a loss. No state; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "device/port.h"

namespace meterlens::boards {

bool wants_picture_step(const MeterlensShot& shot);

// The crop is of the picture as it is seen, after mirror and flip; its left and top edges go out to
// the next block, and a last column or row that is no whole block does not come with a mirrored
// picture. Nothing: the JPEG is damaged, or has no tables of its own.
std::optional<std::vector<std::uint8_t>> picture_step(std::span<const std::uint8_t> jpeg,
                                                      const MeterlensShot& shot);

}  // namespace meterlens::boards
