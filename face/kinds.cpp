#include "face/kinds.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "face/random.h"

namespace meterlens::face {
namespace {

constexpr std::array<std::pair<std::string_view, Kind>, 8> kind_names{
    {{"any", Kind::any},
     {"water", Kind::water},
     {"power", Kind::power},
     {"gas", Kind::gas},
     {"lcd", Kind::lcd},
     {"street", Kind::street},
     {"household", Kind::household},
     {"none", Kind::none}}};

using Fonts = std::vector<std::string>;

Meter of_medium(Medium medium, std::uint64_t seed, const Fonts& fonts) {
  for (Random next(seed);; seed = next.next())
    if (Meter meter = meter_from_seed(seed, fonts); meter.medium == medium) return meter;
}

Meter lcd_meter(Meter meter, Random& random) {
  meter.display = Display::lcd;
  if (meter.medium == Medium::gas) meter.medium = Medium::water;
  const bool water = meter.medium == Medium::water;
  meter.wheels = water ? 7 + random.below(3) : 5 + random.below(4);
  meter.decimals = water ? random.below(4) : random.below(3);
  meter.leading_zeros = random.chance(0.6);
  meter.window_width = std::min(120.0, random.in(11, 18) * meter.wheels);
  meter.window_aspect = random.in(1.3, 1.9);
  meter.digit_height = random.in(0.78, 0.94);
  return meter;
}

// Thin light digits on wide black drums behind one opening, the last wheel graduated.
Meter street_meter(Meter meter, Random& random) {
  meter.wheels = 5;
  meter.ink = Ink::white_on_black;
  meter.decimals = random.chance(0.35) ? 1 : 0;
  meter.decimal_ink = random.chance(0.5) ? Ink::white_on_black : Ink::black_on_white;
  const bool apart = random.chance(0.5);
  meter.opening = apart || meter.decimals > 0 ? Opening::split : Opening::one;
  meter.divider = meter.opening == Opening::split && random.chance(0.6);
  meter.pointer = random.chance(0.5);
  meter.graduated = random.chance(0.85);
  if (meter.digits.file.empty() || random.chance(0.6))
    meter.digits = {.file = {},
                    .stretch = random.in(0.75, 1.1),
                    .weight = random.in(0.07, 0.13),
                    .flat_three = random.chance(0.3)};
  meter.window_width = random.in(92, 128);
  meter.window_aspect = random.in(1.0, 1.4);
  meter.digit_height = random.in(0.48, 0.68);
  meter.drum_step = random.in(1.3, 1.8);
  meter.gap = random.in(0.02, 0.12);
  meter.gear_marks = false;
  meter.gloss = random.chance(0.5) ? random.in(0, 0.5) : 0;
  meter.edge_light = random.chance(0.8) ? random.in(0.2, 1) : 0;
  meter.top_light = random.in(0.2, 1);
  meter.screws = random.chance(0.8);
  meter.bar_code = random.chance(0.8);
  return meter;
}

void household_inks(Meter& meter, Random& random) {
  const double kind = random.unit();
  const bool white_drums = meter.medium == Medium::water && kind < 0.6;
  meter.ink = white_drums ? Ink::black_on_white : Ink::white_on_black;
  const double red = random.unit();
  meter.decimal_ink = red < 0.5 ? Ink::white_on_red : red < 0.92 ? Ink::red_on_white : meter.ink;
}

Meter household_meter(Meter meter, Random& random) {
  const bool water = meter.medium == Medium::water;
  if (water) meter.plate = Plate::household;
  const double kind = random.unit();
  const int whole = kind < 0.75 ? 5 : kind < 0.9 ? 4 : 6;
  const double tail = random.unit();
  meter.decimals = tail < 0.68 ? 3 : water && tail < 0.8 ? 0 : tail < 0.92 ? 2 : 1;
  meter.wheels = whole + meter.decimals;
  household_inks(meter, random);
  const double frame = random.unit();
  meter.opening = frame < 0.35   ? Opening::split
                  : frame < 0.6  ? Opening::one
                  : frame < 0.85 ? Opening::framed
                                 : Opening::cells;
  meter.gap = meter.opening == Opening::cells ? random.in(0.15, 0.35) : random.in(0.02, 0.16);
  meter.window_width = std::min(water ? 116.0 : 128.0, random.in(11.5, 17) * meter.wheels);
  meter.window_aspect = random.in(1.1, 1.7);
  meter.dials = water ? random.below(5) : 0;
  meter.graduated = random.chance(0.3);
  meter.top_light = random.chance(0.3) ? random.in(0.1, 0.5) : 0;
  meter.edge_light = random.chance(0.2) ? random.in(0.1, 0.5) : 0;
  return meter;
}

Meter no_meter(Meter meter, Random& random) {
  meter.display = Display::none;
  if (random.chance(0.5))
    meter.plate = Plate::sheet;
  else if (meter.medium == Medium::water && random.chance(0.4))
    meter.plate = Plate::household;
  meter.serial = random.chance(0.95);
  meter.bar_code = random.chance(0.8);
  meter.sticker = random.chance(0.6);
  return meter;
}

// Pixels of one wheel's pitch when the plate is `size` of the photo: most registers are about half
// a plate wide and have five wheels.
double pitch_px(const Conditions& conditions) {
  return conditions.size * std::min(conditions.width, conditions.height) * 0.1;
}

void on_a_street(Conditions& conditions, Random& random, double h) {
  conditions.scenery = random.chance(0.85) ? Scenery::pole : Scenery::any;
  conditions.angle_deg = (1 + 6 * h) * random.bell();
  conditions.size = random.in(0.62 - 0.26 * h, 0.8 + 0.15 * h);
  conditions.offset_x = 0.09 * random.bell();
  conditions.offset_y = 0.09 * random.bell();
  const double pitch = pitch_px(conditions);
  conditions.defocus_px = pitch * random.in(0.015, 0.03 + 0.05 * h);
  conditions.motion_px = random.chance(0.2 * h) ? pitch * random.in(0.03, 0.12) : 0;
  conditions.light = random.in(1 - 0.6 * h, 1 + 0.4 * h);
  conditions.lamp = random.chance(0.7) ? random.in(0.1, 0.4 + 0.5 * h) : 0;
  conditions.patch = random.chance(0.35 * h) ? random.in(0.2, 1) : 0;
  conditions.haze = random.chance(0.6 * h) ? random.in(0, 0.45) : 0;
  conditions.noise = random.in(2, 4 + 6 * h);
  conditions.saturation = random.in(0.3, 0.9);
  const double cold = random.in(-0.02, 0.08);
  conditions.cast = {1 - cold, 1 + random.in(-0.01, 0.03), 1 + cold};
  conditions.sharpening = random.chance(0.4) ? random.in(0.2, 1.1) : 0;
  conditions.time_stamp = false;
  conditions.jpeg_quality = static_cast<int>(random.in(75 - 30 * h, 88));
}

void household(Conditions& conditions, Random& random, double h) {
  const double any_angle = random.in(0, 360);
  if (random.chance(0.25 + 0.35 * h)) conditions.angle_deg = any_angle;
  conditions.size = random.in(0.75 - 0.35 * h, 0.95 + 0.35 * h);
  const double pitch = pitch_px(conditions) * 0.75;  // most have eight wheels
  conditions.defocus_px = pitch * random.in(0.01, 0.03 + 0.04 * h);
  conditions.motion_px = random.chance(0.35 * h) ? pitch * random.in(0.05, 0.16) : 0;
  conditions.glare = random.chance(0.2 + 0.35 * h) ? random.in(0.2, 0.6 + 0.4 * h) : 0;  // flash
  conditions.patch = random.chance(0.12 * h) ? random.in(0.2, 0.8) : 0;
  conditions.condensation = random.chance(0.3 * h) ? random.in(0.1, 1) : 0;
  conditions.dirt = random.chance(0.6 * h) ? random.in(0.1, 1) : 0;
  conditions.noise = random.in(1, 2 + 4 * h);
  conditions.sharpening = random.chance(0.3) ? random.in(0.2, 0.8) : 0;
}

}  // namespace

std::optional<Kind> kind_of(std::string_view name) {
  const auto* found =
      std::ranges::find(kind_names, name, &std::pair<std::string_view, Kind>::first);
  return found == kind_names.end() ? std::nullopt : std::optional(found->second);
}

Meter meter_of(Kind kind, std::uint64_t seed, const Fonts& extra_fonts) {
  Random random(seed ^ 0x4B494E44);
  switch (kind) {
    case Kind::water: return of_medium(Medium::water, seed, extra_fonts);
    case Kind::power: return of_medium(Medium::electricity, seed, extra_fonts);
    case Kind::gas: return of_medium(Medium::gas, seed, extra_fonts);
    case Kind::lcd: return lcd_meter(meter_from_seed(seed, extra_fonts), random);
    case Kind::street:
      return street_meter(of_medium(Medium::electricity, seed, extra_fonts), random);
    case Kind::household: {
      const Medium medium = random.chance(0.75) ? Medium::water : Medium::gas;
      return household_meter(of_medium(medium, seed, extra_fonts), random);
    }
    case Kind::none: return no_meter(meter_from_seed(seed, extra_fonts), random);
    case Kind::any: break;
  }
  return meter_from_seed(seed, extra_fonts);
}

Conditions conditions_of(Kind kind, std::uint64_t seed, double hardness, int width, int height) {
  const double h = std::clamp(hardness, 0.0, 1.0);
  Conditions conditions = conditions_from_seed(seed, h);
  conditions.width = width;
  conditions.height = height;
  Random random(seed ^ 0x4B494E4453);
  if (kind == Kind::street) on_a_street(conditions, random, h);
  if (kind == Kind::household) household(conditions, random, h);
  return conditions;
}

}  // namespace meterlens::face
