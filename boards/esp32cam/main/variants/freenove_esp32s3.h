// Freenove ESP32-S3-WROOM CAM: ESP32-S3, 8 MB flash, 8 MB octal PSRAM, OV2640; its camera pins are
// those of Espressif's ESP32-S3-EYE. Pins by the maker's documentation and the camera examples of
// the Arduino core. No light for photos; a WS2812 is at GPIO48.
#pragma once

namespace meterlens::esp32cam {

inline constexpr Board board{
    .name = "freenove_esp32s3",
    .camera = {.pwdn = -1, .reset = -1, .xclk = 15, .sda = 4, .scl = 5,
               .d7 = 16, .d6 = 17, .d5 = 18, .d4 = 12, .d3 = 10, .d2 = 8, .d1 = 9, .d0 = 11,
               .vsync = 6, .href = 7, .pclk = 13},
    .line_tx = 21,
    .line_rx = 14,
    .led = -1,
    .led_lights_high = true,
    .button = 0,
    .hold = -1,
    .upside_down = true,
    .lamp_pins = pins(1, 2, 41, 42, 47, 48),
};

}  // namespace meterlens::esp32cam
