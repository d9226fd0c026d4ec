#include "boards/linux/rendered_meter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string_view>

#include "boards/linux/loop.h"
#include "face/face.h"
#include "protocol/checksum.h"

namespace meterlens::boards {
namespace {

// Of the settings frame_size and jpeg_quality (protocol/settings.cpp).
constexpr int sizes[][2] = {{320, 240},  {640, 480},   {800, 600},
                            {1024, 768}, {1280, 1024}, {1600, 1200}};
constexpr std::int32_t size_initial = 3;
constexpr std::int32_t quality_initial = 12, quality_least = 4, quality_range = 59;

// SplitMix64: spreads a seed over all 64 bits.
std::uint64_t mixed(std::uint64_t seed) {
  std::uint64_t z = seed + 0x9E3779B97F4A7C15U;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
  z = (z ^ z >> 27) * 0x94D049BB133111EBU;
  return z ^ z >> 31;
}

class RenderedMeter : public PhotoSource {
 public:
  explicit RenderedMeter(const RenderSettings& settings)
      : settings_(settings),
        meter_(face::meter_from_seed(settings.seed)),
        drawn_(face::conditions_from_seed(mixed(settings.seed), settings.hardness)),
        conditions_(drawn_) {}

  // A setting at its initial value leaves what the seed has drawn.
  bool tune(const MeterlensShot& shot) override {
    conditions_ = drawn_;
    if (shot.frame_size != size_initial) {
      conditions_.width = sizes[static_cast<std::size_t>(shot.frame_size)][0];
      conditions_.height = sizes[static_cast<std::size_t>(shot.frame_size)][1];
    }
    if (shot.jpeg_quality != quality_initial)
      conditions_.jpeg_quality = 100 - (shot.jpeg_quality - quality_least) * 80 / quality_range;
    if (has_lamp()) {
      const double lamp = shot.light != 0 ? shot.light_percent / 100.0 : 0;
      conditions_.light *= settings_.daylight + (1 - settings_.daylight) * lamp;
      conditions_.lamp = std::max(conditions_.lamp, 0.3 * lamp);
    }
    conditions_.light *= std::pow(1.3, shot.exposure_bias + shot.brightness);
    conditions_.saturation *= std::pow(1.4, shot.saturation);
    conditions_.sharpening = std::max(0.0, conditions_.sharpening + 0.4 * shot.sharpness);
    // Less contrast is haze; more takes away what haze there is.
    conditions_.haze = std::clamp(conditions_.haze - 0.2 * shot.contrast, 0.0, 0.9);
    return true;
  }
  std::vector<std::string_view> deaf_settings() override {
    std::vector<std::string_view> deaf{"exposure",       "gain",          "gain_ceiling",
                                       "white_balance",  "frames_to_drop", "light_lead_ms",
                                       "lamp_pin",       "lamp_kind",      "lamp_count",
                                       "lamp_rgb"};
    if (!has_lamp()) deaf.insert(deaf.end(), {"light", "light_percent"});
    return deaf;
  }
  bool start() override { return true; }

  Shot poll() override {
    value_ = value_at(unix_ms());
    // The camera stays in its place; daylight changes a little, so that no photo is like another.
    face::Conditions conditions = conditions_;
    conditions.light *= 0.98 + 0.04 * static_cast<double>(mixed(unix_ms()) % 1000) / 1000;
    face::Picture picture = face::render(meter_, value_, conditions);
    photo_ = std::move(picture.jpeg);
    truth_ = std::move(picture.truth);
    return photo_.empty() ? Shot::failed : Shot::done;
  }

 private:
  bool has_lamp() const { return settings_.daylight < 1; }

  // In tenths of the last wheel; begins somewhere in the lower half, so that a wrap is far.
  std::int64_t value_at(std::uint64_t unix_time_ms) const {
    const auto range = static_cast<std::int64_t>(std::llround(std::pow(10, meter_.wheels + 1)));
    const auto begin =
        static_cast<std::int64_t>(mixed(settings_.seed) % static_cast<std::uint64_t>(range / 2));
    const double minutes = static_cast<double>(unix_time_ms) / 60'000;
    return (begin + static_cast<std::int64_t>(minutes * settings_.rate)) % range;
  }

  void finished() override {
    if (settings_.truth.empty()) return;
    const auto hash = protocol::hex(protocol::sha256(photo_));
    std::ofstream out(settings_.truth, std::ios::app);
    out << fmt::format(R"({{"sha256":"{}","digits":"{}","accepted":["{}"],"red":{},"tenths":{}}})",
                       std::string_view(hash.data(), hash.size()), truth_.digits,
                       fmt::join(truth_.accepted, "\",\""), truth_.red, value_)
        << std::endl;
  }

  RenderSettings settings_;
  face::Meter meter_;
  std::int64_t value_ = 0;  // on the newest photo
  face::Truth truth_;
  face::Conditions drawn_;
  face::Conditions conditions_;
};

}  // namespace

std::unique_ptr<PhotoSource> make_rendered_meter(const RenderSettings& settings) {
  return std::make_unique<RenderedMeter>(settings);
}

}  // namespace meterlens::boards
