// Small upright BGR pictures cut out of a photo: every plane is halved only as far as a cut asks,
// warped by itself, and only the cut is converted to colours.
//
// Owns: the halved planes. Knows OpenCV, as nets.cpp does. Threads: one.
#pragma once

#include <array>
#include <opencv2/core.hpp>

#include "reader/jpeg.h"
#include "reader/nets.h"

namespace meterlens::reader {

// Where a quad comes to lie in a cut.
using Corners = std::array<cv::Point2f, 4>;

class Pyramid {
 public:
  // `photo` stays unchanged while it is looked at.
  void show(const Photo& photo);
  int width() const { return stacks_[0].levels[0].cols; }
  int height() const { return stacks_[0].levels[0].rows; }

  // The whole photo in `part` pixels at the top left of a black canvas. 8UC3.
  cv::Mat whole(cv::Size part, cv::Size canvas);

  // `quad` (pixels of the photo) moved onto `to`; `shrink`: pixels of the photo per pixel of the
  // cut. Black beyond the photo. 8UC3.
  cv::Mat cut(const Quad& quad, const Corners& to, cv::Size size, double shrink);

  // The same of Y alone at full size. 8UC1.
  cv::Mat gray(const Quad& quad, const Corners& to, cv::Size size);

 private:
  struct Stack {
    std::array<cv::Mat, 6> levels;  // a plane at 1, 1/2, 1/4 ...
    int filled = 0;
    int across = 1, down = 1;  // pixels of the photo per pixel of level 0
  };
  static const cv::Mat& level(Stack& stack, int index);
  static int level_for(const Stack& stack, double shrink);
  static cv::Mat warp(Stack& stack, int index, const Quad& quad, const Corners& to, cv::Size size,
                      double border);

  std::array<Stack, 3> stacks_;  // Y, Cb, Cr; Cb and Cr are empty in a gray photo
};

}  // namespace meterlens::reader
