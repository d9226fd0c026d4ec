#include "tuning.h"

#include <array>

#include "board.h"
#include "boards/esp32cam/portable/crop.h"
#include "esp_log.h"

namespace meterlens::esp32cam {
namespace {

constexpr std::array<framesize_t, 6> frame_sizes = {FRAMESIZE_QVGA, FRAMESIZE_VGA,  FRAMESIZE_SVGA,
                                                    FRAMESIZE_XGA,  FRAMESIZE_SXGA, FRAMESIZE_UXGA};

// Calls a setter if the sensor has it.
template <class Setter, class Value>
void set(sensor_t& sensor, Setter setter, Value value) {
  if (setter != nullptr) setter(&sensor, value);
}

void set_frame(sensor_t& sensor, const MeterlensShot& shot) {
  set(sensor, sensor.set_framesize, driver_frame_size(shot.frame_size));
  const auto window = crop_window(shot);
  if (!window) return;
  // The other sensors take a window in other units; they show the whole frame.
  if (sensor.id.PID != OV2640_PID) {
    ESP_LOGW("tuning", "this sensor does not crop");
    return;
  }
  sensor.set_res_raw(&sensor, window->mode, 0, 0, 0, window->left, window->top, window->width,
                     window->height, window->out_width, window->out_height, false, false);
}

void set_exposure(sensor_t& sensor, const MeterlensShot& shot) {
  const bool automatic = shot.exposure < 0;
  set(sensor, sensor.set_exposure_ctrl, automatic ? 1 : 0);
  if (automatic)
    set(sensor, sensor.set_ae_level, static_cast<int>(shot.exposure_bias));
  else
    set(sensor, sensor.set_aec_value, static_cast<int>(shot.exposure));
}

void set_gain(sensor_t& sensor, const MeterlensShot& shot) {
  const bool automatic = shot.gain < 0;
  set(sensor, sensor.set_gain_ctrl, automatic ? 1 : 0);
  if (automatic)
    set(sensor, sensor.set_gainceiling, static_cast<gainceiling_t>(shot.gain_ceiling));
  else
    set(sensor, sensor.set_agc_gain, static_cast<int>(shot.gain));
}

}  // namespace

framesize_t driver_frame_size(std::int32_t number) {
  return frame_sizes[static_cast<std::size_t>(number)];
}

void tune_driver(sensor_t& sensor, const MeterlensShot& shot) {
  set_frame(sensor, shot);
  set(sensor, sensor.set_quality, static_cast<int>(shot.jpeg_quality));
  set_exposure(sensor, shot);
  set_gain(sensor, shot);
  set(sensor, sensor.set_whitebal, 1);
  set(sensor, sensor.set_awb_gain, 1);
  set(sensor, sensor.set_wb_mode, static_cast<int>(shot.white_balance));
  set(sensor, sensor.set_brightness, static_cast<int>(shot.brightness));
  set(sensor, sensor.set_contrast, static_cast<int>(shot.contrast));
  set(sensor, sensor.set_saturation, static_cast<int>(shot.saturation));
  set(sensor, sensor.set_sharpness, static_cast<int>(shot.sharpness));
  set(sensor, sensor.set_hmirror, (shot.mirror != 0) != board.upside_down ? 1 : 0);
  set(sensor, sensor.set_vflip, (shot.flip != 0) != board.upside_down ? 1 : 0);
}

}  // namespace meterlens::esp32cam
