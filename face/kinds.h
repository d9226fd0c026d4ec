// Meters and conditions of a wanted kind, and series of photos by one fixed camera.
//
// `any` is what meter_from_seed and conditions_from_seed draw; the other kinds imitate what they
// leave out. Pure functions of their arguments, like all of face.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "face/face.h"

namespace meterlens::face {

// water, power, gas: of `any`, those of one medium. lcd: seven-segment displays. street:
// electricity meters on poles, photographed by an ESP32-CAM. household: domestic water and gas
// meters by a hand-held phone. none: printing and plates, but no counter.
enum class Kind { any, water, power, gas, lcd, street, household, none };

// The kind of that name; nothing for another word.
std::optional<Kind> kind_of(std::string_view name);

// Extra fonts as in meter_from_seed.
Meter meter_of(Kind kind, std::uint64_t seed, const std::vector<std::string>& extra_fonts = {});
// Hardness as in conditions_from_seed; width and height of the photo in pixels, 64..8192.
Conditions conditions_of(Kind kind, std::uint64_t seed, double hardness, int width, int height);

struct Frame {
  std::int64_t value = 0;  // tenths of the last wheel, never a multiple of ten, ever growing
  Conditions conditions;
};
// What a small fixed camera with its own lamp sees of `meter` in `count` photos: a tilted and small
// register in an unchanging scene, use going on, the last wheel always turning, light changing.
// `value`: before the first frame. A longer series begins with the same frames.
std::vector<Frame> series_of(const Meter& meter, std::int64_t value, std::uint64_t seed,
                             double hardness, int width, int height, int count);

}  // namespace meterlens::face
