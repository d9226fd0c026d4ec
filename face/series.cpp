// A series of photos by one fixed camera.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "face/kinds.h"
#include "face/random.h"

namespace meterlens::face {
namespace {

// Small and tilted, its lamp in the glass; never so small that a person could not read it.
Conditions fixed_camera(const Meter& meter, Random& random, double h) {
  Conditions conditions = conditions_from_seed(random.next(), h);
  conditions.angle_deg = (2 + 9 * h) * random.bell();
  if (random.chance(0.3 * h)) conditions.angle_deg += 90.0 * random.below(4);
  conditions.tilt_x_deg = (3 + 11 * h) * random.bell();
  conditions.tilt_y_deg = (3 + 11 * h) * random.bell();
  conditions.shadow = 0;
  conditions.noise = random.in(2, 3 + 5 * h);
  conditions.sharpening = random.in(0, 1.5);
  conditions.glare = random.chance(0.5 * h) ? random.in(0.1, 0.6) : 0;
  conditions.lamp = random.chance(0.5) ? random.in(0.1, 0.6) : 0;
  conditions.time_stamp = false;
  conditions.motion_px = 0;
  conditions.jpeg_quality = static_cast<int>(random.in(70 - 20 * h, 90));
  const double pitch = meter.window_width / meter.wheels / 200;  // in plates
  conditions.size = random.in(15 - 3 * h, 30 - 8 * h);           // of a wheel, in pixels, for now
  conditions.defocus_px = conditions.size * random.in(0.01, 0.03 + 0.03 * h);
  conditions.size /= pitch;
  return conditions;
}

}  // namespace

std::vector<Frame> series_of(const Meter& meter, std::int64_t value, std::uint64_t seed,
                             double hardness, int width, int height, int count) {
  Random random(seed ^ 0x5345524945);
  Conditions fixed = fixed_camera(meter, random, std::clamp(hardness, 0.0, 1.0));
  fixed.width = width;
  fixed.height = height;
  fixed.size = std::min(1.5, fixed.size / std::min(width, height));
  const double day = random.in(0, 0.35 * hardness), frames_a_day = random.in(6, 60);
  const int usual = 2 + random.below(25);  // tenths of the last wheel from frame to frame
  std::vector<Frame> frames;
  for (int i = 0; i < count; ++i) {
    Frame frame{value, fixed};
    value += 1 + random.below(2 * usual);
    if (random.chance(0.03)) value += random.below(4000);
    if (value % 10 == 0) ++value;
    frame.value = value;
    const double hour = 2 * std::numbers::pi * i / frames_a_day;
    frame.conditions.shot = static_cast<std::uint64_t>(i) + 1;
    frame.conditions.light =
        std::max(0.25, fixed.light * (1 + day * std::sin(hour)) + 0.03 * random.bell());
    const double warm = 0.02 * random.bell() + 0.05 * day * std::cos(hour);
    frame.conditions.cast[0] *= 1 + warm;
    frame.conditions.cast[2] *= 1 - warm;
    frame.conditions.noise *= random.in(0.9, 1.3);
    frames.push_back(frame);
  }
  return frames;
}

}  // namespace meterlens::face
