// Meters and picture conditions drawn by chance from a seed.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "face/face.h"
#include "face/random.h"

namespace meterlens::face {
namespace {

constexpr const char* dejavu_folder = "/usr/share/fonts/truetype/dejavu/";
// Those of fonts-dejavu-core only, so that other packages do not change what a seed draws; not the
// monospaced ones, whose zero has a dot that no meter's zero has.
constexpr const char* dejavu_core[] = {"DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf",
                                       "DejaVuSerif-Bold.ttf"};

std::string dejavu(int index) {
  const std::string file = std::string(dejavu_folder) + dejavu_core[index];
  std::error_code ignored;
  return std::filesystem::exists(file, ignored) ? file : std::string{};
}

Typeface typeface_of(Random& random, const std::vector<std::string>& extra_fonts) {
  Typeface face;
  const bool strokes = random.chance(extra_fonts.empty() ? 0.55 : 0.35);
  face.stretch = random.in(0.8, 1.25);
  face.flat_three = random.chance(0.2);
  const int known = random.below(4);
  const double pick = random.unit();
  if (strokes) {
    face.weight = random.in(0.08, 0.17);
    return face;
  }
  const auto extra = static_cast<std::size_t>(pick * static_cast<double>(extra_fonts.size()));
  face.file = extra_fonts.empty() ? dejavu(known) : extra_fonts[extra];
  if (face.file.empty())
    face.weight = 0.11;
  else if (random.chance(0.3))
    face.weight = random.in(0, 0.04);
  return face;
}

void choose_inks(Meter& meter, Random& random) {
  const bool dark = random.chance(meter.medium == Medium::water ? 0.25 : 0.75);
  meter.ink = dark ? Ink::white_on_black : Ink::black_on_white;
  const double kind = random.unit();
  if (kind < 0.45)
    meter.decimal_ink = Ink::red_on_white;
  else if (kind < 0.9)
    meter.decimal_ink = Ink::white_on_red;
  else
    meter.decimal_ink = meter.ink;
  if (random.chance(0.03)) meter.ink = Ink::red_on_white;
}

void choose_register(Meter& meter, Random& random) {
  switch (meter.medium) {
    case Medium::water:
      meter.wheels = random.chance(0.55) ? 5 : 4 + random.below(5);
      meter.decimals = meter.wheels >= 7 ? 3 : random.chance(0.2) ? 1 + random.below(2) : 0;
      break;
    case Medium::electricity:
      meter.wheels = random.chance(0.6) ? 5 : 5 + random.below(3);
      meter.decimals = random.chance(0.6) ? 1 : 0;
      break;
    case Medium::gas:
      meter.wheels = 7 + random.below(2);
      meter.decimals = random.chance(0.8) ? 3 : 2;
      break;
  }
  const double kind = random.unit();
  meter.opening = kind < 0.4   ? Opening::one
                  : kind < 0.6 ? Opening::framed
                  : kind < 0.8 ? Opening::split
                               : Opening::cells;
  meter.window_width = std::min(128.0, random.in(14, 22) * meter.wheels);
  if (meter.medium == Medium::water) meter.window_width = std::min(meter.window_width, 112.0);
  meter.window_aspect = random.in(0.85, 1.6);
  meter.digit_height = random.in(0.52, 0.85);
  meter.drum_step = random.in(1.2, 1.65);
  meter.gap = meter.opening == Opening::cells ? random.in(0.15, 0.4) : random.in(0.02, 0.2);
}

double rare(Random& random, double probability, double low, double high) {
  const double amount = random.in(low, high);
  return random.chance(probability) ? amount : 0;
}

void choose_optics(Conditions& conditions, Random& random, double hardness) {
  const double h = hardness;
  conditions.light = random.in(1 - 0.55 * h, 1 + 0.35 * h);
  conditions.uneven = random.in(0, 0.1 + 0.7 * h);
  conditions.shadow = rare(random, 0.25 * h, 0.2, 0.9);
  conditions.glare = rare(random, 0.5 * h, 0.15, 0.4 + 0.6 * h);
  conditions.haze = rare(random, 0.4 * h, 0, 0.7 * h);
  conditions.noise = random.in(1, 2 + 9 * h);
  conditions.saturation = random.in(1 - 0.6 * h, 1 + 0.3 * h);
  for (double& gain : conditions.cast) gain = 1 + 0.16 * h * random.bell() * 0.6;
  conditions.condensation = rare(random, 0.2 * h, 0.1, h);
  conditions.dirt = rare(random, 0.5 * h, 0.05, h);
  conditions.sharpening = rare(random, 0.45 * h, 0.3, 1.6);
  conditions.jpeg_quality = static_cast<int>(random.in(88 - 55 * h, 94));
}

}  // namespace

std::vector<std::string> fonts_in(const std::filesystem::path& folder) {
  std::vector<std::string> files;
  std::error_code failed;
  for (std::filesystem::recursive_directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed)) {
    const std::string ending = at->path().extension().string();
    const bool dotted_zero = at->path().filename().string().find("Mono") != std::string::npos;
    if ((ending == ".ttf" || ending == ".otf") && !dotted_zero)
      files.push_back(at->path().string());
  }
  std::ranges::sort(files);
  return files;
}

