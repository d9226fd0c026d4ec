// Small parts and prints that plates are made of, in plate units.
#pragma once

#include <string>
#include <vector>

#include "face/canvas.h"
#include "face/drums.h"
#include "face/face.h"
#include "face/random.h"

namespace meterlens::face {

struct Palette {
  cv::Scalar plate, print, faint;
};

// `part` 0 is a, 1 is b.
cv::Scalar mixed(const cv::Scalar& a, const cv::Scalar& b, double part);
Palette palette_of(const Meter& meter, Random& random);

struct Levels {
  double low, high;
};
cv::Scalar colour_in(Random& random, Levels red, Levels green, Levels blue);  // 0 to 255
std::string digits(Random& random, int count);
std::string maker(Random& random);
template <std::size_t N>
std::string one_of(Random& random, const char* const (&choices)[N]) {
  return choices[random.below(static_cast<int>(N))];
}

void bar_code(Canvas& canvas, double x0, double y0, double x1, double y1, Random& random);
// Looks like a word in a script without a font: strokes in square cells.
void stroke_words(Canvas& canvas, double x, double y, double height, int count,
                  const cv::Scalar& colour, Random& random);
void screw(Canvas& canvas, double x, double y, double r, Random& random);
void pointer_dial(Canvas& canvas, const Meter& meter, double x, double y, double r,
                  const Palette& palette, const std::string& name, Random& random);
void star_wheel(Canvas& canvas, double x, double y, double r, const cv::Scalar& colour,
                Random& random);
// A pipe across the whole canvas, lit along its middle.
void pipe(Canvas& canvas, const cv::Scalar& metal);
// A turned ring round the middle from 101 units to `radius`: light changes across it.
void turned_ring(Canvas& canvas, const cv::Scalar& metal, double radius);
// The register with units and letters beside it; nothing with Display::none.
void draw_counter(Canvas& canvas, const Meter& meter, const Window& w, const Palette& palette,
                  const std::vector<int>& positions, Random& random);

}  // namespace meterlens::face
