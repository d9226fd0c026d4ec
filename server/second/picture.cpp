#include "server/second/picture.h"

#include <algorithm>
#include <cmath>
#include <climits>

#include "protocol/base64.h"
#include "reader/jpeg.h"
#include "server/second/web.h"

namespace meterlens::second {
namespace {

constexpr double margin_part = 0.6;     // of the window's height, on each side
constexpr double height_px_least = 48;  // a smaller window is drawn larger
constexpr int whole_side_px = 2048;     // a reduced photo's longer side is at least that
constexpr std::array qualities{95, 85, 70, 50, 30};

double distance(const reader::Point& a, const reader::Point& b) {
  return std::hypot(a.x - b.x, a.y - b.y);
}

double area_of(const Window& window) {
  double twice = 0;
  for (std::size_t i = 0; i < window.size(); ++i) {
    const auto& a = window[i];
    const auto& b = window[(i + 1) % window.size()];
    twice += a.x * b.y - b.x * a.y;
  }
  return std::abs(twice) / 2;
}

bool is_usable(const Window& window) {
  const bool finite = std::ranges::all_of(window, [](const reader::Point& point) {
    return std::abs(point.x) < 1e5 && std::abs(point.y) < 1e5;
  });
  return finite && area_of(window) >= 64 && distance(window[0], window[1]) >= 4 &&
         distance(window[0], window[3]) >= 4;
}

// A window is nearly a parallelogram: between its corners the way is straight.
reader::Point inside(const Window& window, double u, double v) {
  const double a = (1 - u) * (1 - v), b = u * (1 - v), c = u * v, d = (1 - u) * v;
  return {a * window[0].x + b * window[1].x + c * window[2].x + d * window[3].x,
          a * window[0].y + b * window[1].y + c * window[2].y + d * window[3].y};
}

// The nearest pixel of the photo beyond its edges too.
void sample(const reader::Picture& from, const reader::Point& at, std::uint8_t* to) {
  const double x = std::clamp(at.x - 0.5, 0.0, static_cast<double>(from.width - 1));
  const double y = std::clamp(at.y - 0.5, 0.0, static_cast<double>(from.height - 1));
  const int x0 = static_cast<int>(x), y0 = static_cast<int>(y);
  const int x1 = std::min(x0 + 1, from.width - 1), y1 = std::min(y0 + 1, from.height - 1);
  const double fx = x - x0, fy = y - y0;
  const auto pixel = [&](int px, int py, int channel) {
    return static_cast<double>(
        from.bgr[(static_cast<std::size_t>(py) * static_cast<std::size_t>(from.width) +
                  static_cast<std::size_t>(px)) * 3 + static_cast<std::size_t>(channel)]);
  };
  for (int channel = 0; channel < 3; ++channel) {
    const double above = (1 - fx) * pixel(x0, y0, channel) + fx * pixel(x1, y0, channel);
    const double below = (1 - fx) * pixel(x0, y1, channel) + fx * pixel(x1, y1, channel);
    to[channel] = static_cast<std::uint8_t>((1 - fy) * above + fy * below + 0.5);
  }
}

struct Cut {
  reader::Picture picture;
  Box window;
};

Cut cut(const reader::Picture& photo, const Window& window) {
  double width = std::max(distance(window[0], window[1]), distance(window[3], window[2]));
  double height = std::max(distance(window[0], window[3]), distance(window[1], window[2]));
  double scale = std::max(1.0, height_px_least / height);
  scale = std::min(scale, (side_px_max - 2) /
                              (std::max(width, height) + 2 * margin_part * height));
  width *= scale;
  height *= scale;
  const double margin = margin_part * height;
  Cut out;
  out.picture.width = std::max(side_px_min, static_cast<int>(width + 2 * margin));
  out.picture.height = std::max(side_px_min, static_cast<int>(height + 2 * margin));
  out.window = {margin, margin, width, height};
  out.picture.bgr.resize(static_cast<std::size_t>(out.picture.width) *
                         static_cast<std::size_t>(out.picture.height) * 3);
  std::uint8_t* to = out.picture.bgr.data();
  for (int y = 0; y < out.picture.height; ++y) {
    for (int x = 0; x < out.picture.width; ++x, to += 3) {
      sample(photo, inside(window, (x + 0.5 - margin) / width, (y + 0.5 - margin) / height), to);
    }
  }
  return out;
}

std::string field_of(std::span<const std::byte> jpeg) {
  std::string text(protocol::base64_chars(jpeg.size()), '\0');
  protocol::base64_encode({reinterpret_cast<const std::uint8_t*>(jpeg.data()), jpeg.size()}, text);
  return url_encoded(text);
}

std::expected<std::string, std::string> encoded(const reader::Picture& picture) {
  if (std::min(picture.width, picture.height) < side_px_min)
    return std::unexpected("the photo is too small for the second reader");
  for (const int quality : qualities) {
    std::string field = field_of(reader::encode(picture, quality));
    if (field.size() <= field_bytes_max) return field;
  }
  return std::unexpected("the photo is too large for the second reader");
}

}  // namespace

std::expected<Prepared, std::string> prepare(std::span<const std::byte> jpeg,
                                             const std::optional<Window>& window) {
  const bool is_cut = window && is_usable(*window);
  const auto photo = reader::decode(jpeg, is_cut ? INT_MAX : whole_side_px);
  if (!photo) return std::unexpected(photo.error().text);
  Prepared out;
  if (is_cut) {
    const Cut part = cut(photo->picture, *window);
    auto field = encoded(part.picture);
    if (!field) return std::unexpected(field.error());
    out.field = *std::move(field);
    out.window = part.window;
    return out;
  }
  auto field = encoded(photo->picture);
  if (!field) return std::unexpected(field.error());
  out.field = *std::move(field);
  return out;
}

}  // namespace meterlens::second
