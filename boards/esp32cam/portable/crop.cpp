#include "boards/esp32cam/portable/crop.h"

#include <algorithm>
#include <array>

namespace meterlens::esp32cam {
namespace {

constexpr std::array<FrameSize, 6> sizes = {
    {{320, 240}, {640, 480}, {800, 600}, {1024, 768}, {1280, 1024}, {1600, 1200}}};
constexpr int whole = 1000;
// A JPEG's blocks are 16 pixels wide and high in colour.
constexpr int block = 16;
constexpr int blocks_min = 4;

int to_blocks(int pixels) { return std::max(pixels / block, blocks_min) * block; }

struct Span {
  int from, length, out;
};

// One axis: `out_length` pixels of photo show `shown` of `mode_length` pixels, in the middle.
Span crop(int mode_length, int shown, int out_length, int from, int length) {
  const int out = std::min(to_blocks(out_length * length / whole), to_blocks(out_length));
  const int part = std::clamp(shown * length / whole, out, mode_length) / 4 * 4;
  const int begin = (mode_length - shown) / 2 + shown * from / whole;
  return {std::clamp(begin, 0, mode_length - part) / 4 * 4, part, out};
}

}  // namespace

std::optional<FrameSize> frame_size(std::int32_t number) {
  if (number < 0 || number >= static_cast<std::int32_t>(sizes.size())) return std::nullopt;
  return sizes[static_cast<std::size_t>(number)];
}

std::optional<Window> crop_window(const MeterlensShot& shot) {
  const auto frame = frame_size(shot.frame_size);
  if (!frame || shot.crop_width <= 0 || shot.crop_height <= 0) return std::nullopt;
  const int mode = frame->width > 800 ? 0 : 1;
  const FrameSize array = mode == 0 ? sizes[5] : sizes[2];
  // The largest part of the array with the shape of the frame.
  const int shown_width = std::min(array.width, array.height * frame->width / frame->height);
  const int shown_height = std::min(array.height, array.width * frame->height / frame->width);
  const Span across = crop(array.width, shown_width, frame->width, static_cast<int>(shot.crop_left),
                           static_cast<int>(shot.crop_width));
  const Span down = crop(array.height, shown_height, frame->height, static_cast<int>(shot.crop_top),
                         static_cast<int>(shot.crop_height));
  return Window{mode, across.from, down.from, across.length, down.length, across.out, down.out};
}

}  // namespace meterlens::esp32cam
