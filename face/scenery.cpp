#include "face/scenery.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace meterlens::face {
namespace {

cv::Scalar wall_colour(Random& random) {
  const double level = random.chance(0.4) ? random.in(15, 70) : random.in(60, 200);
  return {level * random.in(0.75, 1.1), level * random.in(0.85, 1.1),
          level * random.in(0.85, 1.15)};
}

cv::Point point_in(const cv::Size& size, Random& random) {
  const int y = random.below(size.height);
  return {random.below(size.width), y};
}

void clutter(cv::Mat& coarse, Random& random) {
  const int pieces = 3 + random.below(14);
  for (int i = 0; i < pieces; ++i) {
    const cv::Point at = point_in(coarse.size(), random), to = point_in(coarse.size(), random);
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
cv::Mat surroundings(const cv::Size& size, Random& random) {
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

// Leaves: many small patches of green and dark.
void leaves(cv::Mat& coarse, const cv::Rect& where, Random& random) {
  if (where.empty()) return;
  const double level = random.in(0.4, 1.1);
  for (int i = where.area() / 25; i > 0; --i) {
    const cv::Point at = where.tl() + point_in(where.size(), random);
    const double tone = level * random.in(10, 130);
    const double red = random.in(0.6, 1), blue = random.in(0.4, 0.9);
    const double angle_deg = random.in(0, 180);
    const cv::Size axes{1 + random.below(5), 1 + random.below(3)};
    cv::ellipse(coarse, at, axes, angle_deg, 0, 360, cv::Scalar(tone * blue, tone, tone * red),
                cv::FILLED, cv::LINE_AA);
  }
}

// A dark pole with cables and straps before a bright sky, houses and leaves.
cv::Mat street(const cv::Size& size, Random& random) {
  const cv::Size small(size.width / 3 + 1, size.height / 3 + 1);
  cv::Mat coarse(small, CV_8UC3);
  const double sky = random.in(130, 255);
  coarse.setTo(cv::Scalar(std::min(255.0, sky * 1.06), sky, sky * 0.96));
  const int horizon = cvRound(small.height * random.in(0.05, 0.95));
  for (int i = random.below(5); i > 0; --i) {  // houses and walls
    const double level = random.in(50, 220);
    const int y = horizon - random.below(small.height / 4 + 1);
    const cv::Point at(random.below(small.width), y);
    cv::rectangle(coarse, at, at + cv::Point(small.width / 4, small.height),
                  cv::Scalar(level * 0.9, level * 0.95, level), cv::FILLED);
  }
  for (int i = 1 + random.below(3); i > 0; --i) {
    const cv::Point at = point_in(small, random);
    leaves(coarse, cv::Rect(at, cv::Size(small.width / 2, small.height)) & cv::Rect({}, small),
           random);
  }
  const int left = cvRound(small.width * random.in(0.05, 0.35));
  const int right = cvRound(small.width * random.in(0.65, 0.98));
  const double dark = random.in(12, 70);
  cv::rectangle(coarse, {left, 0}, {right, small.height}, cv::Scalar(dark * 1.1, dark, dark * 0.95),
                cv::FILLED);
  for (int i = random.below(6); i > 0; --i) {  // cables along the pole
    const int x = random.chance(0.5) ? left + random.below(12) : right - random.below(12);
    const int width = 2 + random.below(6);
    const cv::Scalar colour = wall_colour(random) * 0.5;
    cv::line(coarse, {x, 0}, {x + random.below(9) - 4, small.height}, colour, width, cv::LINE_AA);
  }
  for (int i = random.below(3); i > 0; --i) {
    const int y = random.below(small.height);
    const int width = 2 + random.below(5);
    const cv::Scalar colour = cv::Scalar::all(random.in(120, 220));
    cv::line(coarse, {left - 6, y}, {right + 6, y + random.below(7) - 3}, colour, width,
             cv::LINE_AA);
  }
  cv::GaussianBlur(coarse, coarse, {}, random.in(0.5, 2));
  cv::Mat result;
  cv::resize(coarse, result, size, 0, 0, cv::INTER_CUBIC);
  return result;
}

}  // namespace

cv::Mat background(const cv::Size& size, Scenery scenery, Random& random) {
  return scenery == Scenery::pole ? street(size, random) : surroundings(size, random);
}

}  // namespace meterlens::face
