// The light for photos: the board's LED or a lamp on a free pin, dimmed by PWM, or a row of WS281x.
// One task.
#pragma once

#include "device/port.h"
#include "led_strip.h"

namespace meterlens::esp32cam {

class Light {
 public:
  // false: no lamp may be connected to that pin on this board, or it has no light at all and the
  // shot wants one.
  static bool allows(const MeterlensShot& shot);
  // Makes the board's own LED dark.
  Light();
  // As the shot says; requires that it is allowed.
  void on(const MeterlensShot& shot);
  void off();

 private:
  void row_on(int pin, const MeterlensShot& shot);
  void pwm_on(int pin, int percent);

  int pwm_pin_ = -1;
  led_strip_handle_t row_ = nullptr;
};

}  // namespace meterlens::esp32cam
