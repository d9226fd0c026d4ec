#include "device/camera/shooter.h"

#include <algorithm>
#include <limits>

namespace meterlens::camera {

using protocol::CaptureFailure;

Shooter::Shooter(const MeterlensSensor& sensor, PhotoRing& ring) : sensor_(sensor), ring_(ring) {}

bool Shooter::shoot(std::uint32_t command_id, std::uint64_t now_ms) {
  if (busy()) return false;
  photo_ = {};
  photo_.command_id = command_id;
  if (!sensor_.start(sensor_.context)) return false;
  started_ms_ = now_ms;
  state_ = State::exposing;
  return true;
}

std::optional<ShotResult> Shooter::step(std::uint64_t now_ms, std::uint64_t clock_ms,
                                        protocol::Dialect dialect) {
  switch (state_) {
    case State::exposing: return expose(now_ms, clock_ms);
    case State::preparing: return prepare();
    case State::writing: return write(dialect);
    case State::walking: return walk();
    default: return std::nullopt;
  }
}

ShotResult Shooter::finish(CaptureFailure failure, SensorFault fault) {
  sensor_.release(sensor_.context);
  state_ = State::idle;
  return {photo_.command_id, failure, fault};
}

std::optional<ShotResult> Shooter::expose(std::uint64_t now_ms, std::uint64_t clock_ms) {
  const std::uint8_t* jpeg = nullptr;
  std::uint32_t bytes = 0;
  const int result = sensor_.poll(sensor_.context, &jpeg, &bytes);
  if (result == 0 && now_ms - started_ms_ < shot_timeout_ms) return std::nullopt;
  if (result <= 0)
    return finish(CaptureFailure::sensor,
                  result == 0 ? SensorFault::timeout : SensorFault::gave_up);
  if (bytes == 0) return finish(CaptureFailure::empty);
  if (bytes > std::min<std::size_t>(ring_.photo_bytes_max(), protocol::photo_bytes_max))
    return finish(CaptureFailure::too_large);
  frame_ = Bytes(jpeg, bytes);
  photo_.shot_at_ms = now_ms;
  photo_.shot_since_start = true;
  photo_.captured_at_ms = clock_ms == 0 ? 0 : now_ms + clock_ms;
  attempts_ = 0;
  state_ = State::preparing;
  return std::nullopt;
}

std::optional<ShotResult> Shooter::prepare() {
  const FlashStep step = ring_.prepare();
  if (step == FlashStep::failed) return retry_save();
  if (step == FlashStep::pending) return std::nullopt;
  written_ = 0;
  sum_ = {};
  state_ = State::writing;
  return std::nullopt;
}

std::optional<ShotResult> Shooter::write(protocol::Dialect dialect) {
  const Bytes part = frame_.subspan(written_, std::min(flash_step_bytes, frame_.size() - written_));
  if (!ring_.write(part)) return retry_save();
  sum_.add(part);
  written_ += part.size();
  if (written_ < frame_.size()) return std::nullopt;
  photo_.sha256 = sum_.digest();
  if (!ring_.commit(photo_, dialect)) return retry_save();
  // The photo is safe and may be sent; what follows only looks at it.
  photo_.id = ring_.next_id() - 1;
  walk_.begin(frame_);
  state_ = State::walking;
  return std::nullopt;
}

std::optional<ShotResult> Shooter::walk() {
  const auto walked = walk_.step(walk_step_units);
  if (walked == protocol::LuminanceWalk::State::walking) return std::nullopt;
  ShotResult result = finish(CaptureFailure::none);
  result.photo_id = photo_.id;
  if (walked == protocol::LuminanceWalk::State::done) result.luminance = walk_.result();
  return result;
}

std::optional<ShotResult> Shooter::retry_save() {
  if (++attempts_ == save_attempts_max) return finish(CaptureFailure::flash);
  state_ = State::preparing;
  return std::nullopt;
}

std::uint64_t Shooter::due_ms(std::uint64_t now_ms) const {
  if (!busy()) return std::numeric_limits<std::uint64_t>::max();
  return state_ == State::exposing ? now_ms + shot_poll_ms : now_ms;
}

}  // namespace meterlens::camera
