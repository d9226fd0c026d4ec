#include "face/plate.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "face/random.h"

namespace meterlens::face {
namespace {

struct Palette {
  cv::Scalar plate, print, faint;
};

cv::Scalar mixed(const cv::Scalar& a, const cv::Scalar& b, double part) {
  cv::Scalar result = a * (1 - part) + b * part;
  result[3] = 255;
  return result;
}

Palette palette_of(const Meter& meter, Random& random) {
  const bool dark = meter.medium == Medium::gas && random.chance(0.45);
  const double level = dark ? random.in(25, 70) : random.in(170, 245);
  const cv::Scalar plate =
      rgb(level + random.in(-10, 6), level + random.in(-6, 6), level + random.in(-14, 10));
  const cv::Scalar print = dark ? grey(random.in(200, 245)) : grey(random.in(10, 60));
  return {plate, print, mixed(plate, print, random.in(0.25, 0.7))};
}

std::string digits(Random& random, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += static_cast<char>('0' + random.below(10));
  return text;
}

template <std::size_t N>
std::string one_of(Random& random, const char* const (&choices)[N]) {
  return choices[random.below(static_cast<int>(N))];
}

std::string maker(Random& random) {
  static constexpr const char* first[] = {"NORD", "RIVER", "HANSA", "TAI",   "SONG", "BLUE",
                                          "MEK",  "UNI",   "ASTRA", "DELTA", "KLAR", "PRIMA"};
  static constexpr const char* second[] = {"METER",   "FLOW",    "TECH", "WERK",
                                           "ELEKTRO", "CONTROL", "AQUA", "GROUP"};
  static constexpr const char* end[] = {"", " CO., LTD.", " GmbH", " S.A.", " INTERNATIONAL"};
  return one_of(random, first) + one_of(random, second) + one_of(random, end);
}

void bar_code(Canvas& canvas, double x0, double y0, double x1, double y1, Random& random) {
  canvas.fill(x0 - 2, y0 - 1, x1 + 2, y1 + 1, grey(235));
  const double unit = (x1 - x0) / 70.0;
  for (double x = x0; x < x1 - 4 * unit;) {
    const double bar = unit * (1 + random.below(3));
    canvas.fill(x, y0, x + bar, y1, grey(20));
    x += bar + unit * (1 + random.below(3));
  }
}

// Looks like a word in a script without a font: strokes in square cells.
void stroke_words(Canvas& canvas, double x, double y, double height, int count,
                  const cv::Scalar& colour, Random& random) {
  double left = x - count * height * 0.55;
  for (int i = 0; i < count; ++i, left += height * 1.1)
    for (int stroke = 0; stroke < 6; ++stroke) {
      const double a = left + height * random.unit(), b = y + height * (random.unit() - 0.5);
      const bool across = random.chance(0.5);
      canvas.line(a, b, across ? left + height * random.unit() : a,
                  across ? b : y + height * (random.unit() - 0.5), height * 0.09, colour);
    }
}

void screw(Canvas& canvas, double x, double y, double r, Random& random) {
  canvas.disc(x, y, r, grey(random.in(110, 170)));
  canvas.ring(x, y, r, r * 0.15, grey(70));
  const double a = random.in(0, std::numbers::pi);
  canvas.line(x - r * 0.7 * std::cos(a), y - r * 0.7 * std::sin(a), x + r * 0.7 * std::cos(a),
              y + r * 0.7 * std::sin(a), r * 0.25, grey(40));
}

void pointer_dial(Canvas& canvas, const Meter& meter, double x, double y, double r,
                  const Palette& palette, const std::string& name, Random& random) {
  canvas.ring(x, y, r, r * 0.06, palette.print);
  for (int i = 0; i < 10; ++i) {
    const double a = i * std::numbers::pi / 5 - std::numbers::pi / 2;
    canvas.line(x + r * 0.82 * std::cos(a), y + r * 0.82 * std::sin(a), x + r * std::cos(a),
                y + r * std::sin(a), r * 0.07, palette.print);
    canvas.text(meter.print_file, std::to_string(i), x + r * 0.64 * std::cos(a),
                y + r * 0.64 * std::sin(a), r * 0.24, palette.print);
  }
  const double a = random.in(0, 2 * std::numbers::pi), c = std::cos(a), s = std::sin(a);
  const cv::Scalar red = rgb(random.in(170, 225), random.in(25, 60), random.in(30, 60));
  canvas.polygon({{x + r * 0.7 * c, y + r * 0.7 * s},
                  {x - r * 0.3 * s, y + r * 0.3 * c},
                  {x + r * 0.3 * s, y - r * 0.3 * c}},
                 red);
  canvas.disc(x, y, r * 0.3, red);
  canvas.text(meter.print_file, name, x, y - r * 1.2, r * 0.26, palette.print);
}

void star_wheel(Canvas& canvas, double x, double y, double r, const cv::Scalar& colour,
                Random& random) {
  const double turn = random.in(0, 1);
  for (int i = 0; i < 6; ++i) {
    const double a = (i + turn) * std::numbers::pi / 3;
    canvas.line(x, y, x + r * std::cos(a), y + r * std::sin(a), r * 0.35, colour);
  }
  canvas.disc(x, y, r * 0.3, grey(160));
}

// Units and letters beside the window.
void label_window(Canvas& canvas, const Meter& meter, const Window& w, const Palette& palette,
                  Random& random) {
  const double high = w.y1 - w.y0, size = std::min(high * random.in(0.35, 0.6), 11.0);
  const bool electric = meter.medium == Medium::electricity;
  const std::string unit = electric ? "kWh" : "m\xC2\xB3";
  if (electric)
    canvas.text(meter.print_file, unit, w.x1 - 4, w.y0 - 7, 6, palette.print, Align::right);
  else
    canvas.text(meter.print_file, unit, w.x1 + high * 0.35, (w.y0 + w.y1) / 2, size, palette.print,
                Align::left);
  if (random.chance(0.5) && !electric)
    canvas.text(meter.print_file, random.chance(0.5) ? "V" : "H", w.x0 - high * 0.35,
                (w.y0 + w.y1) / 2, size, palette.print, Align::right);
  if (random.chance(0.35)) {
    std::string scale = "1";
    for (int i = meter.wheels - meter.decimals - 1; i >= 0; --i, scale += "0")
      canvas.text(meter.print_file, scale, w.x0 + (i + 0.5) * (w.x1 - w.x0) / meter.wheels,
                  w.y1 + 5, 2.6, palette.print);
  }
}

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
  if (random.chance(0.8))
    canvas.text(font, "MC " + digits(random, 8), 0, w.y0 - 16, random.in(4, 6.5), palette.print);
  if (meter.serial)
    canvas.text(font, (random.chance(0.5) ? "Z" : "") + digits(random, 8 + random.below(3)),
                random.in(-12, 5), w.y1 + 13, random.in(5, 9), palette.faint);
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
  if (random.chance(0.6))
    for (int i = -8; i <= 8; ++i)  // the pipe, lit along its middle
      canvas.fill(-168, i * 5 - 2.6, 168, i * 5 + 2.6,
                  mixed(metal, grey(25), 0.15 + std::abs(i + 3) * 0.07));
  const double rim = random.in(108, 128);
  for (int i = 0; i < 14; ++i)  // a turned ring: light changes across it
    canvas.disc(0, 0, rim - i * (rim - 101) / 14.0,
                mixed(metal, grey(i % 14 > 9 ? 20 : 235), 0.35 * std::abs(std::sin(i * 0.55))));
  canvas.disc(0, 0, 102, grey(random.in(15, 60)));
  canvas.disc(0, 0, 98, palette.plate);
  if (random.chance(0.3)) canvas.ring(0, 0, random.in(86, 94), 1.2, palette.print);
  water_print(canvas, meter, w, palette, random);
  label_window(canvas, meter, w, palette, random);
  draw_register(canvas, meter, w, positions, random);
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
  canvas.fill(random.in(-45, 20), slot - 1.5, random.in(22, 45), slot + 1, grey(40));
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
  for (int side = -1; side <= 1; side += 2)  // light caught by the moulded glass
    canvas.line(side * 121, -100, side * 121, random.in(0, 110), random.in(1, 4),
                grey(random.in(170, 250)));
  canvas.line(random.in(-110, -20), -131, random.in(0, 110), -131, random.in(1, 4),
              grey(random.in(170, 250)));
  canvas.fill(-99, -107, 101, 117, grey(hull * 0.4));
  canvas.fill(-100, -110, 100, 114, palette.plate, 2);
  electric_print(canvas, meter, w, palette, random);
  if (meter.screws)
    for (const double x : {w.x0 - 13, w.x1 + 13}) screw(canvas, x, (w.y0 + w.y1) / 2, 4.5, random);
  label_window(canvas, meter, w, palette, random);
  draw_register(canvas, meter, w, positions, random);
}

void draw_gas(Canvas& canvas, const Meter& meter, const std::vector<int>& positions,
              Random& random) {
  const Palette palette = palette_of(meter, random);
  const Window w = window_of(meter);
  const std::string& font = meter.print_file;
  const cv::Scalar tin = rgb(random.in(90, 200), random.in(90, 200), random.in(90, 200));
  canvas.fill(-165, -130, 165, 150, mixed(tin, grey(20), 0.4), 12);
  canvas.fill(-162, -128, 162, 146, tin, 12);
  canvas.fill(-108, -64, 108, 66, mixed(palette.plate, grey(20), 0.5), 6);
  canvas.fill(-100, -58, 100, 60, palette.plate, 3);
  canvas.text(font, maker(random), 0, -48, 7, palette.print);
  canvas.text(font, "G4   V 1.2 dm\xC2\xB3   Pmax 0.5 bar", 0, w.y0 - 9, 4.4, palette.print);
  if (meter.serial)
    canvas.text(font, "No. " + digits(random, 8), random.in(-40, 20), w.y1 + 12, 7, palette.faint);
  if (meter.bar_code) bar_code(canvas, -85, 42, -10, 54, random);
  canvas.text(font, "Qmax 6 m\xC2\xB3/h   Qmin 0.04 m\xC2\xB3/h", 45, 47, 4, palette.print);
  if (meter.screws)
    for (const double x : {-92.0, 92.0}) screw(canvas, x, -50, 4, random);
  label_window(canvas, meter, w, palette, random);
  draw_register(canvas, meter, w, positions, random);
}

// Clips what reaches beyond the plate's glass and lays its tint over it.
void draw_glass(Canvas& canvas, Random& random) {
  const double tint = random.in(0, 0.12);
  const cv::Scalar colour = rgb(random.in(120, 200), random.in(150, 220), random.in(150, 220));
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
  const double half = meter.window_width / 2;
  return {x - half, y - high / 2, x + half, y + high / 2};
}

cv::Point2d extent_of(const Meter& meter) {
  return meter.medium == Medium::water ? cv::Point2d(170, 132) : cv::Point2d(170, 170);
}

void draw_meter(Canvas& canvas, const Meter& meter, const std::vector<int>& positions) {
  Random random(meter.seed);
  switch (meter.medium) {
    case Medium::water:
      draw_water(canvas, meter, positions, random);
      break;
    case Medium::electricity:
      draw_electric(canvas, meter, positions, random);
      break;
    case Medium::gas:
      draw_gas(canvas, meter, positions, random);
      break;
  }
  draw_glass(canvas, random);
}

}  // namespace meterlens::face
