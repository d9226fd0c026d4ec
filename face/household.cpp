// Domestic water meters: a round dial with pointers, a star wheel and much print.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "face/parts.h"
#include "face/plate.h"

namespace meterlens::face {
namespace {

constexpr double pi = std::numbers::pi;

void body(Canvas& canvas, Random& random) {
  const cv::Scalar metals[] = {rgb(170, 135, 75), rgb(150, 150, 155), rgb(60, 70, 90),
                               rgb(30, 70, 160),  rgb(180, 35, 40),   grey(35),
                               grey(215),         rgb(120, 110, 90)};
  const cv::Scalar metal = metals[random.below(8)];
  const cv::Scalar ring = random.chance(0.5) ? metal : metals[random.below(8)];
  if (random.chance(0.75)) {
    pipe(canvas, metal);
    for (const double x : {-150.0, 150.0})
      canvas.fill(x - 14, -50, x + 14, 50, mixed(metal, grey(20), 0.3), 3);
  }
  if (random.chance(0.35)) {  // the lid, open, at any side
    const double a = random.in(0, 2 * pi);
    const cv::Scalar lid = metals[random.below(8)];
    canvas.disc(165 * std::cos(a), 165 * std::sin(a), 85, mixed(lid, grey(10), 0.4));
    canvas.disc(165 * std::cos(a), 165 * std::sin(a), 80, lid);
  }
  turned_ring(canvas, ring, random.in(106, 130));
  canvas.disc(0, 0, 101, grey(random.in(15, 90)));
}

// The dial's ground: white, tinted, or in two colours.
void ground(Canvas& canvas, const Palette& palette, Random& random) {
  canvas.disc(0, 0, 98, palette.plate);
  const cv::Scalar accents[] = {rgb(40, 90, 180), rgb(195, 40, 45), rgb(60, 150, 200), grey(90)};
  const cv::Scalar accent = accents[random.below(4)];
  if (random.chance(0.3)) {  // the lower or upper part has a colour of its own
    const double from = random.chance(0.7) ? 0.15 : 1.15, y = std::sin(from * pi);
    std::vector<cv::Point2d> part;
    for (int i = 0; i <= 24; ++i) {
      const double a = (from + (1 - 2 * 0.15) * i / 24.0) * pi;
      part.emplace_back(98 * std::cos(a), 98 * (i == 0 || i == 24 ? y : std::sin(a)));
    }
    canvas.polygon(part, mixed(palette.plate, accent, random.in(0.2, 1)));
  }
  if (random.chance(0.4)) {
    const double width = random.in(0.8, 4);
    canvas.ring(0, 0, random.in(88, 96), width, accent);
  }
}

// One large hand over a scale along the dial's rim.
void sweep_hand(Canvas& canvas, const Meter& meter, const Palette& palette, Random& random) {
  const int ticks = random.chance(0.5) ? 100 : 50;
  const bool numbers = random.chance(0.8), behind = random.chance(0.5);
  for (int i = 0; i < ticks; ++i) {
    const double a = 2 * pi * i / ticks - pi / 2;
    const double inner = i % (ticks / 10) == 0 ? 84 : 89;
    canvas.line(inner * std::cos(a), inner * std::sin(a), 94 * std::cos(a), 94 * std::sin(a), 0.8,
                palette.print);
  }
  for (int i = 0; numbers && i < 10; ++i)
    canvas.text(meter.print_file, std::to_string(i), 78 * std::cos(i * pi / 5 - pi / 2),
                78 * std::sin(i * pi / 5 - pi / 2), 8, palette.print);
  const double y = random.in(18, 34), a = random.in(0.05, 0.95) * pi;  // hangs clear of the window
  const double c = std::cos(a), s = std::sin(a), reach = random.in(34, 56);
  const cv::Scalar red = behind ? grey(30) : rgb(random.in(180, 230), 30, 40);
  canvas.polygon({{reach * c, y + reach * s}, {-2.2 * s, y + 2.2 * c}, {2.2 * s, y - 2.2 * c}},
                 red);
  canvas.disc(0, y, random.in(4, 9), red);
}

void dials(Canvas& canvas, const Meter& meter, const Palette& palette, Random& random) {
  static constexpr const char* names[] = {"x0,1", "x0,01", "x0,001", "x0,0001"};
  static constexpr const char* small_names[] = {"x0,0001", "x0,00001", "L", "x0.0001"};
  const double radius = random.in(11, 18), reach = random.in(54, 68);
  const double start = random.in(0, 40), span = random.in(100, 150);
  for (int i = 0; i < meter.dials; ++i) {
    const double a = (start + i * span / std::max(2, meter.dials - 1)) * pi / 180;
    const char* const name = meter.decimals > 1 ? small_names[i] : names[i];
    pointer_dial(canvas, meter, reach * std::cos(a), 10 + reach * std::sin(a) * 0.9, radius,
                 palette, name, random);
  }
}

// A toothed wheel or a three-sided one in red, black or blue.
void flow_mark(Canvas& canvas, const Palette& palette, double y, Random& random) {
  const cv::Scalar colours[] = {rgb(200, 35, 40), palette.print, rgb(40, 70, 170)};
  const cv::Scalar colour = colours[random.below(3)];
  const double x = random.in(-45, 45), r = random.in(6, 13);
  if (random.chance(0.6)) return star_wheel(canvas, x, y, r, colour, random);
  const double turn = random.in(0, 2 * pi);
  std::vector<cv::Point2d> corners;
  for (int i = 0; i < 3; ++i)
    corners.emplace_back(x + r * std::cos(turn + i * 2 * pi / 3),
                         y + r * std::sin(turn + i * 2 * pi / 3));
  canvas.polygon(corners, colour);
  canvas.disc(x, y, r * 0.25, grey(200));
}

void print(Canvas& canvas, const Meter& meter, const Window& w, const Palette& palette,
           Random& random) {
  static constexpr const char* rates[] = {"Q3 2,5 m\xC2\xB3/h", "Qn 1,5", "R80 H  R40 V",
                                          "Q3=1,6 m\xC2\xB3/h", "Qmax 3 m\xC2\xB3/h"};
  static constexpr const char* notes[] = {
      "DN15  PN16",           "T30",     "T90",      "5-90\u00b0C",
      "MAP 16  \xCE\x94P 63", "CLASS B", "IP68  TC", "2019"};
  const std::string& font = meter.print_file;
  const double size = random.in(4, 8), above = random.in(12, 22), across = random.in(-8, 8);
  canvas.text(font, maker(random), across, w.y0 - above, size, palette.print);
  if (random.chance(0.5))
    canvas.text(font, one_of(random, notes), 0, w.y0 - 32, 4.5, palette.print);
  const double y = w.y1 + random.in(9, 15);
  if (meter.serial) {
    const double high = random.in(4.5, 9), x = random.in(-20, 20);
    const std::string number = digits(random, 6 + random.below(6));
    canvas.text(font, (random.chance(0.4) ? "No " : "") + number, x, y, high, palette.faint);
  }
  for (int i = random.below(4); i > 0; --i) {
    const double high = random.in(3.5, 5), x = random.in(-50, 50);
    canvas.text(font, one_of(random, rates), x, y + 4 + i * 8, high, palette.print);
  }
  for (int i = random.below(3); i > 0; --i) {
    const double high = random.in(3.5, 6), x = random.in(-60, 60);
    canvas.text(font, one_of(random, notes), x, y + 8 + i * 9, high, palette.print);
  }
}

}  // namespace

void draw_household(Canvas& canvas, const Meter& meter, const std::vector<int>& positions,
                    Random& random) {
  const Palette palette = palette_of(meter, random);
  const Window w = window_of(meter);
  body(canvas, random);
  ground(canvas, palette, random);
  print(canvas, meter, w, palette, random);
  if (meter.dials == 0 && random.chance(0.7)) sweep_hand(canvas, meter, palette, random);
  if (meter.dials > 0) dials(canvas, meter, palette, random);
  flow_mark(canvas, palette, w.y1 + random.in(18, 32), random);
  if (meter.bar_code) bar_code(canvas, -26, 68, 26, 78, random);
  if (meter.sticker) {
    const double right = random.in(50, 70);
    canvas.fill(random.in(20, 40), 30, right, 44, grey(235));
  }
  draw_counter(canvas, meter, w, palette, positions, random);
}

}  // namespace meterlens::face
