#include "face/glyphs.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace meterlens::face {
namespace {

// Fonts opened by this thread. A file that fails stays in the map as nullptr.
class OpenFonts {
 public:
  OpenFonts() {
    if (FT_Init_FreeType(&library_) != 0) library_ = nullptr;
  }
  ~OpenFonts() {
    if (library_ != nullptr) FT_Done_FreeType(library_);  // closes the faces as well
  }
  OpenFonts(const OpenFonts&) = delete;
  OpenFonts& operator=(const OpenFonts&) = delete;

  FT_Face face(const std::string& file) {
    if (library_ == nullptr || file.empty()) return nullptr;
    const auto known = faces_.find(file);
    if (known != faces_.end()) return known->second;
    FT_Face opened = nullptr;
    if (FT_New_Face(library_, file.c_str(), 0, &opened) != 0) opened = nullptr;
    if (opened != nullptr && !FT_IS_SCALABLE(opened)) opened = nullptr;
    return faces_[file] = opened;
  }

 private:
  FT_Library library_ = nullptr;
  std::map<std::string, FT_Face> faces_;
};

FT_Face face_of(const std::string& file) {
  thread_local OpenFonts fonts;
  return fonts.face(file);
}

cv::Mat copied(const FT_Bitmap& bitmap) {
  const int rows = static_cast<int>(bitmap.rows), columns = static_cast<int>(bitmap.width);
  if (rows == 0 || columns == 0) return {};
  return cv::Mat(rows, columns, CV_8U, bitmap.buffer, static_cast<std::size_t>(bitmap.pitch))
      .clone();
}

// Height of a '0' in font units at a size of 1000 pixels, 26.6 fixed point.
double zero_height(FT_Face face) {
  if (FT_Load_Char(face, '0', FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP) != 0) return 0;
  return static_cast<double>(face->glyph->metrics.height) / 64.0;
}

cv::Mat font_digit(FT_Face face, const Typeface& typeface, int digit, double height_px) {
  FT_Set_Transform(face, nullptr, nullptr);
  FT_Set_Pixel_Sizes(face, 0, 200);
  const double at_200 = zero_height(face);
  if (at_200 <= 0) return {};
  const auto size = static_cast<FT_UInt>(std::max(4.0, std::round(200.0 * height_px / at_200)));
  FT_Set_Pixel_Sizes(face, 0, size);
  FT_Matrix wide{static_cast<FT_Fixed>(typeface.stretch * 65536.0), 0, 0, 0x10000};
  FT_Set_Transform(face, &wide, nullptr);
  const auto code = static_cast<FT_ULong>('0' + digit);
  if (FT_Load_Char(face, code, FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP) != 0) return {};
  if (typeface.weight > 0)
    FT_Outline_Embolden(&face->glyph->outline,
                        static_cast<FT_Pos>(typeface.weight * height_px * 64.0));
  if (FT_Render_Glyph(face->glyph, FT_RENDER_MODE_NORMAL) != 0) return {};
  return copied(face->glyph->bitmap);
}

using Stroke = std::vector<cv::Point2d>;

// Part of an ellipse; degrees clockwise from the right.
void arc(Stroke& stroke, double cx, double cy, double rx, double ry, double from, double to) {
  constexpr int steps = 20;
  for (int i = 0; i <= steps; ++i) {
    const double a = (from + (to - from) * i / steps) * std::numbers::pi / 180.0;
    stroke.emplace_back(cx + rx * std::cos(a), cy + ry * std::sin(a));
  }
}

std::vector<Stroke> round_strokes(int digit, bool flat_three) {
  Stroke a, b;
  switch (digit) {
    case 0:
      arc(a, 0.5, 0.5, 0.5, 0.5, 0, 360);
      return {a};
    case 2:
      arc(a, 0.5, 0.29, 0.47, 0.29, 195, 395);
      a.insert(a.end(), {{0.02, 1.0}, {1.0, 1.0}});
      return {a};
    case 3:
      if (flat_three)
        a = {{0.06, 0.0}, {0.92, 0.0}, {0.45, 0.42}};
      else
        arc(a, 0.48, 0.25, 0.44, 0.25, 205, 445);
      arc(a, 0.47, flat_three ? 0.71 : 0.74, 0.5, flat_three ? 0.29 : 0.26, 275, 520);
      return {a};
    case 5:
      a = {{0.92, 0.0}, {0.14, 0.0}, {0.07, 0.48}};
      arc(a, 0.48, 0.68, 0.5, 0.32, 220, 507);
      return {a};
    case 8:
      arc(a, 0.5, 0.25, 0.43, 0.25, 0, 360);
      arc(b, 0.5, 0.75, 0.5, 0.25, 0, 360);
      return {a, b};
    default:
      arc(a, 0.5, 0.68, 0.5, 0.32, 0, 360);  // 6, and 9 upside down
      arc(b, 0.88, 0.70, 0.88, 0.70, 180, 262);
      return {a, b};
  }
}

std::vector<Stroke> strokes_of(int digit, bool flat_three) {
  if (digit == 1) return {{{0.22, 0.2}, {0.55, 0.0}, {0.55, 1.0}}};
  if (digit == 4) return {{{0.72, 1.0}, {0.72, 0.0}, {0.0, 0.7}, {1.0, 0.7}}};
  if (digit == 7) return {{{0.0, 0.0}, {1.0, 0.0}, {0.36, 1.0}}};
  std::vector<Stroke> strokes = round_strokes(digit, flat_three);
  if (digit == 9)
    for (Stroke& stroke : strokes)
      for (cv::Point2d& p : stroke) p = {1.0 - p.x, 1.0 - p.y};
  return strokes;
}

cv::Mat stroke_digit(const Typeface& typeface, int digit, double height_px) {
  const double line = std::max(1.0, std::clamp(typeface.weight, 0.06, 0.24) * height_px);
  const double high = height_px - line, wide = 0.55 * typeface.stretch * height_px - line;
  const double shown = digit == 1 ? wide * 0.75 : wide;
  cv::Mat mask(static_cast<int>(std::ceil(height_px)) + 1,
               static_cast<int>(std::ceil(shown + line)) + 1, CV_8U, cv::Scalar(0));
  for (const Stroke& stroke : strokes_of(digit, typeface.flat_three)) {
    std::vector<cv::Point> points;
    for (const cv::Point2d& p : stroke)
      points.emplace_back(cvRound((line / 2 + p.x * shown) * 16.0),
                          cvRound((line / 2 + p.y * high) * 16.0));
    cv::polylines(mask, points, false, cv::Scalar(255), std::max(1, cvRound(line)), cv::LINE_AA, 4);
  }
  return mask;
}

std::vector<FT_ULong> code_points(const std::string& text) {
  std::vector<FT_ULong> codes;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    FT_ULong code = more == 0 ? lead : lead & (0x3FU >> more);
    for (int k = 0; k < more && i < text.size(); ++k)
      code = (code << 6) | (static_cast<unsigned char>(text[i++]) & 0x3FU);
    codes.push_back(code);
  }
  return codes;
}

