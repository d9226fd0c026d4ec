// A meter placed in front of a background and photographed.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <stdexcept>

#include "face/camera.h"
#include "face/canvas.h"
#include "face/face.h"
#include "face/lcd.h"
#include "face/plate.h"
#include "face/scenery.h"

namespace meterlens::face {
namespace {

constexpr double radians(double degrees) { return degrees * std::numbers::pi / 180.0; }

// Plate units to photo pixels: the plate turned in its plane, tilted, and seen by a pinhole camera.
struct Framing {
  double c, s, cx, sx, cy, sy;  // cosines and sines of angle, tilt x, tilt y
  double distance, focal, x, y;

  cv::Point2d project(double u, double v) const {
    const double a = c * u - s * v, b = s * u + c * v;  // turned in its plane
    const double depth = distance + a * sx + b * sy * cx;
    return {x + focal * a * cx / depth, y + focal * (b * cy - a * sx * sy) / depth};
  }
};

std::array<cv::Point2d, 4> corners_of(const Framing& framing, const Window& w) {
  return {framing.project(w.x0, w.y0), framing.project(w.x1, w.y0), framing.project(w.x1, w.y1),
          framing.project(w.x0, w.y1)};
}

Framing wished(const Conditions& conditions) {
  const double smaller = std::min(conditions.width, conditions.height);
  Framing framing{};
  framing.c = std::cos(radians(conditions.angle_deg));
  framing.s = std::sin(radians(conditions.angle_deg));
  framing.cx = std::cos(radians(conditions.tilt_x_deg));
  framing.sx = std::sin(radians(conditions.tilt_x_deg));
  framing.cy = std::cos(radians(conditions.tilt_y_deg));
  framing.sy = std::sin(radians(conditions.tilt_y_deg));
  framing.focal = 1.3 * smaller;
  framing.distance = framing.focal * 200.0 / (std::max(0.05, conditions.size) * smaller);
  framing.x = conditions.width * (0.5 + conditions.offset_x);
  framing.y = conditions.height * (0.5 + conditions.offset_y);
  return framing;
}

cv::Rect2d bounds_of(const std::array<cv::Point2d, 4>& corners) {
  const auto [left, right] = std::ranges::minmax(corners, {}, &cv::Point2d::x);
  const auto [top, bottom] = std::ranges::minmax(corners, {}, &cv::Point2d::y);
  return {left.x, top.y, right.x - left.x, bottom.y - top.y};
}

// Steps back and shifts until the whole window stands in the picture, with a little air.
Framing framing_of(const Conditions& conditions, const Window& window) {
  Framing framing = wished(conditions);
  const double air_x = conditions.width * 0.02, air_y = conditions.height * 0.02;
  cv::Rect2d box = bounds_of(corners_of(framing, window));
  const double too_big = std::max(box.width / (conditions.width - 2 * air_x),
                                  box.height / (conditions.height - 2 * air_y));
  if (too_big > 0.98) framing.distance *= too_big / 0.9;
  box = bounds_of(corners_of(framing, window));
  framing.x += std::max(0.0, air_x - box.x) - std::max(0.0, box.br().x + air_x - conditions.width);
  framing.y += std::max(0.0, air_y - box.y) - std::max(0.0, box.br().y + air_y - conditions.height);
  return framing;
}

// Lays the warped meter over the photo and darkens what its shadow falls on.
void lay_over(cv::Mat& photo, const cv::Mat& meter) {
  for (int y = 0; y < photo.rows; ++y) {
    const auto* over = meter.ptr<cv::Vec4b>(y);
    const auto* shade = meter.ptr<cv::Vec4b>(std::max(0, y - photo.rows / 60));
    auto* out = photo.ptr<cv::Vec3b>(y);
    const int lag = photo.cols / 90;
    for (int x = 0; x < photo.cols; ++x) {
      const int alpha = over[x][3];
      const int dark = 255 - shade[std::max(0, x - lag)][3] * 110 / 255;
      for (int c = 0; c < 3; ++c) {
        const int behind = out[x][c] * dark / 255;
        out[x][c] = static_cast<std::uint8_t>((behind * (255 - alpha) + over[x][c] * alpha) / 255);
      }
    }
  }
}

// Photo pixels one plate unit takes round the window, the most anywhere.
double pixels_a_unit(const Framing& framing, const Window& w) {
  const auto q = corners_of(framing, w);
  return std::max({cv::norm(q[1] - q[0]) / (w.x1 - w.x0), cv::norm(q[2] - q[3]) / (w.x1 - w.x0),
                   cv::norm(q[3] - q[0]) / (w.y1 - w.y0), cv::norm(q[2] - q[1]) / (w.y1 - w.y0)});
}

void lay_meter(cv::Mat& photo, const Meter& meter, const std::vector<int>& positions,
               const Framing& framing, const Window& window) {
  const cv::Point2d half = extent_of(meter);
  const double scale = std::clamp(pixels_a_unit(framing, window) * 1.25, 0.5, 9.0);
  Canvas canvas(half.x, half.y, scale);
  draw_meter(canvas, meter, positions);
  const cv::Point2d units[4] = {{-100, -80}, {100, -80}, {100, 80}, {-100, 80}};
  cv::Point2f from[4], to[4];
  for (int i = 0; i < 4; ++i) {
    from[i] = canvas.at(units[i].x, units[i].y) - cv::Point2d(0.5, 0.5);
    to[i] = framing.project(units[i].x, units[i].y) - cv::Point2d(0.5, 0.5);
  }
  cv::Mat warped;
  cv::warpPerspective(canvas.pixels(), warped, cv::getPerspectiveTransform(from, to), photo.size(),
                      cv::INTER_LINEAR, cv::BORDER_CONSTANT);
  lay_over(photo, warped);
}

// The pixels that a part of the plate takes; the whole photo where it takes none.
cv::Rect pixels_of(const Framing& framing, const Window& part, const cv::Size& size) {
  const cv::Rect cut = cv::Rect(bounds_of(corners_of(framing, part))) & cv::Rect({}, size);
  return cut.empty() ? cv::Rect({}, size) : cut;
}

void require(bool condition, const char* what) {
  if (!condition) throw std::invalid_argument(what);
}

// An LCD shows whole digits only, and of its leading zeros none left of the units where it
// suppresses them.
void truth_of_lcd(Truth& truth, const Meter& meter, Window& window) {
  for (int& position : truth.positions) position = position / 10 * 10;
  const auto hidden = hidden_digits(meter, truth.positions);
  truth.positions.erase(truth.positions.begin(), truth.positions.begin() + hidden);
  truth.digits.clear();
  for (const int position : truth.positions) truth.digits += static_cast<char>('0' + position / 10);
  truth.accepted = {truth.digits};
  window.x0 += hidden * (window.x1 - window.x0) / meter.wheels;
}

Truth truth_of(const Subject& subject, const Framing& framing) {
  const Meter& meter = subject.meter;
  Truth truth;
  truth.display = meter.display;
  if (meter.display == Display::none) return truth;
  truth.positions = positions_of(subject.value, meter.wheels);
  truth.accepted = accepted_of(subject.value, meter.wheels);
  truth.digits = truth.accepted.front();
  truth.red = meter.decimals;
  Window window = window_of(meter);
  if (meter.display == Display::lcd) truth_of_lcd(truth, meter, window);
  const auto corners = corners_of(framing, window);
  for (std::size_t i = 0; i < 4; ++i) truth.quad[i] = {corners[i].x, corners[i].y};
  return truth;
}

struct Placed {
  const Subject& subject;
  Framing framing;
};

Picture photographed(const std::vector<Placed>& meters, const Conditions& conditions) {
  const cv::Size size(conditions.width, conditions.height);
  Picture picture;
  picture.width = size.width;
  picture.height = size.height;
  Random random(conditions.seed ^ 0x5343454E45);
  cv::Mat photo = background(size, conditions.scenery, random);
  Target target;
  for (const auto& [subject, framing] : meters) {
    const Window window = window_of(subject.meter), plate{-100, -100, 100, 100};
    lay_meter(photo, subject.meter, positions_of(subject.value, subject.meter.wheels), framing,
              window);
    target.meter |= pixels_of(framing, plate, size);
    target.window |= pixels_of(framing, window, size);
  }
  picture.truth = truth_of(meters.front().subject, meters.front().framing);
  if (meters.size() > 1) picture.second = truth_of(meters.back().subject, meters.back().framing);
  add_glass_faults(photo, conditions, target.meter, random);
  expose(photo, conditions, target, random);
  picture.jpeg = jpeg_of(photo, conditions.jpeg_quality);
  return picture;
}

void check(const Subject& subject, const Conditions& conditions) {
  const Meter& meter = subject.meter;
  require(meter.wheels >= 4 && meter.wheels <= 9, "a meter has 4 to 9 wheels");
  require(meter.decimals >= 0 && meter.decimals < meter.wheels, "too many decimals");
  require(meter.plate != Plate::sheet || meter.display == Display::none, "a sheet has no counter");
  require(conditions.width >= 64 && conditions.height >= 64, "a photo is at least 64 pixels wide");
  require(conditions.width <= 8192 && conditions.height <= 8192, "a photo is at most 8192 wide");
}

}  // namespace

Picture render(const Meter& meter, std::int64_t value, const Conditions& conditions) {
  const Subject subject{meter, value};
  check(subject, conditions);
  return photographed({{subject, framing_of(conditions, window_of(meter))}}, conditions);
}

Picture render_two(const Subject& first, const Subject& second, const Conditions& conditions) {
  const bool wide = conditions.width >= conditions.height;
  Conditions half = conditions;
  (wide ? half.width : half.height) /= 2;
  half.size = std::min(conditions.size, 0.62);
  std::vector<Placed> meters;
  for (const Subject* subject : {&first, &second}) {
    check(*subject, half);
    meters.push_back({*subject, framing_of(half, window_of(subject->meter))});
  }
  (wide ? meters[1].framing.x : meters[1].framing.y) += wide ? half.width : half.height;
  return photographed(meters, conditions);
}

}  // namespace meterlens::face
