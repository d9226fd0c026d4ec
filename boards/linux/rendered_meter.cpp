#include "boards/linux/rendered_meter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <fstream>
#include <string_view>

#include "boards/linux/loop.h"
#include "face/face.h"
#include "protocol/checksum.h"

namespace meterlens::boards {
namespace {

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
        conditions_(face::conditions_from_seed(mixed(settings.seed), settings.hardness)),
        width_(conditions_.width),
        height_(conditions_.height) {}

  // One size for photos, a small one for aiming.
  bool tune(const MeterlensShot& shot) override {
    const bool is_small = shot.frame_size == 0;
    conditions_.width = is_small ? 320 : width_;
    conditions_.height = is_small ? 240 : height_;
    return true;
  }
  bool start() override { return true; }

  Shot poll() override {
    const std::int64_t value = value_at(unix_ms());
    // The camera stays in its place; daylight changes a little, so that no photo is like another.
    face::Conditions conditions = conditions_;
    conditions.light *= 0.98 + 0.04 * static_cast<double>(mixed(unix_ms()) % 1000) / 1000;
    face::Picture picture = face::render(meter_, value, conditions);
    photo_ = std::move(picture.jpeg);
    write_truth(picture.truth, value);
    return photo_.empty() ? Shot::failed : Shot::done;
  }

 private:
  // In tenths of the last wheel; begins somewhere in the lower half, so that a wrap is far.
  std::int64_t value_at(std::uint64_t unix_time_ms) const {
    const auto range = static_cast<std::int64_t>(std::llround(std::pow(10, meter_.wheels + 1)));
    const auto begin =
        static_cast<std::int64_t>(mixed(settings_.seed) % static_cast<std::uint64_t>(range / 2));
    const double minutes = static_cast<double>(unix_time_ms) / 60'000;
    return (begin + static_cast<std::int64_t>(minutes * settings_.rate)) % range;
  }

  void write_truth(const face::Truth& truth, std::int64_t value) const {
    if (settings_.truth.empty()) return;
    const auto hash = protocol::hex(protocol::sha256(photo_));
    std::ofstream out(settings_.truth, std::ios::app);
    out << fmt::format(R"({{"sha256":"{}","digits":"{}","accepted":["{}"],"red":{},"tenths":{}}})",
                       std::string_view(hash.data(), hash.size()), truth.digits,
                       fmt::join(truth.accepted, "\",\""), truth.red, value)
        << std::endl;
  }

  RenderSettings settings_;
  face::Meter meter_;
  face::Conditions conditions_;
  int width_, height_;
};

}  // namespace

std::unique_ptr<PhotoSource> make_rendered_meter(const RenderSettings& settings) {
  return std::make_unique<RenderedMeter>(settings);
}

}  // namespace meterlens::boards
