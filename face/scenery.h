// What stands behind the meter.
#pragma once

#include <opencv2/core.hpp>

#include "face/face.h"
#include "face/random.h"

namespace meterlens::face {

// BGR of the whole photo.
cv::Mat background(const cv::Size& size, Scenery scenery, Random& random);

}  // namespace meterlens::face
