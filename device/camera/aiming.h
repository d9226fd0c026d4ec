// Small frames one after another while somebody aims the camera: taken from the sensor, sent
// straight from its buffer as `View` packets, never stored. The shutter goes first: `pause` gives
// the sensor back at once. No heap, no clock of its own, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "device/camera/shooter.h"
#include "device/port.h"
#include "protocol/message.h"

namespace meterlens::camera {

// A frame that is still not out so long after its shot gives way to a new one.
inline constexpr std::uint64_t view_patience_ms = 10'000;

class Aiming {
 public:
  explicit Aiming(const MeterlensSensor& sensor) : sensor_(sensor) {}

  void hear(const protocol::Aim& aim, std::uint64_t now_ms);
  bool active() const { return period_ms_ != 0; }
  // The sensor must be free for it now, and tuned.
  bool wants_sensor(std::uint64_t now_ms) const;
  void take(std::uint64_t now_ms);
  // Gives the sensor back; the frame under way is forgotten.
  void pause();
  // Polls the sensor, and ends when the time is over.
  void step(std::uint64_t now_ms);

  bool has_packets() const { return state_ == State::sending; }
  // Requires has_packets() and room for frame_bytes_max; returns the frame's bytes.
  std::size_t next_frame(std::span<std::uint8_t> out);
  // When to call `step` again; UINT64_MAX: never.
  std::uint64_t due_ms(std::uint64_t now_ms) const;

 private:
  enum class State : std::uint8_t { idle, exposing, sending };

  MeterlensSensor sensor_;
  State state_ = State::idle;
  std::uint64_t period_ms_ = 0;  // 0: nobody aims
  std::uint64_t end_ms_ = 0;
  std::uint64_t next_ms_ = 0;
  std::uint64_t started_ms_ = 0;
  Bytes frame_;
  std::uint16_t number_ = 0;
  std::uint8_t index_ = 0;
};

}  // namespace meterlens::camera
