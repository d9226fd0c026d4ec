#include "face/lcd.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "face/parts.h"
#include "face/plate.h"

namespace meterlens::face {
namespace {

// Segments a..g as bits 0..6; which have a tail or a hook differs by maker.
constexpr std::array<unsigned, 10> segments{0x3F, 0x06, 0x5B, 0x4F, 0x66,
                                            0x6D, 0x7D, 0x07, 0x7F, 0x6F};

// How one display draws its digits; lengths in heights of a digit.
struct Segments {
  double width, thickness, gap, taper, slant;
  bool tailless, hooked_seven;
  double lit, ghost;  // darkness 0..1 of segments that are on and off
};

Segments segments_of(Random& random) {
  Segments look{};
  look.width = random.in(0.42, 0.56);
  look.thickness = random.in(0.09, 0.16);
  look.gap = random.in(0.01, 0.03);
  look.taper = random.chance(0.75) ? random.in(0.3, 0.55) : 0.08;
  look.slant = random.chance(0.55) ? random.in(0.05, 0.16) : 0;
  look.tailless = random.chance(0.12);
  look.hooked_seven = random.chance(0.2);
  look.lit = random.in(0.45, 1);
  look.ghost = random.chance(0.6) ? random.in(0.01, 0.13) : 0;
  return look;
}

unsigned segments_on(const Segments& look, int digit) {
  if (digit == 6 && look.tailless) return 0x7C;
  if (digit == 9 && look.tailless) return 0x67;
  if (digit == 7 && look.hooked_seven) return 0x27;
  return segments[static_cast<std::size_t>(digit)];
}

// Coverage of the digits, 8 bits, over a box of the canvas.
class Mask {
 public:
  Mask(const Canvas& canvas, const cv::Rect& box)
      : box_(box), scale_(canvas.scale()), origin_(canvas.at(0, 0)), mask_(box.size(), CV_8U) {
    mask_.setTo(0);
  }
  void polygon(const std::vector<cv::Point2d>& units, double darkness) {
    std::vector<cv::Point> fine;
    for (const cv::Point2d& p : units) {
      const cv::Point2d at = origin_ + p * scale_ - cv::Point2d(box_.tl());
      fine.emplace_back(cvRound(at.x * 16), cvRound(at.y * 16));
    }
    cv::fillConvexPoly(mask_, fine, cv::Scalar(255 * std::clamp(darkness, 0.0, 1.0)), cv::LINE_AA,
                       4);
  }
  cv::Mat& mask() { return mask_; }
  const cv::Rect& box() const { return box_; }

