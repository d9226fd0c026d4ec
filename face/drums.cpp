#include "face/drums.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "face/glyphs.h"

namespace meterlens::face {
namespace {

struct Paint {
  cv::Scalar drum, ink;
};

Paint paint_of(Ink ink, double tone) {
  switch (ink) {
    case Ink::black_on_white: return {grey(205 + 45 * tone), grey(18 + 25 * tone)};
    case Ink::white_on_black: return {grey(22 + 30 * tone), grey(205 + 40 * tone)};
    case Ink::red_on_white:
      return {grey(205 + 45 * tone), rgb(190 + 30 * tone, 25 + 25 * tone, 30)};
    default: return {rgb(150 + 60 * tone, 22 + 25 * tone, 28 + 15 * tone), grey(220 + 25 * tone)};
  }
}

// What all drums of one register share.
struct Look {
  double opening_px;     // height of the opening
  double step_px;        // distance of two digits along the drum's surface
  double parallax;       // digits; the camera looks a little from above or below
  double light_angle;    // radians on the drum where it is brightest
  double curve;          // how much of the light falls off with the drum's curve, 0..1
  double rim_shadow_px;  // depth of the shadow under the opening's upper edge
  double mark_share;     // width of the gear marks against the drum's
  double fade;           // how far the ink has faded towards the drum's colour, 0..1
  double edge_light;     // of this drum, 0..1
  bool edge_left;
};

// The drum's left or right edge stands out of the row and catches the light.
void catch_light(Canvas& surface, const Look& look, double step) {
  const double half = surface.pixels().cols / 2.0, wide = half * (0.06 + 0.08 * look.edge_light);
  const double x0 = look.edge_left ? -half : half - wide;
  surface.fill(x0, -2 * step, x0 + wide, 2 * step, grey(90 + 140 * look.edge_light));
}

// The surface of a drum unrolled: the four digits round its position, one step high each, the first
// one standing for floor(position) - 1.
cv::Mat unrolled(const Meter& meter, const Look& look, const Paint& paint, int first_digit,
                 int width, bool graduated, double digit_x) {
  const int step = std::max(4, cvRound(look.step_px));
  Canvas surface(width / 2.0, step * 2.0, 1.0);
  surface.pixels().setTo(paint.drum);
  for (int row = 0; row < 4; ++row) {
    const int digit = (first_digit + row + 10) % 10;
    cv::Mat mask = digit_mask(meter.digits, digit, look.step_px / meter.drum_step);
    const double room = width * (graduated ? 0.66 : 0.9);
    if (mask.cols > room)
      cv::resize(mask, mask, {std::max(2, cvRound(room)), mask.rows}, 0, 0, cv::INTER_AREA);
    const double centre = graduated ? width * 0.40 : width * (0.5 + digit_x);
    const int place = meter.rolls_down ? 3 - row : row;
    surface.blend(mask, cvRound(centre - mask.cols / 2.0), place * step + (step - mask.rows) / 2,
                  paint.ink);
  }
  const double x1 = width / 2.0, top = -2.0 * step;
  if (meter.gear_marks && !graduated)
    for (int mark = 0; mark < 12; ++mark)
      surface.fill(x1 - width * look.mark_share, top + (mark + 0.25) * step / 3.0, x1,
                   top + (mark + 0.8) * step / 3.0, paint.ink);
  if (graduated)
    for (int tick = 0; tick < 40; ++tick) {
      const double y = top + (tick + 5) % 40 * step / 10.0;
      const double length = width * (tick % 10 == 0 ? 0.26 : tick % 5 == 0 ? 0.2 : 0.13);
      surface.line(x1 - length, y, x1, y, step / 45.0, paint.ink);
    }
  if (look.edge_light > 0) catch_light(surface, look, step);
  return surface.pixels();
}

// Light of a drum's row: round, a gloss streak, and the shadow of the opening's edges.
double light_at(const Meter& meter, const Look& look, double angle, double from_top_px) {
  const double off = angle - look.light_angle;
  double light = 1.0 - look.curve * (1.0 - std::cos(1.9 * off));
  light += meter.gloss * 0.5 * std::exp(-off * off * 90.0);
  const double under = from_top_px / look.rim_shadow_px;
  const double over = (look.opening_px - from_top_px) / (look.rim_shadow_px * 0.5);
  light *= 1.0 - 0.6 * std::exp(-under) - 0.3 * std::exp(-over);
  light *= 1.0 + meter.top_light * (0.3 - 1.1 * from_top_px / look.opening_px);
  return std::max(0.05, light);
}

void shade_row(cv::Vec4b* out, const cv::Vec4b* above, const cv::Vec4b* below, double part,
               double light, int width) {
  const int keep = cvRound((1.0 - part) * 256), take = 256 - keep;
  const int gain = cvRound(light * 256);
  for (int x = 0; x < width; ++x) {
    const int edge = std::min(x, width - 1 - x);
    const int side = edge == 0 ? 150 : edge == 1 ? 225 : 256;
    for (int c = 0; c < 3; ++c) {
      const int mixed = (above[x][c] * keep + below[x][c] * take) >> 8;
      out[x][c] = cv::saturate_cast<std::uint8_t>((((mixed * gain) >> 8) * side) >> 8);
    }
    out[x][3] = 255;
  }
}

// Rolls a drum's surface round its axis and shows the part that stands in `spot`.
void roll(Canvas& canvas, const Meter& meter, const Look& look, const cv::Mat& surface,
          const cv::Rect& spot, double fraction) {
  const double radius = look.step_px * 10.0 / (2.0 * std::numbers::pi);
  const double step = surface.rows / 4.0;
  // The row of the surface that stands at the middle of the opening.
  const double middle = meter.rolls_down ? 2.5 - fraction : 1.5 + fraction;
  for (int y = 0; y < spot.height; ++y) {
    const double from_middle = y + 0.5 - spot.height / 2.0;
    const double angle = std::asin(std::clamp(from_middle / radius, -0.98, 0.98));
    const double digits = angle * 10.0 / (2.0 * std::numbers::pi) + look.parallax;
    const double row = std::clamp((middle + digits) * step - 0.5, 0.0, surface.rows - 1.001);
    const int above = static_cast<int>(row);
    shade_row(canvas.pixels().ptr<cv::Vec4b>(spot.y + y) + spot.x, surface.ptr<cv::Vec4b>(above),
              surface.ptr<cv::Vec4b>(above + 1), row - above, light_at(meter, look, angle, y + 0.5),
              std::min(spot.width, surface.cols));
  }
}

int split_wheels(const Meter& meter) {  // wheels in the right opening of a split register
  return meter.opening == Opening::split ? std::max(1, meter.decimals) : 0;
}

void draw_openings(Canvas& canvas, const Meter& meter, const Window& w, Random& random) {
  const double pitch = (w.x1 - w.x0) / meter.wheels, high = w.y1 - w.y0;
  const cv::Scalar well = grey(random.in(8, 40));
  if (meter.opening == Opening::framed) {
    const double rim = high * random.in(0.12, 0.3);
    const bool light = random.chance(0.2);
    const cv::Scalar frame = grey(light ? random.in(150, 210) : random.in(10, 45));
    canvas.fill(w.x0 - rim * 1.3, w.y0 - rim, w.x1 + rim * 1.3, w.y1 + rim, frame,
                high * random.in(0.05, 0.3));
  } else if (random.chance(0.6)) {
    const double edge = high * random.in(0.02, 0.06);
    canvas.fill(w.x0 - edge, w.y0 - edge, w.x1 + edge, w.y1 + edge, grey(random.in(20, 140)), edge);
  }
  if (const int right = split_wheels(meter); right > 0) {
    const double x = w.x1 - right * pitch, edge = high * random.in(0.04, 0.12);
    const bool red = meter.decimals > 0 && random.chance(0.75);
    canvas.fill(x, w.y0 - edge, w.x1 + edge, w.y1 + edge,
                red ? rgb(170 + random.in(0, 50), 30, 35) : grey(random.in(10, 60)), edge);
  }
  const double frame_between = meter.opening == Opening::cells ? pitch * meter.gap : 0;
  if (frame_between > 0)
    for (int i = 0; i < meter.wheels; ++i)
      canvas.fill(w.x0 + i * pitch + frame_between * 0.2, w.y0,
                  w.x0 + (i + 1) * pitch - frame_between * 0.2, w.y1, well, pitch * 0.05);
  else
    canvas.fill(w.x0, w.y0, w.x1, w.y1, well);
}

Look look_of(const Canvas& canvas, const Meter& meter, const Window& window, Random& random) {
  Look look{};
  look.opening_px = (window.y1 - window.y0) * canvas.scale();
  look.step_px = look.opening_px * meter.digit_height * meter.drum_step;
  look.parallax = 0.04 * random.bell();
  look.light_angle = random.in(-0.25, 0.15);
  look.curve = random.in(0.25, 1.0);
  look.rim_shadow_px = std::max(1.0, look.opening_px * random.in(0.04, 0.13));
  look.mark_share = random.in(0.06, 0.13);
  look.fade = random.chance(0.35) ? random.in(0, 0.6) : 0;
  return look;
}

// What is printed or moulded at the last wheel.
void draw_marks(Canvas& canvas, const Meter& meter, const Window& w) {
  const double pitch = (w.x1 - w.x0) / meter.wheels, high = w.y1 - w.y0;
  const double x = w.x1 - std::max(1, split_wheels(meter)) * pitch, y = (w.y0 + w.y1) / 2;
  const cv::Scalar white = grey(215);
  if (meter.divider) {
    canvas.line(x, w.y0, x, w.y1, pitch * 0.05, white);
    canvas.disc(x, w.y1 - high * 0.08, pitch * 0.14, white);
    canvas.disc(x, w.y1 - high * 0.08, pitch * 0.06, grey(30));
  }
  if (meter.pointer) canvas.line(w.x1 - pitch * 0.12, y, w.x1 + pitch * 0.3, y, high * 0.05, white);
}

}  // namespace

void draw_register(Canvas& canvas, const Meter& meter, const Window& window,
                   const std::vector<int>& positions, Random& random) {
  draw_openings(canvas, meter, window, random);
  Look look = look_of(canvas, meter, window, random);
  const double pitch = (window.x1 - window.x0) / meter.wheels, tone = random.unit();
  const double right_gap = split_wheels(meter) > 0 ? pitch * random.in(0.06, 0.2) : 0;
  for (int i = 0; i < meter.wheels; ++i) {
    const bool decimal = i >= meter.wheels - meter.decimals;
    const bool last = i == meter.wheels - 1;
    const bool parted = i == meter.wheels - split_wheels(meter);
    const double x0 = window.x0 + i * pitch + (parted ? right_gap : 0);
    const double inset = pitch * meter.gap / 2;
    const cv::Rect spot =
        canvas.box(x0 + inset, window.y0, window.x0 + (i + 1) * pitch - inset, window.y1);
    const double slip = std::clamp(meter.slack * random.bell(), -0.09, 0.09);
    const double digit_x = meter.gear_marks ? -0.03 + 0.015 * random.bell() : 0.02 * random.bell();
    if (spot.width < 3 || spot.height < 3) continue;
    const double position = positions[static_cast<std::size_t>(i)] / 10.0 + slip;
    const int first = static_cast<int>(std::floor(position)) - 1;
    Paint paint = paint_of(decimal ? meter.decimal_ink : meter.ink,
                           std::clamp(tone + 0.08 * random.bell(), 0.0, 1.0));
    paint.ink += (paint.drum - paint.ink) * look.fade;
    if (meter.edge_light > 0) {
      look.edge_light = random.chance(0.55) ? meter.edge_light * random.in(0.3, 1) : 0;
      look.edge_left = random.chance(0.5);
    }
    const cv::Mat surface =
        unrolled(meter, look, paint, first, spot.width, last && meter.graduated, digit_x);
    roll(canvas, meter, look, surface, spot, position - std::floor(position));
  }
  draw_marks(canvas, meter, window);
}

}  // namespace meterlens::face