Meter meter_from_seed(std::uint64_t seed, const std::vector<std::string>& extra_fonts) {
  Random random(seed ^ 0x4D45544552);
  Meter meter;
  meter.seed = seed;
  const double kind = random.unit();
  meter.medium = kind < 0.45 ? Medium::water : kind < 0.8 ? Medium::electricity : Medium::gas;
  choose_register(meter, random);
  choose_inks(meter, random);
  meter.digits = typeface_of(random, extra_fonts);
  const bool bold = random.chance(0.4);
  meter.print_file = dejavu(bold ? 1 : 0);
  if (!extra_fonts.empty() && random.chance(0.5))
    meter.print_file =
        extra_fonts[static_cast<std::size_t>(random.below(static_cast<int>(extra_fonts.size())))];
  meter.slack = random.in(0, 0.035);
  meter.gloss = random.chance(0.4) ? random.in(0.1, 0.7) : 0;
  meter.gear_marks = random.chance(meter.medium == Medium::water ? 0.5 : 0.15);
  meter.graduated = random.chance(meter.medium == Medium::water ? 0.1 : 0.4);
  meter.rolls_down = random.chance(0.04);
  meter.dials = meter.medium == Medium::water ? random.below(5) : 0;
  meter.serial = random.chance(0.85);
  meter.bar_code = random.chance(meter.medium == Medium::water ? 0.2 : 0.6);
  meter.sticker = random.chance(0.3);
  meter.screws = random.chance(0.5);
  return meter;
}

Conditions conditions_from_seed(std::uint64_t seed, double hardness) {
  const double h = std::clamp(hardness, 0.0, 1.0);
  Random random(seed ^ 0x50484F544F);
  Conditions conditions;
  conditions.seed = seed;
  conditions.angle_deg = (1 + 14 * h) * random.bell();
  const double any_angle = random.in(0, 360);
  if (random.chance(0.45 * h)) conditions.angle_deg = any_angle;
  if (conditions.angle_deg < 0) conditions.angle_deg += 360;
  conditions.tilt_x_deg = (1 + 13 * h) * random.bell();
  conditions.tilt_y_deg = (1 + 13 * h) * random.bell();
  conditions.size = random.in(0.72 - 0.35 * h, 0.9 + 0.6 * h);
  conditions.offset_x = (0.01 + 0.1 * h) * random.bell();
  conditions.offset_y = (0.01 + 0.1 * h) * random.bell();
  conditions.defocus_px = std::max(0.0, random.in(0.2, 0.5 + 1.6 * h * h));
  conditions.motion_px = rare(random, 0.3 * h, 1.2, 2 + 3 * h);
  choose_optics(conditions, random, h);
  conditions.time_stamp = random.chance(0.25 * h);
  return conditions;
}

}  // namespace meterlens::face
