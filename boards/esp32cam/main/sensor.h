// The image sensor (MeterlensSensor) on esp32-camera. The driver blocks for as long as a frame
// takes, so it lives in a task of its own; `start` and `poll` only exchange a state with it. The
// sensor is powered for a shot, and for a short while after it in case another one follows.
// Owns: driver, frame buffer (in PSRAM), light. Its calls are for the loop's task.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "device/port.h"
#include "light.h"
#include "loop.h"

namespace meterlens::esp32cam {

class Sensor {
 public:
  static constexpr std::uint32_t stay_on_ms = 5'000;

  // Holds as long as this object, which is never destroyed. Wakes the loop when a shot has ended.
  explicit Sensor(Loop& loop);
  MeterlensSensor port();

 private:
  enum class State : std::uint8_t {
    idle,
    shooting,
    ready,
    failed,
    abandoned,  // given up while the driver still waits for a frame
    again,      // given up, and the next shot begins after it
  };

  bool tune(const MeterlensShot& shot);
  bool start();
  int poll(const std::uint8_t** jpeg, std::uint32_t* bytes);
  void release();

  // In the sensor's own task.
  void run();
  // true: the next shot begins at once.
  bool shoot();
  bool tidy_up();
  bool power_up();
  void power_down();
  void* take_frame();

  Loop& loop_;
  Light light_;
  void* task_ = nullptr;
  std::atomic<State> state_ = State::idle;
  std::mutex tuned_mutex_;
  MeterlensShot tuned_;    // for the next shot
  MeterlensShot shot_;     // of the sensor's task
  void* frame_ = nullptr;  // camera_fb_t: written before `ready`, read after
  bool is_on_ = false;
};

}  // namespace meterlens::esp32cam
