// A meter placed in front of a background and photographed.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <stdexcept>

#include "face/camera.h"
#include "face/canvas.h"
#include "face/face.h"
#include "face/plate.h"

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

cv::Scalar wall_colour(Random& random) {
  const double level = random.chance(0.4) ? random.in(15, 70) : random.in(60, 200);
  return {level * random.in(0.75, 1.1), level * random.in(0.85, 1.1),
          level * random.in(0.85, 1.15)};
}

void clutter(cv::Mat& coarse, Random& random) {
  const int pieces = 3 + random.below(14);
  for (int i = 0; i < pieces; ++i) {
    const cv::Point at(random.below(coarse.cols), random.below(coarse.rows));
    const cv::Point to(random.below(coarse.cols), random.below(coarse.rows));
    const cv::Scalar colour = wall_colour(random);
    const int size = 1 + random.below(std::max(2, coarse.rows / 5));
    if (random.chance(0.35))
      cv::line(coarse, at, to, colour, std::min(size, 25), cv::LINE_AA);
    else if (random.chance(0.5))
      cv::rectangle(coarse, at, at + cv::Point(size * 2, size), colour, cv::FILLED);
    else
      cv::ellipse(coarse, at, {size, 1 + size / 2}, random.in(0, 180), 0, 360, colour, cv::FILLED,
                  cv::LINE_AA);
  }
}

// Wall, pipes, leaves, whatever stands behind: soft shapes and a rough surface.
cv::Mat background(const cv::Size& size, Random& random) {
  cv::Mat coarse(size.height / 3 + 1, size.width / 3 + 1, CV_8UC3, wall_colour(random));
  clutter(coarse, random);
  if (random.chance(0.5)) cv::GaussianBlur(coarse, coarse, {}, random.in(0.6, 4));
  const int rough = random.below(28) + 1;
  cv::Mat surface(coarse.rows / 2 + 1, coarse.cols / 2 + 1, CV_8UC3);
  for (int y = 0; y < surface.rows; ++y)
    for (int x = 0; x < surface.cols; ++x) {
      const std::uint64_t bits = random.next();
      for (int c = 0; c < 3; ++c)
        surface.at<cv::Vec3b>(y, x)[c] = static_cast<std::uint8_t>(
            ((bits & 63) + ((bits >> (8 * c + 8)) & 31)) * static_cast<unsigned>(rough) / 64);
    }
  cv::resize(surface, surface, coarse.size(), 0, 0, cv::INTER_LINEAR);
  coarse += surface;
  coarse -= cv::Scalar::all(rough * 0.7);
  cv::Mat result;
  cv::resize(coarse, result, size, 0, 0, cv::INTER_CUBIC);
  return result;
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

cv::Mat warped_meter(const Meter& meter, const std::vector<int>& positions, const Framing& framing,
                     const Window& window, const cv::Size& size) {
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
  cv::Mat result;
  cv::warpPerspective(canvas.pixels(), result, cv::getPerspectiveTransform(from, to), size,
                      cv::INTER_LINEAR, cv::BORDER_CONSTANT);
  return result;
}

cv::Rect meter_box_of(const Framing& framing, const cv::Size& size) {
  const Window plate{-100, -100, 100, 100};
  const cv::Rect2d box = bounds_of(corners_of(framing, plate));
  const cv::Rect cut = cv::Rect(box) & cv::Rect({}, size);
  return cut.empty() ? cv::Rect({}, size) : cut;
}

void require(bool condition, const char* what) {
  if (!condition) throw std::invalid_argument(what);
}

}  // namespace

Picture render(const Meter& meter, std::int64_t value, const Conditions& conditions) {
  require(meter.wheels >= 4 && meter.wheels <= 9, "a meter has 4 to 9 wheels");
  require(meter.decimals >= 0 && meter.decimals < meter.wheels, "too many decimals");
  require(conditions.width >= 64 && conditions.height >= 64, "a photo is at least 64 pixels wide");
  require(conditions.width <= 8192 && conditions.height <= 8192, "a photo is at most 8192 wide");
  const cv::Size size(conditions.width, conditions.height);
  const Window window = window_of(meter);
  const Framing framing = framing_of(conditions, window);

  Picture picture;
  picture.width = size.width;
  picture.height = size.height;
  picture.truth.positions = positions_of(value, meter.wheels);
  picture.truth.accepted = accepted_of(value, meter.wheels);
  picture.truth.digits = picture.truth.accepted.front();
  picture.truth.red = meter.decimals;
  const auto corners = corners_of(framing, window);
  for (std::size_t i = 0; i < 4; ++i) picture.truth.quad[i] = {corners[i].x, corners[i].y};

  Random random(conditions.seed ^ 0x5343454E45);
  cv::Mat photo = background(size, random);
  lay_over(photo, warped_meter(meter, picture.truth.positions, framing, window, size));
  const cv::Rect meter_box = meter_box_of(framing, size);
  add_glass_faults(photo, conditions, meter_box, random);
  expose(photo, conditions, meter_box, random);
  picture.jpeg = jpeg_of(photo, conditions.jpeg_quality);
  return picture;
}

}  // namespace meterlens::face
