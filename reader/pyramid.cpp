#include "reader/pyramid.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace meterlens::reader {
namespace {

constexpr double no_colour = 128;

// To a hundredth of a pixel.
bool is_parallelogram(const Corners& c) {
  const cv::Point2f off = c[0] - c[1] + c[2] - c[3];
  return std::abs(off.x) < 0.01f && std::abs(off.y) < 0.01f;
}

cv::Mat in_bgr(const cv::Mat& y_cr_cb) {
  cv::Mat bgr;
  cv::cvtColor(y_cr_cb, bgr, y_cr_cb.channels() == 1 ? cv::COLOR_GRAY2BGR : cv::COLOR_YCrCb2BGR);
  return bgr;
}

// One picture of Y, Cb and Cr of one size, or of Y alone.
cv::Mat merged(const std::array<cv::Mat, 3>& planes) {
  if (planes[1].empty()) return planes[0];
  cv::Mat together;
  cv::merge(std::array{planes[0], planes[2], planes[1]}, together);
  return together;
}

cv::Mat drawn(const cv::Mat& from, cv::Size part, cv::Size canvas, const cv::Scalar& around) {
  cv::Mat seen(canvas, from.type(), around);
  cv::Mat place = seen(cv::Rect({0, 0}, part));
  const bool shrinks = from.cols >= part.width && from.rows >= part.height;
  cv::resize(from, place, part, 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
  return seen;
}

}  // namespace

void Pyramid::show(const Photo& photo) {
  for (std::size_t i = 0; i < 3; ++i) {
    const Plane& plane = photo.planes[i];
    Stack& stack = stacks_[i];
    stack.filled = plane.rows.empty() ? 0 : 1;
    stack.across = i == 0 ? 1 : photo.across;
    stack.down = i == 0 ? 1 : photo.down;
    // The pixels are only read; OpenCV has no Mat of constant ones.
    stack.levels[0] = plane.rows.empty() ? cv::Mat()
                                         : cv::Mat(plane.height, plane.width, CV_8UC1,
                                                   const_cast<std::uint8_t*>(plane.rows.data()),
                                                   static_cast<std::size_t>(plane.stride));
  }
}

// Two by two pixels become one; what is left over at an odd edge is dropped, so that the scale is
// exact.
const cv::Mat& Pyramid::level(Stack& stack, int index) {
  for (; stack.filled <= index; ++stack.filled) {
    const cv::Mat& finer = stack.levels[static_cast<std::size_t>(stack.filled - 1)];
    const cv::Size half(finer.cols / 2, finer.rows / 2);
    cv::resize(finer(cv::Rect(0, 0, 2 * half.width, 2 * half.height)),
               stack.levels[static_cast<std::size_t>(stack.filled)], half, 0, 0, cv::INTER_AREA);
  }
  return stack.levels[static_cast<std::size_t>(index)];
}

// The coarsest level that still has more than one, and less than two, pixels for one of the cut.
int Pyramid::level_for(const Stack& stack, double shrink) {
  shrink /= std::min(stack.across, stack.down);
  const cv::Size size = stack.levels[0].size();
  int index = 0;
  while (index + 1 < static_cast<int>(stack.levels.size()) && shrink >= 2.0 &&
         std::min(size.width, size.height) >> (index + 1) >= 1) {
    shrink /= 2;
    ++index;
  }
  return index;
}

cv::Mat Pyramid::whole(cv::Size part, cv::Size canvas) {
  const double shrink = static_cast<double>(std::max(width(), height())) /
                        static_cast<double>(std::max(part.width, part.height));
  std::array<cv::Mat, 3> seen;
  for (std::size_t i = 0; i < 3; ++i)
    if (stacks_[i].filled > 0) seen[i] = level(stacks_[i], level_for(stacks_[i], shrink));
  // Three planes at once take little more than half the time; they differ in size where the photo's
  // sides are odd, or its colours are halved one way only.
  if (seen[1].empty() || (seen[1].size() == seen[0].size() && seen[2].size() == seen[0].size()))
    return in_bgr(drawn(merged(seen), part, canvas, {0, no_colour, no_colour}));
  for (std::size_t i = 0; i < 3; ++i)
    seen[i] = drawn(seen[i], part, canvas, i == 0 ? 0 : no_colour);
  return in_bgr(merged(seen));
}

cv::Mat Pyramid::warp(Stack& stack, int index, const Quad& quad, const Corners& to, cv::Size size,
                      double border) {
  const double scale_x = 1.0 / (stack.across << index), scale_y = 1.0 / (stack.down << index);
  Corners from;
  for (std::size_t i = 0; i < 4; ++i)
    from[i] = {static_cast<float>((quad[i].x + 0.5) * scale_x - 0.5),
               static_cast<float>((quad[i].y + 0.5) * scale_y - 0.5)};
  cv::Mat seen;
  constexpr int how = cv::INTER_LINEAR | cv::WARP_INVERSE_MAP;
  const cv::Mat& plane = level(stack, index);
  // Without perspective it takes little more than half the time.
  if (is_parallelogram(from) && is_parallelogram(to))
    cv::warpAffine(plane, seen, cv::getAffineTransform(to.data(), from.data()), size, how,
                   cv::BORDER_CONSTANT, cv::Scalar(border));
  else
    cv::warpPerspective(plane, seen, cv::getPerspectiveTransform(to.data(), from.data()), size,
                        how, cv::BORDER_CONSTANT, cv::Scalar(border));
  return seen;
}

cv::Mat Pyramid::cut(const Quad& quad, const Corners& to, cv::Size size, double shrink) {
  std::array<cv::Mat, 3> seen;
  for (std::size_t i = 0; i < 3; ++i)
    if (stacks_[i].filled > 0)
      seen[i] =
          warp(stacks_[i], level_for(stacks_[i], shrink), quad, to, size, i == 0 ? 0 : no_colour);
  return in_bgr(merged(seen));
}

cv::Mat Pyramid::gray(const Quad& quad, const Corners& to, cv::Size size) {
  return warp(stacks_[0], 0, quad, to, size, 0);
}

}  // namespace meterlens::reader
