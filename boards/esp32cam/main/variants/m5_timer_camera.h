// M5Stack Timer Camera (F and X): ESP32, 4 MB flash, 8 MB PSRAM, OV3660, battery. Pins by the
// maker's documentation and the camera examples of the Arduino core. The serial line is the Grove
// port. GPIO33 low cuts the battery off.
#pragma once

namespace meterlens::esp32cam {

inline constexpr Board board{
    .name = "m5_timer_camera",
    .camera = {.pwdn = -1, .reset = 15, .xclk = 27, .sda = 25, .scl = 23,
               .d7 = 19, .d6 = 36, .d5 = 18, .d4 = 39, .d3 = 5, .d2 = 34, .d1 = 35, .d0 = 32,
               .vsync = 22, .href = 26, .pclk = 21},
    .line_tx = 4,
    .line_rx = 13,
    .led = 2,
    .led_lights_high = true,
    .button = 37,
    .hold = 33,
    .upside_down = true,
    .lamp_pins = pins(2),
};

}  // namespace meterlens::esp32cam
