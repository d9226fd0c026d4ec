// A shot's settings as the calls of esp32-camera's sensor_t. What a sensor cannot do it passes
// over.
#pragma once

#include <cstdint>

#include "device/port.h"
#include "esp_camera.h"

namespace meterlens::esp32cam {

// Requires a number that frame_size() knows.
framesize_t driver_frame_size(std::int32_t number);
void tune_driver(sensor_t& sensor, const MeterlensShot& shot);

}  // namespace meterlens::esp32cam
