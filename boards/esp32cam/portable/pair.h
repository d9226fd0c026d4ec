// Camera and DTU program in one chip: what one says goes straight to the other, so that the line
// between them loses nothing. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "device/camera/camera.h"
#include "device/dtu/dtu.h"

namespace meterlens::esp32cam {

// Bytes that are carried each way in one step: two whole units and more, and short enough for a
// watchdog.
inline constexpr std::size_t pair_bytes_a_step = 4096;

// Carries what both have to say; to be called after their `step`.
inline void carry(camera::Camera& camera, dtu::Dtu& dtu, std::uint64_t now_ms) {
  std::array<std::uint8_t, 512> bytes;
  for (std::size_t carried = 0; carried < pair_bytes_a_step;) {
    const std::size_t up = camera.pull(bytes, now_ms);
    dtu.serial_in(std::span(bytes).first(up), now_ms);
    const std::size_t down = dtu.pull(bytes, now_ms);
    camera.receive(std::span(bytes).first(down), now_ms);
    if (up + down == 0) return;
    carried += up + down;
  }
}

}  // namespace meterlens::esp32cam
