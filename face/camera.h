// What light and camera do to a clean picture, in the order they do it.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "face/face.h"
#include "face/random.h"

namespace meterlens::face {

// `meter_box`: the meter's place in the photo, where reflections and dirt mostly are.
void add_glass_faults(cv::Mat& photo, const Conditions& conditions, const cv::Rect& meter_box,
                      Random& random);
// `target`: what the camera looks at.
struct Target {
  cv::Rect meter, window;
};
void expose(cv::Mat& photo, const Conditions& conditions, const Target& target, Random& random);
std::vector<std::uint8_t> jpeg_of(const cv::Mat& photo, int quality);

}  // namespace meterlens::face