void add_glyph(cv::Mat& line, const cv::Mat& glyph, int x, int y) {
  const cv::Rect spot = cv::Rect(x, y, glyph.cols, glyph.rows) & cv::Rect({}, line.size());
  if (spot.empty()) return;
  const cv::Rect from(spot.x - x, spot.y - y, spot.width, spot.height);
  cv::Mat target = line(spot);
  cv::max(target, glyph(from), target);
}

}  // namespace

cv::Mat digit_mask(const Typeface& typeface, int digit, double height_px) {
  const double height = std::max(4.0, height_px);
  if (FT_Face face = face_of(typeface.file); face != nullptr) {
    cv::Mat mask = font_digit(face, typeface, digit, height);
    if (!mask.empty()) return mask;
  }
  return stroke_digit(typeface, digit, height);
}

cv::Mat text_mask(const std::string& font_file, const std::string& text, double height_px) {
  FT_Face face = face_of(font_file);
  if (face == nullptr || height_px < 1.5 || text.empty()) return {};
  const auto size = static_cast<FT_UInt>(std::max(2.0, std::round(height_px * 1.37)));
  FT_Set_Transform(face, nullptr, nullptr);
  FT_Set_Pixel_Sizes(face, 0, size);
  const std::vector<FT_ULong> codes = code_points(text);
  const int base = static_cast<int>(size) + 1;
  cv::Mat line(base * 4 / 3 + 1, static_cast<int>(codes.size() * size) + 4, CV_8U, cv::Scalar(0));
  double pen = 1;
  for (const FT_ULong code : codes) {
    if (FT_Load_Char(face, code, FT_LOAD_NO_HINTING | FT_LOAD_RENDER) != 0) continue;
    const FT_GlyphSlot slot = face->glyph;
    if (const cv::Mat glyph = copied(slot->bitmap); !glyph.empty())
      add_glyph(line, glyph, cvRound(pen) + slot->bitmap_left, base - slot->bitmap_top);
    pen += static_cast<double>(slot->linearHoriAdvance) / 65536.0;
  }
  return line.colRange(0, std::clamp(cvRound(pen) + 1, 1, line.cols)).clone();
}

}  // namespace meterlens::face
