// Which part of an OV2640's array a cropped photo shows, in the units that its scaler takes. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "device/port.h"

namespace meterlens::esp32cam {

struct FrameSize {
  int width, height;
};
// Of the setting `frame_size`; nothing: there is none of that number.
std::optional<FrameSize> frame_size(std::int32_t number);

struct Window {
  int mode;                   // 0: the whole array, 1600x1200; 1: every second line, 800x600
  int left, top;              // in pixels of the mode
  int width, height;          // of the part that is scaled
  int out_width, out_height;  // of the photo: multiples of 16, never larger than the part
};

// Nothing: the shot is not cropped (crop_width or crop_height 0), or has no such frame size. A crop
// that leaves the frame is moved in; one too small for the scaler is made larger.
std::optional<Window> crop_window(const MeterlensShot& shot);

}  // namespace meterlens::esp32cam
