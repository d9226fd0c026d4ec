// AI-Thinker ESP32-CAM: ESP32, 4 MB flash, 4 MB quad PSRAM, OV2640. Pins by the maker's schematic.
// The serial line takes two pins of the SD slot, which is therefore not used. GPIO0 is XCLK and the
// boot button: it is not read as a button while the sensor runs, so this board has none.
#pragma once

namespace meterlens::esp32cam {

inline constexpr Board board{
    .name = "ai_thinker",
    .camera = {.pwdn = 32, .reset = -1, .xclk = 0, .sda = 26, .scl = 27,
               .d7 = 35, .d6 = 34, .d5 = 39, .d4 = 36, .d3 = 21, .d2 = 19, .d1 = 18, .d0 = 5,
               .vsync = 25, .href = 23, .pclk = 22},
    .line_tx = 14,
    .line_rx = 13,
    .led = 4,
    .led_lights_high = true,
    .button = -1,
    .hold = -1,
    .upside_down = false,
    .lamp_pins = pins(2, 4, 12, 15),
};

}  // namespace meterlens::esp32cam
