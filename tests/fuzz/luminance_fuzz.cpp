// The camera's look at a JPEG: whatever the bytes, it ends, in bounds, and says the same when it is
// asked in small steps as in one.
#include <cstddef>
#include <cstdint>

#include "protocol/luminance.h"
#include "protocol/require.h"

using meterlens::protocol::Luminance;
using meterlens::protocol::LuminanceWalk;
using meterlens::protocol::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  LuminanceWalk whole, steps;
  whole.begin({data, size});
  steps.begin({data, size});
  const auto end = whole.step(0xFFFFFFFF);
  std::uint32_t step_count = 0;
  auto state = steps.step(1);
  while (state == LuminanceWalk::State::walking) {
    state = steps.step(7);
    require(++step_count <= 512 * 512);
  }
  require(end != LuminanceWalk::State::walking && end == state);
  const Luminance luminance = whole.result();
  require(luminance.dark_percent + luminance.bright_percent <= 100);
  require(luminance.mean == steps.result().mean);
  return 0;
}
