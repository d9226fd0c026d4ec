#include "loop.h"

#include <algorithm>

#include "esp_task_wdt.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

namespace meterlens::esp32cam {

std::uint64_t uptime_ms() { return static_cast<std::uint64_t>(esp_timer_get_time()) / 1000; }

Loop::Loop() : task_(xTaskGetCurrentTaskHandle()) { ESP_ERROR_CHECK(esp_task_wdt_add(nullptr)); }

void Loop::wait_until(std::uint64_t due_ms) {
  esp_task_wdt_reset();
  const std::uint64_t now_ms = uptime_ms();
  const std::uint64_t wait_ms = due_ms <= now_ms ? 0 : std::min(due_ms - now_ms, wait_ms_max);
  // A tick even when something is due: the idle task has to run, or its watchdog bites.
  ulTaskNotifyTake(pdTRUE, std::max<TickType_t>(pdMS_TO_TICKS(wait_ms), 1));
}

void Loop::wake() { xTaskNotifyGive(static_cast<TaskHandle_t>(task_)); }

}  // namespace meterlens::esp32cam
