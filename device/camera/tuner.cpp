#include "device/camera/tuner.h"

#include <cstring>

namespace meterlens::camera {

MeterlensShot shot_of(const protocol::SettingValues& values) {
  MeterlensShot shot{};
  shot.frame_size = values.get("frame_size");
  shot.crop_left = values.get("crop_left");
  shot.crop_top = values.get("crop_top");
  shot.crop_width = values.get("crop_width");
  shot.crop_height = values.get("crop_height");
  shot.jpeg_quality = values.get("jpeg_quality");
  shot.exposure = values.get("exposure");
  shot.exposure_bias = values.get("exposure_bias");
  shot.gain = values.get("gain");
  shot.gain_ceiling = values.get("gain_ceiling");
  shot.white_balance = values.get("white_balance");
  shot.brightness = values.get("brightness");
  shot.contrast = values.get("contrast");
  shot.saturation = values.get("saturation");
  shot.sharpness = values.get("sharpness");
  shot.mirror = values.get("mirror");
  shot.flip = values.get("flip");
  shot.frames_to_drop = values.get("frames_to_drop");
  shot.light = values.get("light");
  shot.light_percent = values.get("light_percent");
  shot.light_lead_ms = values.get("light_lead_ms");
  shot.lamp_pin = values.get("lamp_pin");
  shot.lamp_kind = values.get("lamp_kind");
  shot.lamp_count = values.get("lamp_count");
  shot.lamp_rgb = values.get("lamp_rgb");
  return shot;
}

bool Tuner::tune(const MeterlensShot& shot) {
  if (sensor_.tune == nullptr) return true;
  // 32-bit numbers alone: no gaps between them.
  if (has_taken_ && std::memcmp(&shot, &taken_, sizeof(shot)) == 0) return true;
  if (!sensor_.tune(sensor_.context, &shot)) return false;
  taken_ = shot;
  has_taken_ = true;
  return true;
}

}  // namespace meterlens::camera
