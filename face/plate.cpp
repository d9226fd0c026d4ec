#include "face/plate.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "face/parts.h"
#include "face/random.h"

namespace meterlens::face {
namespace {

void water_dials(Canvas& canvas, const Meter& meter, const Palette& palette, Random& random) {
  static constexpr const char* names[] = {"x0.1", "x0.01", "x0.001", "x0.0001"};
  const double radius = random.in(13, 17), reach = random.in(60, 68);
  for (int i = 0; i < meter.dials; ++i) {
    const double a = (5 + i * 160.0 / std::max(3, meter.dials - 1)) * std::numbers::pi / 180;
    pointer_dial(canvas, meter, reach * std::cos(a), 8 + reach * std::sin(a) * 0.95, radius,
                 palette, names[i], random);
  }
}

void water_print(Canvas& canvas, const Meter& meter, const Window& w, const Palette& palette,
                 Random& random) {
  const std::string& font = meter.print_file;
  if (random.chance(0.5))
    stroke_words(canvas, 0, w.y0 - 30, 7, 4 + random.below(5), palette.print, random);
  else
    canvas.text(font, maker(random), 0, w.y0 - 30, 5.5, palette.print);
  if (random.chance(0.8)) {
    const double size = random.in(4, 6.5);
    canvas.text(font, "MC " + digits(random, 8), 0, w.y0 - 16, size, palette.print);
  }
  if (meter.serial) {
    const double size = random.in(5, 9), x = random.in(-12, 5);
    const std::string number = digits(random, 8 + random.below(3));
    canvas.text(font, (random.chance(0.5) ? "Z" : "") + number, x, w.y1 + 13, size, palette.faint);
  }
  canvas.text(font, "Q3=2.5m\xC2\xB3/h", -88, w.y1 + 22, 4.4, palette.print, Align::left);
  canvas.text(font, "Q3/Q1=100", -86, w.y1 + 31, 4.4, palette.print, Align::left);
  star_wheel(canvas, -34, w.y1 + 35, random.in(8, 12), palette.print, random);
  water_dials(canvas, meter, palette, random);
  if (meter.bar_code) bar_code(canvas, -30, 62, 30, 74, random);
  if (meter.sticker) {
    const double x = random.in(-5, 15), y = random.in(34, 46), r = random.in(18, 26);
    canvas.disc(x, y, r, grey(random.in(225, 250)));
    const cv::Scalar ink = rgb(210, 140 + random.in(-50, 40), 60);
    stroke_words(canvas, x, y - r * 0.25, r * 0.36, 4, ink, random);
    canvas.text(font, digits(random, 6), x, y + r * 0.3, r * 0.28, ink);
  }
}

void draw_water(Canvas& canvas, const Meter& meter, const std::vector<int>& positions,
                Random& random) {
  const Palette palette = palette_of(meter, random);
  const Window w = window_of(meter);
  const cv::Scalar metals[] = {rgb(165, 130, 75), grey(150), rgb(60, 75, 105),
                               rgb(120, 115, 95), grey(60),  rgb(40, 70, 120)};
  const cv::Scalar metal = metals[random.below(6)];
  if (random.chance(0.6)) pipe(canvas, metal);
  turned_ring(canvas, metal, random.in(108, 128));
  canvas.disc(0, 0, 102, grey(random.in(15, 60)));
  canvas.disc(0, 0, 98, palette.plate);
  if (random.chance(0.3)) canvas.ring(0, 0, random.in(86, 94), 1.2, palette.print);
  water_print(canvas, meter, w, palette, random);
  draw_counter(canvas, meter, w, palette, positions, random);
}

void electric_print(Canvas& canvas, const Meter& meter, const Window& w, const Palette& palette,
                    Random& random) {
  static constexpr const char* kinds[] = {"WATTHOUR METER", "SINGLE PHASE 2 WIRE", "kWh METER",
                                          "WECHSELSTROMZAEHLER"};
  static constexpr const char* lines[] = {"TYPE DD862  220V  50Hz", "5(15)A  1200 rev/kWh",
                                          "CLASS 2.0   1-PHASE", "IEC 521   DATE 2014",
                                          "230V 10(40)A 480 r/kWh"};
  const std::string& font = meter.print_file;
  if (meter.serial) {
    const bool band = random.chance(0.5);
    if (band) canvas.fill(-50, -104, 60, -92, grey(25));
    canvas.text(font, digits(random, 7 + random.below(3)), 5, -98, 8,
                band ? grey(225) : palette.print);
  }
  canvas.text(font, maker(random), 0, w.y0 - 15, 5.5, palette.print);
  const double slot = w.y1 + random.in(14, 24);
  canvas.fill(-52, slot - 7, 52, slot + 7, grey(random.in(15, 50)));
  canvas.fill(-48, slot - 1.5, 48, slot + 1, grey(random.in(130, 190)));
  const double slot_end = random.in(22, 45);
  canvas.fill(random.in(-45, 20), slot - 1.5, slot_end, slot + 1, grey(40));
  canvas.text(font, one_of(random, kinds), 0, slot + 16, 7, palette.print);
  for (int i = 0; i < 3; ++i)
    canvas.text(font, one_of(random, lines), 0, slot + 27 + i * 8, 4.4, palette.print);
  if (random.chance(0.5)) canvas.ring(70, slot, 6, 1.2, palette.print);
  if (meter.bar_code) {
    bar_code(canvas, -40, 62, 45, 76, random);
    canvas.text(font, digits(random, 8), 0, 83, 5, palette.print);
  }
  canvas.text(font, "SUPPLIED BY " + maker(random), 0, 96, 4.5, palette.print);
  if (random.chance(0.2)) canvas.fill(-96, 70, 96, 112, rgb(215, 130, 40));
}

void draw_electric(Canvas& canvas, const Meter& meter, const std::vector<int>& positions,
                   Random& random) {
  const Palette palette = palette_of(meter, random);
  const Window w = window_of(meter);
  const double hull = random.in(45, 150);
  if (random.chance(0.7))
    canvas.polygon({{-75, 130}, {75, 130}, {55, 166}, {-55, 166}}, grey(random.in(150, 220)));
  canvas.fill(-128, -138, 128, 142, grey(hull * 0.55), 30);
  canvas.fill(-124, -134, 124, 138, grey(hull), 28);
  canvas.fill(-118, -128, 118, 132, grey(hull * 0.75), 24);
  for (int side = -1; side <= 1; side += 2) {  // light caught by the moulded glass
    const double level = random.in(170, 250), width = random.in(1, 4);
    canvas.line(side * 121, -100, side * 121, random.in(0, 110), width, grey(level));
  }
  const double level = random.in(170, 250), width = random.in(1, 4), right = random.in(0, 110);
  canvas.line(random.in(-110, -20), -131, right, -131, width, grey(level));
  canvas.fill(-99, -107, 101, 117, grey(hull * 0.4));
  canvas.fill(-100, -110, 100, 114, palette.plate, 2);
  electric_print(canvas, meter, w, palette, random);
  if (meter.screws)
    for (const double x : {w.x0 - 13, w.x1 + 13}) screw(canvas, x, (w.y0 + w.y1) / 2, 4.5, random);
  draw_counter(canvas, meter, w, palette, positions, random);
}

void draw_gas(Canvas& canvas, const Meter& meter, const std::vector<int>& positions,
              Random& random) {
  const Palette palette = palette_of(meter, random);
  const Window w = window_of(meter);
  const std::string& font = meter.print_file;
  const cv::Scalar tin = colour_in(random, {90, 200}, {90, 200}, {90, 200});
  canvas.fill(-165, -130, 165, 150, mixed(tin, grey(20), 0.4), 12);
  canvas.fill(-162, -128, 162, 146, tin, 12);
  canvas.fill(-108, -64, 108, 66, mixed(palette.plate, grey(20), 0.5), 6);
  canvas.fill(-100, -58, 100, 60, palette.plate, 3);
  canvas.text(font, maker(random), 0, -48, 7, palette.print);
  canvas.text(font, "G4   V 1.2 dm\xC2\xB3   Pmax 0.5 bar", 0, w.y0 - 9, 4.4, palette.print);
  if (meter.serial) {
    const double x = random.in(-40, 20);
    canvas.text(font, "No. " + digits(random, 8), x, w.y1 + 12, 7, palette.faint);
  }
  if (meter.bar_code) bar_code(canvas, -85, 42, -10, 54, random);
  canvas.text(font, "Qmax 6 m\xC2\xB3/h   Qmin 0.04 m\xC2\xB3/h", 45, 47, 4, palette.print);
  if (meter.screws)
    for (const double x : {-92.0, 92.0}) screw(canvas, x, -50, 4, random);
  draw_counter(canvas, meter, w, palette, positions, random);
}

// Clips what reaches beyond the plate's glass and lays its tint over it.
void draw_glass(Canvas& canvas, Random& random) {
  const double tint = random.in(0, 0.12);
  const cv::Scalar colour = colour_in(random, {120, 200}, {150, 220}, {150, 220});
  cv::Mat& pixels = canvas.pixels();
  for (int y = 0; y < pixels.rows; ++y)
    for (auto *p = pixels.ptr<cv::Vec4b>(y), *end = p + pixels.cols; p != end; ++p)
      for (int c = 0; c < 3; ++c)
        (*p)[c] = cv::saturate_cast<std::uint8_t>((*p)[c] + (colour[c] - (*p)[c]) * tint);
}

}  // namespace

Window window_of(const Meter& meter) {
  Random random(meter.seed ^ 0x57494E44);
  const double pitch = meter.window_width / meter.wheels;
  const double high = std::clamp(pitch * meter.window_aspect, 9.0, 34.0);
  double x = random.in(-4, 4), y = random.in(-8, 4);
  if (meter.medium == Medium::water) y = random.in(-38, -28);
  if (meter.medium == Medium::electricity) y = random.in(-58, -42);
  if (meter.plate == Plate::household) y = random.in(-46, -14);
  const double half = meter.window_width / 2;
  return {x - half, y - high / 2, x + half, y + high / 2};
}

cv::Point2d extent_of(const Meter& meter) {
  const bool low = meter.medium == Medium::water && meter.plate == Plate::usual;
  return low ? cv::Point2d(170, 132) : cv::Point2d(170, 170);
}

void draw_meter(Canvas& canvas, const Meter& meter, const std::vector<int>& positions) {
  Random random(meter.seed);
  if (meter.display == Display::lcd)
    draw_lcd_meter(canvas, meter, positions, random);
  else if (meter.plate == Plate::sheet)
    draw_sheet(canvas, meter, random);
  else if (meter.plate == Plate::household)
    draw_household(canvas, meter, positions, random);
  else if (meter.medium == Medium::water)
    draw_water(canvas, meter, positions, random);
  else if (meter.medium == Medium::electricity)
    draw_electric(canvas, meter, positions, random);
  else
    draw_gas(canvas, meter, positions, random);
  draw_glass(canvas, random);
}

}  // namespace meterlens::face
