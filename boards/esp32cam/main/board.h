// What differs between camera boards: pins. One variant is chosen by menuconfig; a new board is one
// more file in variants/. A pin of -1 is not there.
#pragma once

#include <cstdint>

#include "sdkconfig.h"

namespace meterlens::esp32cam {

struct CameraPins {
  int pwdn, reset, xclk, sda, scl;
  int d7, d6, d5, d4, d3, d2, d1, d0;
  int vsync, href, pclk;
};

struct Board {
  const char* name;
  CameraPins camera;
  int line_tx, line_rx;  // the serial line; `line_rx` must be one that wakes from deep sleep
  int led;               // the light for photos
  bool led_lights_high;
  int button;               // pressed: low. Opens the set-up page when held
  int hold;                 // kept high while the board is to stay on
  bool upside_down;         // the sensor is mounted so
  std::uint64_t lamp_pins;  // a bit for each pin where an external lamp may be connected
};

// The mask of a board's free pins.
template <class... Pins>
constexpr std::uint64_t pins(Pins... numbers) {
  return ((std::uint64_t{1} << numbers) | ... | 0);
}

}  // namespace meterlens::esp32cam

#if CONFIG_METERLENS_VARIANT_AI_THINKER
#include "variants/ai_thinker.h"
#elif CONFIG_METERLENS_VARIANT_M5_TIMER_CAMERA
#include "variants/m5_timer_camera.h"
#elif CONFIG_METERLENS_VARIANT_XIAO_ESP32S3_SENSE
#include "variants/xiao_esp32s3_sense.h"
#elif CONFIG_METERLENS_VARIANT_FREENOVE_ESP32S3
#include "variants/freenove_esp32s3.h"
#else
#error "choose a board variant: idf.py menuconfig, Meterlens"
#endif
