// Letters and digits as coverage masks. Owns the opened font files (one set a thread).
#pragma once

#include <opencv2/core.hpp>
#include <string>

#include "face/face.h"

namespace meterlens::face {

// One digit, 0..9, tight, `height_px` high; 8-bit coverage. A font file that cannot be used falls
// back to strokes.
cv::Mat digit_mask(const Typeface& typeface, int digit, double height_px);

// A line of UTF-8 text whose capitals are `height_px` high, 8-bit coverage, tight in width.
// Empty when the font cannot be used or the text is smaller than can be seen.
cv::Mat text_mask(const std::string& font_file, const std::string& text, double height_px);

}  // namespace meterlens::face
