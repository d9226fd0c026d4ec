#include "uart_line.h"

#include <algorithm>

#include "board.h"
#include "driver/uart.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/task.h"

namespace meterlens::esp32cam {
namespace {

constexpr uart_port_t uart = UART_NUM_1;
// At 921600 baud 4096 bytes are 44 ms: as long as the loop may be held up by a flash sector.
constexpr int receive_bytes = 4096;
// Larger than what may be pending: the driver keeps heads of its own in it.
constexpr int send_bytes = 4096;
constexpr int event_count = 16;
constexpr std::uint32_t watch_stack_bytes = 2'560;
constexpr int watch_priority = 12;
constexpr std::uint32_t bits_a_byte = 10;
constexpr std::uint32_t second_us = 1'000'000;
constexpr TickType_t drain_ticks = pdMS_TO_TICKS(200);  // 1024 bytes take 89 ms at 115200

}  // namespace

UartLine::UartLine(Loop& loop, std::uint32_t baud) : loop_(loop), baud_(baud) {
  uart_config_t config{};
  config.baud_rate = static_cast<int>(baud);
  config.data_bits = UART_DATA_8_BITS;
  config.parity = UART_PARITY_DISABLE;
  config.stop_bits = UART_STOP_BITS_1;
  config.flow_ctrl = UART_HW_FLOWCTRL_DISABLE;
  config.source_clk = UART_SCLK_DEFAULT;
  QueueHandle_t events = nullptr;
  ESP_ERROR_CHECK(uart_driver_install(uart, receive_bytes, send_bytes, event_count, &events, 0));
  ESP_ERROR_CHECK(uart_param_config(uart, &config));
  ESP_ERROR_CHECK(
      uart_set_pin(uart, board.line_tx, board.line_rx, UART_PIN_NO_CHANGE, UART_PIN_NO_CHANGE));
  events_ = events;
  const BaseType_t made = xTaskCreate([](void* self) { static_cast<UartLine*>(self)->watch(); },
                                      "line", watch_stack_bytes, this, watch_priority, nullptr);
  ESP_ERROR_CHECK(made == pdPASS ? ESP_OK : ESP_ERR_NO_MEM);
}

void UartLine::watch() {
  for (;;) {
    uart_event_t event;
    // Losses are the link's to notice: its units have checksums.
    if (xQueueReceive(static_cast<QueueHandle_t>(events_), &event, portMAX_DELAY) == pdTRUE)
      loop_.wake();
  }
}

std::size_t UartLine::read(std::span<std::uint8_t> out) {
  std::size_t waiting = 0;
  uart_get_buffered_data_len(uart, &waiting);
  const std::size_t count = std::min(waiting, out.size());
  if (count == 0) return 0;
  const int got = uart_read_bytes(uart, out.data(), static_cast<std::uint32_t>(count), 0);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

// By the clock: the driver tells of its latest write alone.
std::size_t UartLine::pending_bytes() const {
  const std::int64_t left_us = quiet_us_ - esp_timer_get_time();
  if (left_us <= 0) return 0;
  return static_cast<std::size_t>(left_us * baud_ / (bits_a_byte * second_us) + 1);
}

void UartLine::send(std::span<const std::uint8_t> bytes) {
  uart_write_bytes(uart, bytes.data(), bytes.size());
  const std::uint64_t needs_us = std::uint64_t{bits_a_byte} * second_us * bytes.size() / baud_;
  quiet_us_ = std::max(quiet_us_, esp_timer_get_time()) + static_cast<std::int64_t>(needs_us);
}

std::uint64_t UartLine::room_due_ms(std::uint64_t now_ms) const {
  const std::size_t pending = pending_bytes();
  if (pending + chunk_bytes <= pending_bytes_max) return UINT64_MAX;
  const std::size_t too_many = pending + chunk_bytes - pending_bytes_max;
  return now_ms + 1 + too_many * bits_a_byte * 1000 / baud_;
}

MeterlensLine UartLine::port(std::uint32_t baud_max) {
  MeterlensLine port{};
  port.context = this;
  port.baud_max = baud_max;
  port.set_baud = [](void* self, std::uint32_t baud) {
    return static_cast<UartLine*>(self)->set_baud(baud);
  };
  return port;
}

bool UartLine::drain() {
  // The driver's own wait looks at the chip's buffer only, not at what is still before it.
  const TickType_t begin = xTaskGetTickCount();
  while (pending_bytes() > 0) {
    if (xTaskGetTickCount() - begin > drain_ticks) return false;
    vTaskDelay(1);
  }
  return uart_wait_tx_done(uart, drain_ticks) == ESP_OK;
}

bool UartLine::set_baud(std::uint32_t baud) {
  if (!drain()) return false;
  if (uart_set_baudrate(uart, baud) != ESP_OK) return false;
  uart_flush_input(uart);
  baud_ = baud;
  return true;
}

}  // namespace meterlens::esp32cam
