// Brings the camera's settings to the sensor: only what has changed, and between shots. No heap,
// one thread.
#pragma once

#include "device/port.h"
#include "protocol/settings.h"

namespace meterlens::camera {

MeterlensShot shot_of(const protocol::SettingValues& values);

class Tuner {
 public:
  explicit Tuner(const MeterlensSensor& sensor) : sensor_(sensor) {}

  // false: the sensor did not take it; the former is in force, and it is tried again next time.
  bool tune(const MeterlensShot& shot);

 private:
  MeterlensSensor sensor_;
  MeterlensShot taken_{};
  bool has_taken_ = false;
};

}  // namespace meterlens::camera
