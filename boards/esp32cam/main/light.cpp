#include "light.h"

#include <cstdint>

#include "board.h"
#include "driver/gpio.h"
#include "driver/ledc.h"
#include "esp_log.h"

namespace meterlens::esp32cam {
namespace {

constexpr const char* tag = "light";
constexpr int kind_ws281x = 1;
// Timer and channel 0 make the sensor's clock.
constexpr ledc_timer_t timer = LEDC_TIMER_1;
constexpr ledc_channel_t channel = LEDC_CHANNEL_1;
// Well above the sensor's line rate times a few: no bands.
constexpr std::uint32_t pwm_hz = 20'000;
constexpr std::uint32_t duty_full = 1U << 10;

int pin_of(const MeterlensShot& shot) {
  return shot.lamp_pin >= 0 ? static_cast<int>(shot.lamp_pin) : board.led;
}

bool lights_high(int pin) { return pin != board.led || board.led_lights_high; }

std::uint32_t channel_of(std::int32_t rgb, int shift, std::int32_t percent) {
  return (static_cast<std::uint32_t>(rgb) >> shift & 0xFFU) * static_cast<std::uint32_t>(percent) /
         100U;
}

}  // namespace

bool Light::allows(const MeterlensShot& shot) {
  return shot.lamp_pin < 0 ||
         (shot.lamp_pin < 64 && (board.lamp_pins >> static_cast<unsigned>(shot.lamp_pin) & 1) != 0);
}

Light::Light() {
  if (board.led < 0) return;
  const auto pin = static_cast<gpio_num_t>(board.led);
  gpio_set_level(pin, board.led_lights_high ? 0 : 1);
  gpio_set_direction(pin, GPIO_MODE_OUTPUT);
  gpio_hold_dis(pin);  // deep sleep held it
}

void Light::on(const MeterlensShot& shot) {
  const int pin = pin_of(shot);
  if (shot.light == 0 || pin < 0) return;
  if (shot.lamp_pin >= 0 && shot.lamp_kind == kind_ws281x)
    row_on(pin, shot);
  else
    pwm_on(pin, static_cast<int>(shot.light_percent));
}

void Light::row_on(int pin, const MeterlensShot& shot) {
  led_strip_config_t row{};
  row.strip_gpio_num = pin;
  row.max_leds = static_cast<std::uint32_t>(shot.lamp_count);
  row.led_model = LED_MODEL_WS2812;
  row.color_component_format = LED_STRIP_COLOR_COMPONENT_FMT_GRB;
  led_strip_rmt_config_t rmt{};
  if (led_strip_new_rmt_device(&row, &rmt, &row_) != ESP_OK) {
    ESP_LOGE(tag, "no LED row on pin %d", pin);
    row_ = nullptr;
    return;
  }
  for (std::uint32_t i = 0; i < row.max_leds; ++i)
    led_strip_set_pixel(row_, i, channel_of(shot.lamp_rgb, 16, shot.light_percent),
                        channel_of(shot.lamp_rgb, 8, shot.light_percent),
                        channel_of(shot.lamp_rgb, 0, shot.light_percent));
  led_strip_refresh(row_);
}

void Light::pwm_on(int pin, int percent) {
  ledc_timer_config_t clock{};
  clock.speed_mode = LEDC_LOW_SPEED_MODE;
  clock.duty_resolution = LEDC_TIMER_10_BIT;
  clock.timer_num = timer;
  clock.freq_hz = pwm_hz;
  clock.clk_cfg = LEDC_AUTO_CLK;
  ledc_channel_config_t output{};
  output.gpio_num = pin;
  output.speed_mode = LEDC_LOW_SPEED_MODE;
  output.channel = channel;
  output.timer_sel = timer;
  output.duty = duty_full * static_cast<std::uint32_t>(percent) / 100U;
  output.flags.output_invert = lights_high(pin) ? 0 : 1;
  if (ledc_timer_config(&clock) != ESP_OK || ledc_channel_config(&output) != ESP_OK) {
    ESP_LOGE(tag, "no PWM on pin %d", pin);
    return;
  }
  pwm_pin_ = pin;
}

void Light::off() {
  if (row_ != nullptr) {
    led_strip_clear(row_);
    led_strip_del(row_);
    row_ = nullptr;
  }
  if (pwm_pin_ < 0) return;
  ledc_stop(LEDC_LOW_SPEED_MODE, channel, 0);  // before the inverter: dark on either kind
  pwm_pin_ = -1;
}

}  // namespace meterlens::esp32cam
