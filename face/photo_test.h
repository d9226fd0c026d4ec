// What the tests of drawn photos share.
#pragma once

#include <turbojpeg.h>

#include <cstdlib>
#include <memory>

#include "face/face.h"

namespace meterlens::face {

struct Decoded {
  int width = 0, height = 0;
  std::vector<std::uint8_t> gray;
};

inline Decoded decoded(const Picture& picture) {
  const std::unique_ptr<void, int (*)(tjhandle)> coder(tjInitDecompress(), tjDestroy);
  Decoded result;
  int sampling = 0, space = 0;
  const auto bytes = static_cast<unsigned long>(picture.jpeg.size());
  if (tjDecompressHeader3(coder.get(), picture.jpeg.data(), bytes, &result.width, &result.height,
                          &sampling, &space) != 0)
    return {};
  result.gray.resize(static_cast<std::size_t>(result.width) *
                     static_cast<std::size_t>(result.height));
  if (tjDecompress2(coder.get(), picture.jpeg.data(), bytes, result.gray.data(), result.width, 0,
                    result.height, TJPF_GRAY, TJFLAG_STOPONWARNING) != 0)
    return {};
  return result;
}

inline Conditions calm() {
  Conditions conditions = conditions_from_seed(3, 0);
  conditions.angle_deg = conditions.tilt_x_deg = conditions.tilt_y_deg = 0;
  return conditions;
}

// Mean difference of two photos inside a box, grey levels.
inline double difference(const Decoded& a, const Decoded& b, const Point& from, const Point& to) {
  double sum = 0;
  int count = 0;
  for (int y = static_cast<int>(from.y); y < static_cast<int>(to.y); ++y)
    for (int x = static_cast<int>(from.x); x < static_cast<int>(to.x); ++x, ++count) {
      const auto i = static_cast<std::size_t>(y) * static_cast<std::size_t>(a.width) +
                     static_cast<std::size_t>(x);
      sum += std::abs(a.gray[i] - b.gray[i]);
    }
  return count > 0 ? sum / count : 0;
}

}  // namespace meterlens::face
