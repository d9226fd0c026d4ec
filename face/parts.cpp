#include "face/parts.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace meterlens::face {

cv::Scalar mixed(const cv::Scalar& a, const cv::Scalar& b, double part) {
  cv::Scalar result = a * (1 - part) + b * part;
  result[3] = 255;
  return result;
}

cv::Scalar colour_in(Random& random, Levels red, Levels green, Levels blue) {
  const double b = random.in(blue.low, blue.high), g = random.in(green.low, green.high);
  return rgb(random.in(red.low, red.high), g, b);
}

Palette palette_of(const Meter& meter, Random& random) {
  const bool dark = meter.medium == Medium::gas && random.chance(0.45);
  const double level = dark ? random.in(25, 70) : random.in(170, 245);
  const cv::Scalar plate =
      colour_in(random, {level - 10, level + 6}, {level - 6, level + 6}, {level - 14, level + 10});
  const cv::Scalar print = dark ? grey(random.in(200, 245)) : grey(random.in(10, 60));
  return {plate, print, mixed(plate, print, random.in(0.25, 0.7))};
}

std::string digits(Random& random, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += static_cast<char>('0' + random.below(10));
  return text;
}

std::string maker(Random& random) {
  static constexpr const char* first[] = {"NORD", "RIVER", "HANSA", "TAI",   "SONG", "BLUE",
                                          "MEK",  "UNI",   "ASTRA", "DELTA", "KLAR", "PRIMA"};
  static constexpr const char* second[] = {"METER",   "FLOW",    "TECH", "WERK",
                                           "ELEKTRO", "CONTROL", "AQUA", "GROUP"};
  static constexpr const char* end[] = {"", " CO., LTD.", " GmbH", " S.A.", " INTERNATIONAL"};
  const std::string kind = one_of(random, end), trade = one_of(random, second);
  return one_of(random, first) + trade + kind;
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

void stroke_words(Canvas& canvas, double x, double y, double height, int count,
                  const cv::Scalar& colour, Random& random) {
  double left = x - count * height * 0.55;
  for (int i = 0; i < count; ++i, left += height * 1.1)
    for (int stroke = 0; stroke < 6; ++stroke) {
      const double a = left + height * random.unit(), b = y + height * (random.unit() - 0.5);
      const bool across = random.chance(0.5);
      const double to = random.unit();
      canvas.line(a, b, across ? left + height * to : a, across ? b : y + height * (to - 0.5),
                  height * 0.09, colour);
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
  const cv::Scalar red = colour_in(random, {170, 225}, {25, 60}, {30, 60});
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

void pipe(Canvas& canvas, const cv::Scalar& metal) {
  for (int i = -8; i <= 8; ++i)
    canvas.fill(-168, i * 5 - 2.6, 168, i * 5 + 2.6,
                mixed(metal, grey(25), 0.15 + std::abs(i + 3) * 0.07));
}

void turned_ring(Canvas& canvas, const cv::Scalar& metal, double radius) {
  for (int i = 0; i < 14; ++i)
    canvas.disc(0, 0, radius - i * (radius - 101) / 14.0,
                mixed(metal, grey(i % 14 > 9 ? 20 : 235), 0.35 * std::abs(std::sin(i * 0.55))));
}

namespace {

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

}  // namespace

void draw_counter(Canvas& canvas, const Meter& meter, const Window& w, const Palette& palette,
                  const std::vector<int>& positions, Random& random) {
  if (meter.display == Display::none) return;
  label_window(canvas, meter, w, palette, random);
  draw_register(canvas, meter, w, positions, random);
}

}  // namespace meterlens::face
