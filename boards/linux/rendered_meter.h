// Photos of a meter that does not exist: a face drawn from a seed whose value rises with the time
// of day, so that it goes on counting through restarts. Each true reading can be written to a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "boards/linux/photo_source.h"

namespace meterlens::boards {

struct RenderSettings {
  std::uint64_t seed = 1;
  double rate = 20;             // tenths of the last wheel a minute
  double hardness = 0.2;        // 0 easy to 1 as hard as a person can still read
  // Of the light that reaches the meter by itself, 0 none to 1 all; below 1 the camera has a lamp,
  // which the settings `light` and `light_percent` switch.
  double daylight = 1;
  std::filesystem::path truth;  // a JSON line a shot is added; empty: none
};

std::unique_ptr<PhotoSource> make_rendered_meter(const RenderSettings& settings);

}  // namespace meterlens::boards
