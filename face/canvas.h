// The plate's drawing surface: BGRA pixels addressed in plate units (the plate is 200 wide, its
// centre is 0,0, y grows downward). Where alpha stays 0 the background shows.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace meterlens::face {

enum class Align { left, centre, right };

class Canvas {
 public:
  // Covers +-half_width, +-half_height units; `scale`: pixels a unit.
  Canvas(double half_width, double half_height, double scale);

  double scale() const { return scale_; }
  cv::Mat& pixels() { return pixels_; }
  // Plate units to pixels of this canvas.
  cv::Point2d at(double x, double y) const;
  // The pixels of a box in units, cut to the canvas.
  cv::Rect box(double x0, double y0, double x1, double y1) const;

  void fill(double x0, double y0, double x1, double y1, const cv::Scalar& colour,
            double radius = 0);
  void polygon(const std::vector<cv::Point2d>& points, const cv::Scalar& colour);
  void disc(double x, double y, double radius, const cv::Scalar& colour);
  void ring(double x, double y, double radius, double thickness, const cv::Scalar& colour);
  void line(double x0, double y0, double x1, double y1, double thickness, const cv::Scalar& colour);
  // `y` is the middle of the capitals.
  void text(const std::string& font_file, const std::string& text, double x, double y,
            double height, const cv::Scalar& colour, Align align = Align::centre);
  // Blends `colour` by an 8-bit mask laid with its top left corner at pixel x, y.
  void blend(const cv::Mat& mask, int x, int y, const cv::Scalar& colour);

 private:
  cv::Point fine(double x, double y) const;
  double half_width_, half_height_, scale_;
  cv::Mat pixels_;
};

// Blue, green, red of 0..255, opaque.
inline cv::Scalar rgb(double r, double g, double b) { return {b, g, r, 255}; }
inline cv::Scalar grey(double level) { return {level, level, level, 255}; }

}  // namespace meterlens::face
