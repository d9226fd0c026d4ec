#include "boards/linux/v4l2_controls.h"

#include <linux/videodev2.h>

#include <algorithm>
#include <array>

namespace meterlens::boards {
namespace {

// Of one that goes from -2 to 2 around the camera's own.
struct Level {
  std::string_view name;
  std::int32_t MeterlensShot::*value;
  std::uint32_t id;
};
constexpr Level levels[] = {
    {"brightness", &MeterlensShot::brightness, V4L2_CID_BRIGHTNESS},
    {"contrast", &MeterlensShot::contrast, V4L2_CID_CONTRAST},
    {"saturation", &MeterlensShot::saturation, V4L2_CID_SATURATION},
    {"sharpness", &MeterlensShot::sharpness, V4L2_CID_SHARPNESS},
};
// Kelvin of sunny, cloudy, office and home.
constexpr std::array<std::int32_t, 4> white_kelvins = {5'500, 6'500, 4'000, 2'800};
constexpr std::int32_t level_most = 2, lines_most = 1'200, gain_most = 30;
constexpr std::int32_t quality_least = 4, quality_most = 63, quality_initial = 12;

std::int32_t level_of(std::int32_t value, const ControlRange& range) {
  const std::int32_t end = value > 0 ? range.most : range.least;
  return range.initial + (end - range.initial) * std::abs(value) / level_most;
}

// The share `value` of `most`.
std::int32_t share_of(std::int32_t value, std::int32_t most, const ControlRange& range) {
  return range.least +
         static_cast<std::int32_t>(std::int64_t{range.most - range.least} * value / most);
}

class Wishes {
 public:
  explicit Wishes(const AskControl& ask) : ask_(ask) {}
  template <class Value>
  void put(std::uint32_t id, Value value_of) {
    if (const auto range = ask_(id))
      out_.push_back({id, std::clamp(value_of(*range), range->least, range->most)});
  }
  void put_value(std::uint32_t id, std::int32_t value) {
    put(id, [value](const ControlRange&) { return value; });
  }
  std::vector<ControlValue> take() { return std::move(out_); }

 private:
  const AskControl& ask_;
  std::vector<ControlValue> out_;
};

}  // namespace

std::vector<ControlValue> control_values(const MeterlensShot& shot, const AskControl& ask) {
  Wishes wishes(ask);
  for (const Level& level : levels)
    wishes.put(level.id,
               [&](const ControlRange& range) { return level_of(shot.*level.value, range); });
  wishes.put(V4L2_CID_JPEG_COMPRESSION_QUALITY, [&](const ControlRange& range) {
    if (shot.jpeg_quality == quality_initial) return range.initial;
    return share_of(quality_most - shot.jpeg_quality, quality_most - quality_least, range);
  });
  wishes.put_value(V4L2_CID_EXPOSURE_AUTO,
                   shot.exposure < 0 ? V4L2_EXPOSURE_APERTURE_PRIORITY : V4L2_EXPOSURE_MANUAL);
  if (shot.exposure >= 0)
    wishes.put(V4L2_CID_EXPOSURE_ABSOLUTE, [&](const ControlRange& range) {
      return share_of(shot.exposure, lines_most, range);
    });
  wishes.put_value(V4L2_CID_AUTOGAIN, shot.gain < 0 ? 1 : 0);
  if (shot.gain >= 0)
    wishes.put(V4L2_CID_GAIN,
               [&](const ControlRange& range) { return share_of(shot.gain, gain_most, range); });
  wishes.put_value(V4L2_CID_AUTO_WHITE_BALANCE, shot.white_balance == 0 ? 1 : 0);
  if (shot.white_balance > 0)
    wishes.put_value(V4L2_CID_WHITE_BALANCE_TEMPERATURE,
                     white_kelvins[static_cast<std::size_t>(shot.white_balance - 1)]);
  return wishes.take();
}

std::vector<std::string_view> deaf_settings(const AskControl& ask) {
  std::vector<std::string_view> out = {"exposure_bias", "gain_ceiling"};
  for (const Level& level : levels)
    if (!ask(level.id)) out.push_back(level.name);
  if (!ask(V4L2_CID_JPEG_COMPRESSION_QUALITY)) out.push_back("jpeg_quality");
  if (!ask(V4L2_CID_EXPOSURE_AUTO) || !ask(V4L2_CID_EXPOSURE_ABSOLUTE)) out.push_back("exposure");
  if (!ask(V4L2_CID_GAIN)) out.push_back("gain");
  if (!ask(V4L2_CID_WHITE_BALANCE_TEMPERATURE)) out.push_back("white_balance");
  return out;
}

}  // namespace meterlens::boards
