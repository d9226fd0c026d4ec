#include "server/photo/picture.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "reader/jpeg.h"

namespace meterlens::photo {
namespace {

// A step of more gray levels is a natural edge as likely as a seam.
constexpr double step_max = 48;
constexpr int edge = 8;  // pixels between two edges of coded blocks

// How much the step from `before` to `after` an edge differs from the slopes on its two sides;
// `stride` leads across the edge.
double step_at(const std::uint8_t* after, std::ptrdiff_t stride) {
  const double far_before = after[-2 * stride], before = after[-stride];
  const double here = after[0], far_after = after[stride];
  return here - before - ((before - far_before) + (far_after - here)) / 2;
}

double edge_step(const std::uint8_t* after, std::ptrdiff_t across, std::ptrdiff_t along) {
  double sum = 0;
  for (int i = 0; i < edge; ++i) sum += step_at(after + i * along, across);
  return std::min(step_max, std::abs(sum) / edge);
}

// Over the block edges of the rows [from, to).
double seams(const Picture& picture, int from, int to) {
  const int width = picture.width;
  const auto at = [&](int x, int y) {
    return picture.gray.data() + static_cast<std::ptrdiff_t>(y) * width + x;
  };
  from = std::max(from / edge * edge, edge);
  to = std::min(to, picture.height);
  double sum = 0;
  for (int y = from; y < to && y + 1 < picture.height; y += edge)
    for (int x = 0; x + edge <= width; x += edge) sum += edge_step(at(x, y), width, 1);
  for (int y = from; y + edge <= to; y += edge)
    for (int x = edge; x + 1 < width; x += edge) sum += edge_step(at(x, y), 1, width);
  return sum;
}

}  // namespace

std::expected<Picture, std::string> decode(protocol::Bytes jpeg, const Shape& shape) {
  if (auto whole = reader::check_whole(std::as_bytes(jpeg)); !whole)
    return std::unexpected(std::move(whole.error().text));
  constexpr int full_size = std::numeric_limits<int>::max();
  const auto decoded = reader::decode(std::as_bytes(jpeg), full_size);
  if (!decoded) return std::unexpected(decoded.error().text);
  const reader::Picture& shown = decoded->picture;
  Picture picture{shown.width, shown.height, static_cast<int>(shape.unit_height), {}};
  picture.gray.resize(shown.bgr.size() / 3);
  // Green is nearly what the eye sees as brightness.
  for (std::size_t i = 0; i < picture.gray.size(); ++i) picture.gray[i] = shown.bgr[3 * i + 1];
  return picture;
}

double compare_seams(const Picture& a, const Picture& b) {
  if (a.width != b.width || a.height != b.height) return 1;
  const auto differ = std::mismatch(a.gray.begin(), a.gray.end(), b.gray.begin());
  if (differ.first == a.gray.end()) return 1;
  const auto row = static_cast<int>((differ.first - a.gray.begin()) / a.width);
  const int from = row / a.unit_height * a.unit_height - a.unit_height;
  // The unit rows above, with and below the first difference: the joints of two pieces of 1 KiB.
  const int to = from + 4 * a.unit_height;
  return (seams(a, from, to) + 1) / (seams(b, from, to) + 1);
}

}  // namespace meterlens::photo
