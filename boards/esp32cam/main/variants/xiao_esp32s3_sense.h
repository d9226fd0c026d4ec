// Seeed Studio XIAO ESP32S3 Sense: ESP32-S3, 8 MB flash, 8 MB octal PSRAM, OV2640 or OV3660. Pins
// by the maker's documentation. The serial line is D0 (out) and D1 (in): D6 and D7 cannot wake the
// chip from deep sleep. No light: connect a lamp to one of the free pins.
#pragma once

namespace meterlens::esp32cam {

inline constexpr Board board{
    .name = "xiao_esp32s3_sense",
    .camera = {.pwdn = -1, .reset = -1, .xclk = 10, .sda = 40, .scl = 39,
               .d7 = 48, .d6 = 11, .d5 = 12, .d4 = 14, .d3 = 16, .d2 = 18, .d1 = 17, .d0 = 15,
               .vsync = 38, .href = 47, .pclk = 13},
    .line_tx = 1,
    .line_rx = 2,
    .led = -1,
    .led_lights_high = true,
    .button = 0,
    .hold = -1,
    .upside_down = false,
    .lamp_pins = pins(3, 4, 5, 6, 43, 44),
};

}  // namespace meterlens::esp32cam
