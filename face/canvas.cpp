#include "face/canvas.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "face/glyphs.h"

namespace meterlens::face {
namespace {

constexpr int fine_bits = 4;

}  // namespace

Canvas::Canvas(double half_width, double half_height, double scale)
    : half_width_(half_width),
      half_height_(half_height),
      scale_(scale),
      pixels_(cvCeil(2 * half_height * scale), cvCeil(2 * half_width * scale), CV_8UC4,
              cv::Scalar(60, 60, 60, 0)) {}

cv::Point2d Canvas::at(double x, double y) const {
  return {(x + half_width_) * scale_, (y + half_height_) * scale_};
}

cv::Point Canvas::fine(double x, double y) const {
  const cv::Point2d p = at(x, y) * (1 << fine_bits);
  return {cvRound(p.x), cvRound(p.y)};
}

cv::Rect Canvas::box(double x0, double y0, double x1, double y1) const {
  const cv::Point2d a = at(x0, y0), b = at(x1, y1);
  const cv::Rect whole(cv::Point(cvRound(a.x), cvRound(a.y)),
                       cv::Point(cvRound(b.x), cvRound(b.y)));
  return whole & cv::Rect({}, pixels_.size());
}

void Canvas::fill(double x0, double y0, double x1, double y1, const cv::Scalar& colour,
                  double radius) {
  if (radius <= 0) return polygon({{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}, colour);
  const double r = std::min({radius, (x1 - x0) / 2, (y1 - y0) / 2});
  std::vector<cv::Point2d> outline;
  const cv::Point2d centres[4] = {
      {x1 - r, y1 - r}, {x0 + r, y1 - r}, {x0 + r, y0 + r}, {x1 - r, y0 + r}};
  for (int corner = 0; corner < 4; ++corner)
    for (int step = 0; step <= 6; ++step) {
      const double a = (corner * 90 + step * 15) * CV_PI / 180;
      outline.emplace_back(centres[corner] + cv::Point2d(r * std::cos(a), r * std::sin(a)));
    }
  polygon(outline, colour);
}

void Canvas::polygon(const std::vector<cv::Point2d>& points, const cv::Scalar& colour) {
  std::vector<cv::Point> fine_points;
  for (const cv::Point2d& p : points) fine_points.push_back(fine(p.x, p.y));
  cv::fillConvexPoly(pixels_, fine_points, colour, cv::LINE_AA, fine_bits);
}

void Canvas::disc(double x, double y, double radius, const cv::Scalar& colour) {
  cv::circle(pixels_, fine(x, y), cvRound(radius * scale_ * (1 << fine_bits)), colour, cv::FILLED,
             cv::LINE_AA, fine_bits);
}

void Canvas::ring(double x, double y, double radius, double thickness, const cv::Scalar& colour) {
  cv::circle(pixels_, fine(x, y), cvRound(radius * scale_ * (1 << fine_bits)), colour,
             std::max(1, cvRound(thickness * scale_)), cv::LINE_AA, fine_bits);
}

void Canvas::line(double x0, double y0, double x1, double y1, double thickness,
                  const cv::Scalar& colour) {
  cv::line(pixels_, fine(x0, y0), fine(x1, y1), colour, std::max(1, cvRound(thickness * scale_)),
           cv::LINE_AA, fine_bits);
}

void Canvas::text(const std::string& font_file, const std::string& text, double x, double y,
                  double height, const cv::Scalar& colour, Align align) {
  const cv::Mat mask = text_mask(font_file, text, height * scale_);
  if (mask.empty()) return;
  const cv::Point2d p = at(x, y);
  const double shift = align == Align::left ? 0 : align == Align::centre ? 0.5 : 1.0;
  // The base line lies three quarters down the mask, capitals reach up from it.
  blend(mask, cvRound(p.x - shift * mask.cols),
        cvRound(p.y + height * scale_ / 2 - 0.75 * mask.rows), colour);
}

void Canvas::blend(const cv::Mat& mask, int x, int y, const cv::Scalar& colour) {
  const cv::Rect spot = cv::Rect(x, y, mask.cols, mask.rows) & cv::Rect({}, pixels_.size());
  const int ink[3] = {cvRound(colour[0]), cvRound(colour[1]), cvRound(colour[2])};
  for (int row = spot.y; row < spot.y + spot.height; ++row) {
    const auto* cover = mask.ptr<std::uint8_t>(row - y) - x;
    auto* out = pixels_.ptr<cv::Vec4b>(row);
    for (int column = spot.x; column < spot.x + spot.width; ++column)
      for (int c = 0; c < 3; ++c) {
        const int old = out[column][c];
        out[column][c] = static_cast<std::uint8_t>(old + (ink[c] - old) * cover[column] / 255);
      }
  }
}

}  // namespace meterlens::face
