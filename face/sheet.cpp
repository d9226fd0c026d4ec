// Printed things that are no meter: type plates, labels with bar codes, notices; or nothing.
#include <algorithm>

#include "face/parts.h"
#include "face/plate.h"

namespace meterlens::face {
namespace {

std::string words(Random& random) {
  static constexpr const char* some[] = {"SERIAL No.", "TYPE",       "DATE",    "CUSTOMER", "PHASE",
                                         "CAUTION",    "METER ROOM", "ACCOUNT", "PRESSURE", "TEL",
                                         "MADE 2017",  "UNIT",       "FLAT",    "READ ON"};
  return one_of(random, some);
}

// Digits as they stand on type plates: in a band, in boxes, spaced, or plain.
void printed_number(Canvas& canvas, const Meter& meter, double x, double y, double height,
                    const Palette& palette, Random& random) {
  const int count = 4 + random.below(8);
  const double pitch = std::min(height * random.in(0.8, 1.5), 110.0 / count);
  const double left = x - pitch * count / 2;
  const double kind = random.unit();
  const bool band = kind<0.3, boxes = kind> 0.8;
  const cv::Scalar ground = random.chance(0.8) ? grey(25) : rgb(180, 35, 40);
  if (band) canvas.fill(left - height * 0.3, y - height, left + pitch * count, y + height, ground);
  if (kind > 0.3 && kind < 0.5)
    return canvas.text(meter.print_file, digits(random, count), x, y, height, palette.print);
  for (int i = 0; i < count; ++i) {
    const double at = left + pitch * i;
    if (boxes) {
      canvas.fill(at, y - height, at + pitch * 0.92, y + height, palette.print);
      canvas.fill(at + 0.6, y - height + 0.6, at + pitch * 0.92 - 0.6, y + height - 0.6,
                  palette.plate);
    }
    canvas.text(meter.print_file, digits(random, 1), at + pitch * 0.46, y, height,
                band ? grey(225) : palette.print);
  }
}

void row(Canvas& canvas, const Meter& meter, double half, double y, double height,
         const Palette& palette, Random& random) {
  const double kind = random.unit(), x = random.in(-0.3, 0.3) * half;
  if (kind < 0.35)
    printed_number(canvas, meter, x, y, height, palette, random);
  else if (kind < 0.55) {
    const std::string number = digits(random, 3 + random.below(6));
    canvas.text(meter.print_file, words(random) + " " + number, -half * 0.9, y, height,
                palette.print, Align::left);
  } else if (kind < 0.7)
    bar_code(canvas, x - half * 0.5, y - height, x + half * 0.5, y + height, random);
  else if (kind < 0.85)
    stroke_words(canvas, x, y, height * 1.4, 3 + random.below(7), palette.print, random);
  else
    canvas.text(meter.print_file, maker(random), x, y, height, palette.print);
}

}  // namespace

void draw_sheet(Canvas& canvas, const Meter& meter, Random& random) {
  if (random.chance(0.1)) return;  // a bare wall
  Palette palette = palette_of(meter, random);
  if (random.chance(0.2)) std::swap(palette.plate, palette.print);
  const double half = random.in(60, 120), high = random.in(25, 110);
  canvas.fill(-half - 1, -high - 1, half + 1, high + 1, grey(random.in(20, 120)), 3);
  canvas.fill(-half, -high, half, high, palette.plate, random.chance(0.5) ? 3 : 0);
  if (random.chance(0.3)) canvas.fill(-half, -high, half, -high + high * 0.3, rgb(200, 60, 40));
  for (double y = -high + 8; y < high - 6;) {
    const double height = std::min(random.in(4, 15), (high - y) * 0.8);
    row(canvas, meter, half, y + height, height, palette, random);
    y += height * random.in(2.2, 3.2);
  }
  if (meter.screws)
    for (const double x : {-half + 5, half - 5}) screw(canvas, x, -high + 5, 3, random);
  if (!meter.sticker) return;
  const double x = random.in(-half, half), y = random.in(-high, high);
  const double blue = random.in(40, 235);
  canvas.fill(x - 30, y - 14, x + 30, y + 14, rgb(235, random.in(150, 235), blue));
  printed_number(canvas, meter, x, y, 7, {grey(235), grey(30), grey(80)}, random);
}

}  // namespace meterlens::face
