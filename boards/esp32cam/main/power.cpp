#include "power.h"

#include <algorithm>

#include "board.h"
#include "driver/gpio.h"
#include "driver/rtc_io.h"
#include "esp_attr.h"
#include "esp_core_dump.h"
#include "esp_log.h"
#include "esp_sleep.h"
#include "esp_system.h"

namespace meterlens::esp32cam {
namespace {

// The timer counts in 48 bits of a clock of 150 kHz; a month is far below.
constexpr std::uint64_t sleep_ms_max = 31ULL * 24 * 3600 * 1000;
constexpr auto line_rx = static_cast<gpio_num_t>(board.line_rx);

MeterlensReset reset_cause() {
  switch (esp_reset_reason()) {
    case ESP_RST_POWERON: return METERLENS_RESET_POWER_ON;
    case ESP_RST_EXT: return METERLENS_RESET_PIN;
    case ESP_RST_SW: return METERLENS_RESET_RESTART;
    case ESP_RST_PANIC:
    case ESP_RST_CPU_LOCKUP: return METERLENS_RESET_CRASH;
    case ESP_RST_INT_WDT:
    case ESP_RST_TASK_WDT:
    case ESP_RST_WDT: return METERLENS_RESET_WATCHDOG;
    case ESP_RST_DEEPSLEEP: return METERLENS_RESET_WAKE;
    case ESP_RST_BROWNOUT:
    case ESP_RST_PWR_GLITCH: return METERLENS_RESET_BROWN_OUT;
    default: return METERLENS_RESET_UNKNOWN;
  }
}

// A dump stays until the next one: it tells of this reset only if this reset was a crash.
std::uint32_t crash_address(MeterlensReset cause) {
  const bool crashed = cause == METERLENS_RESET_CRASH || cause == METERLENS_RESET_WATCHDOG;
  if (!crashed || esp_core_dump_image_check() != ESP_OK) return 0;
  static esp_core_dump_summary_t summary;
  if (esp_core_dump_get_summary(&summary) != ESP_OK) return 0;
  return summary.exc_pc;
}

// Holds an output as it is while the chip sleeps.
void hold(int pin, int level) {
  if (pin < 0) return;
  const auto number = static_cast<gpio_num_t>(pin);
  gpio_set_direction(number, GPIO_MODE_OUTPUT);
  gpio_set_level(number, level);
  gpio_hold_en(number);
}

void sleep_lightly(std::uint64_t ms) {
  esp_sleep_enable_timer_wakeup(ms * 1000);
  gpio_wakeup_enable(line_rx, GPIO_INTR_LOW_LEVEL);
  esp_sleep_enable_gpio_wakeup();
  esp_light_sleep_start();
  gpio_wakeup_disable(line_rx);
  esp_sleep_disable_wakeup_source(ESP_SLEEP_WAKEUP_ALL);
}

void sleep_deeply(std::uint64_t ms) {
  hold(board.camera.pwdn, 1);
  hold(board.led, board.led_lights_high ? 0 : 1);
  hold(board.hold, 1);
#if !SOC_GPIO_SUPPORT_HOLD_SINGLE_IO_IN_DSLP
  gpio_deep_sleep_hold_en();
#endif
  // A quiet line is high; the start bit of the first byte wakes.
  rtc_gpio_pullup_en(line_rx);
  rtc_gpio_pulldown_dis(line_rx);
  esp_sleep_enable_ext0_wakeup(line_rx, 0);
  esp_sleep_enable_timer_wakeup(ms * 1000);
  esp_deep_sleep_start();
}

void sleep(UartLine& line, bool deep, std::uint64_t ms) {
  line.drain();
  const std::uint64_t bounded_ms = std::clamp<std::uint64_t>(ms, 1, sleep_ms_max);
  if (deep)
    sleep_deeply(bounded_ms);
  else
    sleep_lightly(bounded_ms);
}

}  // namespace

void keep_board_on() {
#if !SOC_GPIO_SUPPORT_HOLD_SINGLE_IO_IN_DSLP
  gpio_deep_sleep_hold_dis();
#endif
  if (rtc_gpio_is_valid_gpio(line_rx)) rtc_gpio_deinit(line_rx);
  if (board.hold < 0) return;
  const auto pin = static_cast<gpio_num_t>(board.hold);
  gpio_set_direction(pin, GPIO_MODE_OUTPUT);
  gpio_set_level(pin, 1);
  gpio_hold_dis(pin);
}

MeterlensPower power_port(UartLine* line) {
  RTC_DATA_ATTR static std::uint32_t survives_sleep;
  MeterlensPower port{};
  port.reset_cause = reset_cause();
  port.crash_address = crash_address(port.reset_cause);
  port.restart = [](void*) { esp_restart(); };
  if (line == nullptr) return port;
  port.context = line;
  port.survives_sleep = &survives_sleep;
  port.sleep = [](void* self, bool deep, std::uint64_t ms) {
    sleep(*static_cast<UartLine*>(self), deep, ms);
  };
  return port;
}

}  // namespace meterlens::esp32cam
