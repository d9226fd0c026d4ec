#include "reader/crop.h"

#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>

#include "reader/jpeg.h"

namespace meterlens::reader {
namespace {

constexpr int crop_quality = 90;
constexpr int all_pixels = std::numeric_limits<int>::max();
constexpr int strip_width = 384, strip_height = 72;
constexpr float window_left = 48, window_right = 336, window_top = 16, window_bottom = 56;
constexpr double shrink_least = 1.6;  // above, pixels are averaged first, so that nothing aliases

cv::Mat mat_of(Picture& picture) {
  return {picture.height, picture.width, CV_8UC3, picture.bgr.data()};
}

std::vector<std::byte> encoded(const cv::Mat& mat) {
  Picture picture{mat.cols, mat.rows, {}};
  picture.bgr.assign(mat.datastart, mat.dataend);
  return encode(picture, crop_quality);
}

}  // namespace

std::expected<std::vector<std::byte>, Error> strip_of(std::span<const std::byte> jpeg,
                                                      const std::array<Point, 4>& window) {
  auto decoded = decode(jpeg, all_pixels);
  if (!decoded) return std::unexpected(decoded.error());
  cv::Mat photo = mat_of(decoded->picture);
  const double width = std::hypot(window[1].x - window[0].x, window[1].y - window[0].y);
  double shrink = width / static_cast<double>(window_right - window_left);
  if (shrink > shrink_least) {
    cv::Mat smaller;
    cv::resize(photo, smaller, {}, 1 / shrink, 1 / shrink, cv::INTER_AREA);
    photo = smaller;
  } else {
    shrink = 1;
  }
  std::array<cv::Point2f, 4> from;
  for (std::size_t i = 0; i < from.size(); ++i)
    from[i] = cv::Point2d(window[i].x / shrink, window[i].y / shrink);
  const std::array<cv::Point2f, 4> to{
      cv::Point2f(window_left, window_top), cv::Point2f(window_right, window_top),
      cv::Point2f(window_right, window_bottom), cv::Point2f(window_left, window_bottom)};
  cv::Mat strip;
  cv::warpPerspective(photo, strip, cv::getPerspectiveTransform(from.data(), to.data()),
                      {strip_width, strip_height}, cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  return encoded(strip);
}

std::expected<std::vector<std::byte>, Error> mirror_of(std::span<const std::byte> jpeg) {
  auto decoded = decode(jpeg, all_pixels);
  if (!decoded) return std::unexpected(decoded.error());
  cv::Mat mirrored;
  cv::flip(mat_of(decoded->picture), mirrored, 1);
  return encoded(mirrored);
}

}  // namespace meterlens::reader
