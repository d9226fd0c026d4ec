#include "face/camera.h"

#include <turbojpeg.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <opencv2/imgproc.hpp>
#include <stdexcept>

namespace meterlens::face {
namespace {

constexpr int tile_side = 256;

// Normal deviates to cut noise from; drawing them afresh would cost more than the whole picture.
const std::vector<float>& noise_tile() {
  static const std::vector<float> tile = [] {
    Random random(0x6E6F697365);
    std::vector<float> values(tile_side * tile_side);
    for (float& value : values) value = static_cast<float>(random.bell());
    return values;
  }();
  return tile;
}

cv::Point anywhere(const cv::Rect& box, Random& random) {
  return {box.x + cvRound(random.unit() * box.width), box.y + cvRound(random.unit() * box.height)};
}

// Drops: bright below, dark above, as a lens of water shows the world upside down.
void condensation(cv::Mat& photo, double amount, const cv::Rect& box, Random& random) {
  const int drops = cvRound(amount * 70);
  for (int i = 0; i < drops; ++i) {
    const cv::Point at = anywhere(box, random);
    const int r = std::max(1, cvRound(std::min(box.width, box.height) * random.in(0.003, 0.022)));
    const cv::Rect spot = cv::Rect(at.x - r, at.y - r, 2 * r, 2 * r) & cv::Rect({}, photo.size());
    if (spot.area() < 4) continue;
    cv::Mat drop = photo(spot), lens = drop.clone();
    cv::Mat flipped;
    cv::flip(lens, flipped, 0);
    cv::addWeighted(flipped, 0.6, lens, 0.4, random.in(-10, 25), lens);
    cv::Mat mask(spot.size(), CV_8U, cv::Scalar(0));
    cv::circle(mask, {at.x - spot.x, at.y - spot.y}, r, cv::Scalar(255), cv::FILLED, cv::LINE_AA);
    lens.copyTo(drop, mask);
    if (r > 2)
      cv::circle(photo, at + cv::Point(-r / 3, -r / 3), std::max(1, r / 4), cv::Scalar::all(235),
                 cv::FILLED, cv::LINE_AA);
  }
}

void dirt(cv::Mat& photo, double amount, const cv::Rect& box, Random& random) {
  const int specks = cvRound(amount * 120);
  const double side = std::min(box.width, box.height);
  for (int i = 0; i < specks; ++i) {
    const double level = random.chance(0.6) ? random.in(50, 120) : random.in(150, 220);
    const cv::Scalar colour(level * 0.75, level * 0.9, level);
    const cv::Point at = anywhere(box, random);
    if (random.chance(0.1)) {
      const double down = random.in(-0.06, 0.06), right = random.in(-0.06, 0.06);
      const cv::Point to(cvRound(side * right), cvRound(side * down));
      cv::line(photo, at, at + to, colour, 1, cv::LINE_AA);
    } else {
      cv::circle(photo, at, std::max(0, cvRound(side * random.in(0.0, 0.006))), colour, cv::FILLED,
                 cv::LINE_AA);
    }
  }
}

// Adds `colour` with a soft round edge, saturating: a lamp in the glass.
void glow(cv::Mat& photo, const cv::Point& at, double radius, double strength) {
  const int reach = std::max(2, cvRound(radius * 2.2));
  const cv::Rect spot =
      cv::Rect(at.x - reach, at.y - reach, 2 * reach, 2 * reach) & cv::Rect({}, photo.size());
  const float scale = static_cast<float>(-1.0 / (radius * radius));
  const float peak = static_cast<float>(strength);
  for (int y = spot.y; y < spot.y + spot.height; ++y) {
    auto* row = photo.ptr<cv::Vec3b>(y);
    const auto dy = static_cast<float>(y - at.y);
    for (int x = spot.x; x < spot.x + spot.width; ++x) {
      const auto dx = static_cast<float>(x - at.x);
      const int add = static_cast<int>(peak * std::exp(scale * (dx * dx + dy * dy)));
      for (int c = 0; c < 3; ++c) row[x][c] = cv::saturate_cast<std::uint8_t>(row[x][c] + add);
    }
  }
}

// A soft bright band or pane: the sky or a window mirrored in the glass.
void pane(cv::Mat& photo, double strength, const cv::Rect& box, Random& random) {
  constexpr int shrink = 4;
  cv::Mat mirror(photo.rows / shrink + 1, photo.cols / shrink + 1, CV_8U, cv::Scalar(0));
  const cv::Point at = anywhere(box, random) / shrink;
  const double wide = box.width * random.in(0.05, 0.5), high = box.height * random.in(0.3, 1.2);
  const cv::RotatedRect shape(cv::Point2f(at), cv::Size2d(wide / shrink, high / shrink),
                              static_cast<float>(random.in(0, 180)));
  cv::Point2f corners[4];
  shape.points(corners);
  std::vector<cv::Point> outline;
  for (const cv::Point2f& corner : corners) outline.emplace_back(corner);
  cv::fillConvexPoly(mirror, outline, cv::Scalar(strength * random.in(40, 120)));
  const double soft = random.in(0.5, 6);
  cv::GaussianBlur(mirror, mirror, {}, soft);
  cv::resize(mirror, mirror, photo.size());
  cv::Mat colour;
  cv::merge(std::vector{mirror, mirror, mirror}, colour);
  photo += colour;
}

// Light over the picture on a coarse grid, gains of about 0..2.
cv::Mat light_map(const cv::Size& size, const Conditions& conditions, Random& random) {
  constexpr int shrink = 8;
  cv::Mat map(size.height / shrink + 1, size.width / shrink + 1, CV_32F);
  const double a = random.in(0, 2 * CV_PI), fall = conditions.uneven * 0.75;
  const double edge_a = random.in(0, 2 * CV_PI), edge_at = random.in(-0.35, 0.35);
  const double corners = random.in(0, 0.25), soft = random.in(0.03, 0.2);
  for (int y = 0; y < map.rows; ++y)
    for (int x = 0; x < map.cols; ++x) {
      const double u = 2.0 * x / map.cols - 1, v = 2.0 * y / map.rows - 1;
      double gain = 1 + fall * (u * std::cos(a) + v * std::sin(a)) - corners * (u * u + v * v) / 2;
      const double into = u * std::cos(edge_a) + v * std::sin(edge_a) - edge_at;
      gain *= 1 - 0.7 * conditions.shadow * std::clamp(into / soft, 0.0, 1.0);
      map.at<float>(y, x) = static_cast<float>(std::max(0.05, gain * conditions.light));
    }
  cv::resize(map, map, size, 0, 0, cv::INTER_LINEAR);
  return map;
}

// A lamp over the meter: bright at its upper edge, falling off downwards and to the sides.
void lamp(cv::Mat& light, double amount, const cv::Rect& meter, Random& random) {
  const double x0 = meter.x + meter.width * random.in(0.2, 0.8);
  const double y0 = meter.y + meter.height * random.in(-0.1, 0.3);
  const double reach = meter.height * random.in(0.45, 0.9);
  for (int y = 0; y < light.rows; ++y)
    for (int x = 0; x < light.cols; ++x) {
      const double across = (x - x0) / reach * 0.6, down = std::max(0.0, y - y0) / reach;
      const double gain = 0.35 + 1.1 * std::exp(-across * across - down * down);
      light.at<float>(y, x) *= static_cast<float>(1 - amount + amount * gain);
    }
}

// A bright reflection with a soft edge over about a digit of the register.
void patch(cv::Mat& photo, double amount, const cv::Rect& window, Random& random) {
  cv::Mat mask(photo.size(), CV_8U, cv::Scalar(0));
  const double side = std::min(window.width, window.height);
  const double high = random.in(0.1, 0.3), wide = random.in(0.12, 0.4);
  const cv::Size axes(std::max(1, cvRound(side * wide)), std::max(1, cvRound(side * high)));
  const double level = random.in(90, 230), angle_deg = random.in(0, 180);
  cv::ellipse(mask, anywhere(window, random), axes, angle_deg, 0, 360, cv::Scalar(amount * level),
              cv::FILLED, cv::LINE_AA);
  cv::GaussianBlur(mask, mask, {}, std::max(0.5, side * random.in(0.04, 0.2)));
  cv::Mat colour;
  cv::merge(std::vector{mask, mask, mask}, colour);
  photo += colour;
}

void blur(cv::Mat& photo, const Conditions& conditions, Random& random) {
  if (conditions.defocus_px > 0.3) cv::GaussianBlur(photo, photo, {}, conditions.defocus_px);
  if (conditions.motion_px < 1.2) return;
  const int side = cvCeil(conditions.motion_px) | 1;
  cv::Mat kernel(side, side, CV_32F, cv::Scalar(0));
  const double a = random.in(0, CV_PI), half = conditions.motion_px / 2, middle = side / 2;
  cv::line(kernel, {cvRound(middle - half * std::cos(a)), cvRound(middle - half * std::sin(a))},
           {cvRound(middle + half * std::cos(a)), cvRound(middle + half * std::sin(a))},
           cv::Scalar(1), 1, cv::LINE_AA);
  kernel /= cv::sum(kernel)[0];
  cv::filter2D(photo, photo, -1, kernel);
}

struct Sensor {
  float gain[3];  // blue, green, red
  float veil, contrast, saturation, noise, colour_noise;
};

Sensor sensor_of(const Conditions& conditions, Random& random) {
  Sensor sensor{};
  for (std::size_t c = 0; c < 3; ++c) sensor.gain[c] = static_cast<float>(conditions.cast[2 - c]);
  sensor.contrast = static_cast<float>(1 - 0.75 * conditions.haze);
  sensor.veil = static_cast<float>(conditions.haze * random.in(90, 170));
  sensor.saturation = static_cast<float>(conditions.saturation);
  sensor.noise = static_cast<float>(conditions.noise);
  sensor.colour_noise = sensor.noise * static_cast<float>(random.in(0.2, 0.8));
  return sensor;
}

void sense_row(cv::Vec3b* row, const float* light, int width, const Sensor& sensor,
               const float* grain, const float* colour_grain, int start) {
  for (int x = 0; x < width; ++x) {
    const int at = (start + x) % tile_side, coarse = (start + x / 2) % tile_side;
    float value[3];
    for (int c = 0; c < 3; ++c)
      value[c] = (row[x][c] * light[x] * sensor.contrast + sensor.veil) * sensor.gain[c];
    const float gray = 0.114F * value[0] + 0.587F * value[1] + 0.299F * value[2];
    const float all = sensor.noise * grain[at], red = sensor.colour_noise * colour_grain[coarse];
    const float tint[3] = {-red, 0.3F * red, red};
    for (int c = 0; c < 3; ++c) {
      const float level = gray + (value[c] - gray) * sensor.saturation + all + tint[c];
      row[x][c] = static_cast<std::uint8_t>(std::clamp(level + 0.5F, 0.0F, 255.0F));
    }
  }
}

void stamp(cv::Mat& photo, Random& random) {
  const int second = random.below(60), minute = random.below(60), hour = random.below(24);
  const int day = 1 + random.below(28), month = 1 + random.below(12), year = 15 + random.below(11);
  char text[32];
  std::snprintf(text, sizeof text, "20%02d-%02d-%02d %02d:%02d:%02d", year, month, day, hour,
                minute, second);
  const double size = photo.rows / 1100.0;
  int base = 0;
  const cv::Size box = cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, size, 1, &base);
  const bool low = random.chance(0.8), left = random.chance(0.5);
  const cv::Point at(left ? 8 : std::max(0, photo.cols - box.width - 8),
                     low ? photo.rows - 8 : box.height + 8);
  if (random.chance(0.5))
    cv::rectangle(photo, {at.x - 3, at.y - box.height - 3}, {at.x + box.width + 3, at.y + 4},
                  cv::Scalar::all(240), cv::FILLED);
  cv::putText(photo, text, at, cv::FONT_HERSHEY_SIMPLEX, size, cv::Scalar(40, 40, 200), 1,
              cv::LINE_AA);
}

}  // namespace