 private:
  cv::Rect box_;
  double scale_;
  cv::Point2d origin_;
  cv::Mat mask_;
};

// Where one digit stands, in plate units: the left upper corner of its upright box.
struct Cell {
  double x, y, height;
};

cv::Point2d in_cell(const Segments& look, const Cell& cell, double u, double v) {
  return {cell.x + cell.height * (u + look.slant * (0.5 - v)), cell.y + cell.height * v};
}

// From p to q, in digit heights, with tapered ends.
void segment(Mask& ink, const Segments& look, const Cell& cell, cv::Point2d p, cv::Point2d q,
             double darkness) {
  const cv::Point2d d = (q - p) / cv::norm(q - p), n(-d.y, d.x);
  p += d * look.gap;
  q -= d * look.gap;
  const cv::Point2d half = n * (look.thickness / 2), end = d * (look.thickness * look.taper);
  std::vector<cv::Point2d> outline;
  for (const cv::Point2d& corner :
       {p, p + end + half, q - end + half, q, q - end - half, p + end - half})
    outline.push_back(in_cell(look, cell, corner.x, corner.y));
  ink.polygon(outline, darkness);
}

void digit(Mask& ink, const Segments& look, const Cell& cell, unsigned on) {
  const double t = look.thickness / 2, w = look.width;
  const cv::Point2d nodes[] = {{t, t},         {w - t, t}, {w - t, 0.5},
                               {w - t, 1 - t}, {t, 1 - t}, {t, 0.5}};
  static constexpr int ends[7][2] = {{0, 1}, {1, 2}, {2, 3}, {4, 3}, {5, 4}, {0, 5}, {5, 2}};
  for (unsigned i = 0; i < 7; ++i) {
    const bool lit = (on >> i & 1U) != 0;
    if (!lit && look.ghost <= 0) continue;
    segment(ink, look, cell, nodes[ends[i][0]], nodes[ends[i][1]], lit ? look.lit : look.ghost);
  }
}

void point(Mask& ink, const Segments& look, const Cell& cell, double u, double darkness) {
  const double r = look.thickness * 0.55;
  std::vector<cv::Point2d> outline;
  for (int i = 0; i < 8; ++i) {
    const double a = i * std::numbers::pi / 4;
    outline.push_back(in_cell(look, cell, u + r * std::cos(a), 1 - r + r * std::sin(a)));
  }
  ink.polygon(outline, darkness);
}

void number(Mask& ink, const Segments& look, const Meter& meter, const Window& w,
            const std::vector<int>& positions) {
  const double pitch = (w.x1 - w.x0) / meter.wheels;
  Cell cell{0, 0, (w.y1 - w.y0) * meter.digit_height};
  cell.height = std::min(cell.height, pitch * 0.86 / look.width);
  cell.y = (w.y0 + w.y1 - cell.height) / 2;
  const int hidden = hidden_digits(meter, positions);
  for (int i = 0; i < meter.wheels; ++i) {
    cell.x = w.x0 + i * pitch + (pitch - look.width * cell.height) / 2;
    const int shown = positions[static_cast<std::size_t>(i)] / 10;
    digit(ink, look, cell, i < hidden ? 0U : segments_on(look, shown));
    if (i + 1 == meter.wheels) break;
    const bool here = i + 1 == meter.wheels - meter.decimals;
    const double u = pitch / cell.height / 2 + look.width / 2;  // middle of the gap
    if (here || look.ghost > 0) point(ink, look, cell, u, here ? look.lit : look.ghost);
  }
}

// Signs round the digits: units, tariffs, phases, arrows, a small code.
void signs(Canvas& canvas, const Meter& meter, const Window& w, const cv::Scalar& colour,
           const Segments& look, Random& random) {
  static constexpr const char* marks[] = {"T1", "L1 L2 L3", "1.8.0", "TOTAL",
                                          "P+", "RUN",      "15.8.0"};
  const double high = w.y1 - w.y0, small = high * random.in(0.16, 0.26);
  const bool electric = meter.medium == Medium::electricity;
  canvas.text(meter.print_file, electric ? "kWh" : "m\xC2\xB3", w.x1 + high * 0.12,
              random.chance(0.5) ? w.y0 + small : w.y1 - small, small * 1.2, colour, Align::left);
  if (random.chance(0.7))
    canvas.text(meter.print_file, one_of(random, marks), w.x0, w.y0 - small * 0.9, small, colour,
                Align::left);
  if (random.chance(0.4))
    canvas.text(meter.print_file, one_of(random, marks), w.x1, w.y1 + small * 0.9, small, colour,
                Align::right);
  for (int i = random.below(4); i > 0; --i) {
    const double x = random.in(w.x0, w.x1), y = w.y1 + small;
    canvas.polygon({{x, y - small * 0.4},
                    {x + small * 0.4, y + small * 0.3},
                    {x - small * 0.4, y + small * 0.3}},
                   colour);
  }
  if (!random.chance(0.3)) return;
  Mask ink(canvas, canvas.box(w.x0 - high * 1.2, w.y0, w.x0, w.y1));
  Cell cell{w.x0 - high * 0.95, w.y0 + high * 0.45, high * 0.4};  // the code of what is shown
  for (int i = 0; i < 3; ++i, cell.x += cell.height * 0.75)
    digit(ink, look, cell, segments_on(look, random.below(10)));
  canvas.blend(ink.mask(), ink.box().x, ink.box().y, colour);
}

struct Ground {
  cv::Scalar ground, ink;
};

Ground ground_of(Random& random) {
  const double level = random.in(0.75, 1.1), kind = random.unit();
  const auto tone = [&](double r, double g, double b) {
    return rgb(std::min(255.0, r * level), std::min(255.0, g * level), std::min(255.0, b * level));
  };
  const cv::Scalar dark = colour_in(random, {15, 50}, {20, 55}, {20, 55});
  if (kind < 0.4) return {tone(170, 182, 150), dark};   // reflecting, greenish
  if (kind < 0.65) return {tone(190, 195, 190), dark};  // reflecting, grey
  if (kind < 0.78) return {tone(150, 220, 70), dark};   // lit green
  if (kind < 0.84) return {tone(235, 170, 60), dark};   // lit amber
  if (kind < 0.92) return {tone(90, 150, 235), rgb(15, 20, 60)};
  return {rgb(15, 25, random.in(60, 130)), tone(200, 225, 240)};  // light on dark
}

// The ground with light from one side, as a backlight or a shaded cover makes it.
void lay_ground(Canvas& canvas, const Window& g, const cv::Scalar& colour, Random& random) {
  canvas.fill(g.x0 - 2.5, g.y0 - 2.5, g.x1 + 2.5, g.y1 + 2.5, grey(random.in(15, 120)), 2);
  const cv::Rect box = canvas.box(g.x0, g.y0, g.x1, g.y1);
  const double across = random.in(-0.3, 0.3), down = random.in(-0.25, 0.25);
  const double shade = (g.y1 - g.y0) * canvas.scale() * random.in(0.02, 0.12);
  for (int y = 0; y < box.height; ++y)
    for (int x = 0; x < box.width; ++x) {
      double gain =
          1 + across * (2.0 * x / box.width - 1) / 2 + down * (2.0 * y / box.height - 1) / 2;
      gain *= 1 - 0.5 * std::exp(-y / std::max(1.0, shade));
      auto& p = canvas.pixels().at<cv::Vec4b>(box.y + y, box.x + x);
      for (int c = 0; c < 3; ++c) p[c] = cv::saturate_cast<std::uint8_t>(colour[c] * gain);
      p[3] = 255;
    }
}

// Segments are paler where the display is seen from a flat angle.
void fade_across(cv::Mat& mask, double amount) {
  for (int x = 0; x < mask.cols; ++x)
    mask.col(x) *= 1 - std::abs(amount) * (amount > 0 ? x : mask.cols - x) / mask.cols;
}

}  // namespace

int hidden_digits(const Meter& meter, const std::vector<int>& positions) {
  if (meter.leading_zeros) return 0;
  int hidden = 0;
  while (hidden < meter.wheels - meter.decimals - 1 &&
         positions[static_cast<std::size_t>(hidden)] / 10 == 0)
    ++hidden;
  return hidden;
}

void draw_lcd(Canvas& canvas, const Meter& meter, const Window& window,
              const std::vector<int>& positions, Random& random) {
  const double high = window.y1 - window.y0;
  const Segments look = segments_of(random);
  const Ground ground = ground_of(random);
  const Window glass{window.x0 - high * random.in(0.3, 1.1), window.y0 - high * random.in(0.2, 0.6),
                     window.x1 + high * random.in(0.7, 1.1),
                     window.y1 + high * random.in(0.2, 0.6)};
  lay_ground(canvas, glass, ground.ground, random);
  signs(canvas, meter, window, mixed(ground.ground, ground.ink, look.lit * 0.9), look, random);
  const double room = (window.x1 - window.x0) / meter.wheels / 2;  // slanted digits lean out
  Mask ink(canvas, canvas.box(window.x0 - room, window.y0, window.x1 + room, window.y1));
  number(ink, look, meter, window, positions);
  fade_across(ink.mask(), random.chance(0.3) ? random.in(-0.6, 0.6) : 0);
  const cv::Rect& box = ink.box();
  if (random.chance(0.6)) {  // the segments' shadow on the reflector behind them
    const cv::Mat shadow = ink.mask() * random.in(0.1, 0.3);
    const double off = high * canvas.scale() * random.in(0.01, 0.04);
    canvas.blend(shadow, box.x + cvRound(off), box.y + cvRound(off), ground.ink);
  }
  canvas.blend(ink.mask(), box.x, box.y, ground.ink);
}

void draw_lcd_meter(Canvas& canvas, const Meter& meter, const std::vector<int>& positions,
                    Random& random) {
  const Palette palette = palette_of(meter, random);
  const Window w = window_of(meter);
  const double hull = random.in(60, 235);
  if (meter.medium == Medium::water) {
    const cv::Scalar rings[] = {rgb(30, 70, 150), grey(40), grey(190), rgb(160, 125, 70)};
    const cv::Scalar ring = rings[random.below(4)];
    if (random.chance(0.5)) pipe(canvas, ring);
    turned_ring(canvas, ring, random.in(106, 124));
    canvas.disc(0, 0, 100, random.chance(0.5) ? grey(hull) : palette.plate);
  } else {
    canvas.fill(-126, -140, 126, 150, grey(hull * 0.6), 12);
    canvas.fill(-122, -137, 122, 146, grey(hull), 11);
    canvas.fill(-102, -112, 102, 116, random.chance(0.4) ? grey(random.in(25, 60)) : palette.plate,
                4);
  }
  const std::string& font = meter.print_file;
  const bool on_dark = canvas.pixels().at<cv::Vec4b>(canvas.at(0, 40))[1] < 110;
  const cv::Scalar print = on_dark ? grey(225) : palette.print;
  const double maker_size = random.in(5, 8);
  canvas.text(font, maker(random), 0, w.y0 - 30, maker_size, print);
  canvas.text(font, meter.medium == Medium::water ? "Q3 2,5  R160  IP68" : "230V 5(60)A 50Hz Cl.1",
              0, w.y1 + 26, 5, print);
  const double number_size = random.in(4, 8), x = random.in(-15, 15);
  canvas.text(font, digits(random, 8 + random.below(4)), x, w.y1 + 38, number_size, print);
  if (meter.bar_code) bar_code(canvas, -42, w.y1 + 46, 42, w.y1 + 58, random);
  if (random.chance(0.6)) canvas.disc(64, w.y1 + 32, random.in(3, 8), rgb(70, 110, 190));
  if (random.chance(0.5)) canvas.disc(-64, w.y1 + 32, 2, rgb(220, 30, 40));
  draw_lcd(canvas, meter, w, positions, random);
}

}  // namespace meterlens::face
