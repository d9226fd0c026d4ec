// From a shutter command to a photo in the flash: asks the sensor, takes its frame, writes it to
// the ring in small steps, hashes it on the way, then looks how bright it is. One shot at a time.
// No heap, no clock of its own, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "device/camera/ring.h"
#include "device/port.h"
#include "protocol/luminance.h"
#include "protocol/message.h"

namespace meterlens::camera {

inline constexpr std::uint64_t shot_timeout_ms = 15'000;
inline constexpr std::uint64_t shot_poll_ms = 5;
// Written to the flash in one step.
inline constexpr std::size_t flash_step_bytes = 8192;
inline constexpr std::uint8_t save_attempts_max = 3;

// Of its luminance, looked at in one step.
inline constexpr std::uint32_t walk_step_units = 256;

enum class SensorFault : std::uint8_t { none, no_answer, timeout, gave_up };

// How a shot ended. `failure` none: the photo is in the ring.
struct ShotResult {
  std::uint32_t command_id = 0;
  protocol::CaptureFailure failure = protocol::CaptureFailure::none;
  SensorFault fault = SensorFault::none;   // with failure sensor
  std::uint32_t photo_id = 0;              // without a failure
  std::optional<protocol::Luminance> luminance = {};  // nothing: its data are not understood
};

class Shooter {
 public:
  Shooter(const MeterlensSensor& sensor, PhotoRing& ring);

  // false: a shot is under way, or the sensor does not answer (see `busy`). 0: no command's.
  bool shoot(std::uint32_t command_id, std::uint64_t now_ms);
  // Goes on; a result once a shot.
  std::optional<ShotResult> step(std::uint64_t now_ms, std::uint64_t clock_ms,
                                 protocol::Dialect dialect);
  bool busy() const { return state_ != State::idle; }
  std::uint32_t command_id() const { return photo_.command_id; }
  // When to call `step` again; UINT64_MAX while idle.
  std::uint64_t due_ms(std::uint64_t now_ms) const;

 private:
  enum class State : std::uint8_t { idle, exposing, preparing, writing, walking };

  ShotResult finish(protocol::CaptureFailure failure, SensorFault fault = SensorFault::none);
  std::optional<ShotResult> expose(std::uint64_t now_ms, std::uint64_t clock_ms);
  std::optional<ShotResult> prepare();
  std::optional<ShotResult> write(protocol::Dialect dialect);
  std::optional<ShotResult> walk();
  std::optional<ShotResult> retry_save();

  MeterlensSensor sensor_;
  PhotoRing& ring_;
  State state_ = State::idle;
  Photo photo_;
  Bytes frame_;
  std::size_t written_ = 0;
  std::uint8_t attempts_ = 0;
  protocol::Sha256 sum_;
  protocol::LuminanceWalk walk_;
  std::uint64_t started_ms_ = 0;
};

}  // namespace meterlens::camera