void add_glass_faults(cv::Mat& photo, const Conditions& conditions, const cv::Rect& meter_box,
                      Random& random) {
  if (conditions.dirt > 0) dirt(photo, conditions.dirt, meter_box, random);
  if (conditions.condensation > 0) condensation(photo, conditions.condensation, meter_box, random);
}

void expose(cv::Mat& photo, const Conditions& conditions, const Target& target, Random& random) {
  const cv::Rect& meter_box = target.meter;
  const double side = std::min(meter_box.width, meter_box.height);
  if (conditions.glare > 0) {
    if (random.chance(0.6)) pane(photo, conditions.glare, meter_box, random);
    const int lamps = 1 + random.below(2);
    for (int i = 0; i < lamps; ++i) {
      const cv::Point at = anywhere(meter_box, random);
      glow(photo, at, side * random.in(0.01, 0.05), 90 + 220 * conditions.glare);
      glow(photo, at, side * random.in(0.05, 0.25), 90 * conditions.glare);
    }
  }
  if (conditions.patch > 0) patch(photo, conditions.patch, target.window, random);
  blur(photo, conditions, random);
  cv::Mat light = light_map(photo.size(), conditions, random);
  if (conditions.lamp > 0) lamp(light, conditions.lamp, meter_box, random);
  const Sensor sensor = sensor_of(conditions, random);
  if (conditions.shot != 0) random = Random(conditions.seed ^ (conditions.shot << 20));
  const std::vector<float>& tile = noise_tile();
  for (int y = 0; y < photo.rows; ++y) {
    const int grain = random.below(tile_side), colour = random.below(tile_side);
    sense_row(photo.ptr<cv::Vec3b>(y), light.ptr<float>(y), photo.cols, sensor,
              tile.data() + grain * tile_side, tile.data() + colour * tile_side,
              random.below(tile_side));
  }
  if (conditions.sharpening > 0) {
    cv::Mat soft;
    cv::GaussianBlur(photo, soft, {}, 1.2);
    cv::addWeighted(photo, 1 + conditions.sharpening, soft, -conditions.sharpening, 0, photo);
  }
  if (conditions.time_stamp) stamp(photo, random);
}

std::vector<std::uint8_t> jpeg_of(const cv::Mat& photo, int quality) {
  const std::unique_ptr<void, int (*)(tjhandle)> coder(tjInitCompress(), tjDestroy);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const int rc =
      tjCompress2(coder.get(), photo.data, photo.cols, static_cast<int>(photo.step[0]), photo.rows,
                  TJPF_BGR, &bytes, &size, TJSAMP_420, std::clamp(quality, 5, 100), TJFLAG_FASTDCT);
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owned(bytes, tjFree);
  if (rc != 0) throw std::runtime_error("the picture could not be written as JPEG");
  return {bytes, bytes + size};
}

}  // namespace meterlens::face
