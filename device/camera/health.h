// What the camera tells of itself, and when it is worth telling: at start, daily, and when
// something has gone wrong or come right. No heap, no clock of its own, one thread.
#pragma once

#include <cstdint>

#include "device/camera/shooter.h"
#include "device/link/camera_end.h"
#include "device/port.h"
#include "device/settings/kept.h"
#include "protocol/message.h"

namespace meterlens::camera {

inline constexpr std::uint64_t health_period_ms = 86'400'000;

class HealthBook {
 public:
  explicit HealthBook(const MeterlensPower& power);

  // Not before that; the daily ones count from it.
  void start(std::uint64_t from_ms) { due_ms_ = from_ms; }
  void note(const ShotResult& shot, std::int32_t dark_level, std::int32_t bright_level);
  void note_tuned(bool taken);
  // As these stand now; whether one has changed is found here.
  void note_lost(std::uint32_t photos_lost);
  void note_settings(std::uint32_t revision, const settings::Kept::Counters& kept);
  void note_line(const link::CameraEnd::Counters& line);
  void note_flaws(std::uint32_t flash_flaws) { health_.flash_flaws = flash_flaws; }

  // When `take` is to be called.
  std::uint64_t due_ms() const { return due_ms_; }
  protocol::Health take(std::uint64_t now_ms);

 private:
  void tell() { due_ms_ = told_once_ ? 0 : due_ms_; }

  protocol::Health health_;
  bool told_once_ = false;
  std::uint64_t due_ms_ = 0;
};

}  // namespace meterlens::camera
