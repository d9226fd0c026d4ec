#include "device/camera/tuner.h"

#include <algorithm>
#include <string_view>

namespace meterlens::camera {
namespace {

struct Control {
  std::string_view name;  // of the setting
  std::int32_t MeterlensShot::*value;
};

constexpr Control controls[] = {
    {"frame_size", &MeterlensShot::frame_size},
    {"crop_left", &MeterlensShot::crop_left},
    {"crop_top", &MeterlensShot::crop_top},
    {"crop_width", &MeterlensShot::crop_width},
    {"crop_height", &MeterlensShot::crop_height},
    {"jpeg_quality", &MeterlensShot::jpeg_quality},
    {"exposure", &MeterlensShot::exposure},
    {"exposure_bias", &MeterlensShot::exposure_bias},
    {"gain", &MeterlensShot::gain},
    {"gain_ceiling", &MeterlensShot::gain_ceiling},
    {"white_balance", &MeterlensShot::white_balance},
    {"brightness", &MeterlensShot::brightness},
    {"contrast", &MeterlensShot::contrast},
    {"saturation", &MeterlensShot::saturation},
    {"sharpness", &MeterlensShot::sharpness},
    {"mirror", &MeterlensShot::mirror},
    {"flip", &MeterlensShot::flip},
    {"frames_to_drop", &MeterlensShot::frames_to_drop},
    {"light", &MeterlensShot::light},
    {"light_percent", &MeterlensShot::light_percent},
    {"light_lead_ms", &MeterlensShot::light_lead_ms},
    {"lamp_pin", &MeterlensShot::lamp_pin},
    {"lamp_kind", &MeterlensShot::lamp_kind},
    {"lamp_count", &MeterlensShot::lamp_count},
    {"lamp_rgb", &MeterlensShot::lamp_rgb},
};
static_assert(sizeof(MeterlensShot) == std::size(controls) * sizeof(std::int32_t));

bool is_same(const MeterlensShot& one, const MeterlensShot& other) {
  return std::ranges::all_of(controls, [&](const Control& control) {
    return one.*control.value == other.*control.value;
  });
}

}  // namespace

MeterlensShot shot_of(const protocol::SettingValues& values) {
  MeterlensShot shot{};
  for (const Control& control : controls) shot.*control.value = values.get(control.name);
  return shot;
}

bool Tuner::tune(const MeterlensShot& shot) {
  if (sensor_.tune == nullptr) return true;
  if (has_taken_ && is_same(shot, taken_)) return true;
  if (!sensor_.tune(sensor_.context, &shot)) return false;
  taken_ = shot;
  has_taken_ = true;
  return true;
}

}  // namespace meterlens::camera
