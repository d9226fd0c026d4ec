#include "boards/ec600s/quecopen/board.h"
#include "boards/ec600s/quecopen/sdk.h"

enum { first_baud = 115200, bits_per_byte = 10, flush_ms_max = 50 };

static struct {
  uint32_t baud, baud_max;
  unsigned char waiting[256]; /* pulled, not yet taken by the driver */
  size_t count, taken;
  uint64_t quiet_ms; /* when the last byte that the driver took has left, by arithmetic */
} line;

static void hear(QL_UART_PORT_NUMBER_E port, void* argument) {
  (void)port;
  (void)argument;
  meterlens_wake();
}

static bool open_at(uint32_t baud) {
  if (ql_uart_open(QL_MAIN_UART_PORT, (int)baud, QL_FC_NONE) != 0) return false;
  line.baud = baud;
  return ql_uart_register_cb(QL_MAIN_UART_PORT, hear) == 0;
}

bool meterlens_uart_open(uint32_t baud_max) {
  line.baud_max = baud_max;
  return open_at(first_baud);
}

/* false: the driver took less than all. */
static bool flush(void) {
  while (line.taken < line.count) {
    const size_t left = line.count - line.taken;
    const int taken =
        ql_uart_write(QL_MAIN_UART_PORT, line.waiting + line.taken, (unsigned int)left);
    if (taken <= 0 || (size_t)taken > left) return false;
    line.taken += (size_t)taken;
    const uint64_t now_ms = meterlens_uptime_ms();
    if (line.quiet_ms < now_ms) line.quiet_ms = now_ms;
    line.quiet_ms += ((uint64_t)taken * bits_per_byte * 1000 + line.baud - 1) / line.baud;
  }
  return true;
}

static bool set_baud(void* context, uint32_t baud) {
  (void)context;
  const uint64_t limit_ms = meterlens_uptime_ms() + flush_ms_max;
  while (!flush()) {
    if (meterlens_uptime_ms() >= limit_ms) return false;
    ql_rtos_task_sleep_ms(METERLENS_TICK_MS);
  }
  /* What was written leaves at the former speed. */
  while (meterlens_uptime_ms() <= line.quiet_ms) ql_rtos_task_sleep_ms(METERLENS_TICK_MS);
  const uint32_t former = line.baud;
  ql_uart_close(QL_MAIN_UART_PORT);
  if (open_at(baud)) return true;
  open_at(former);
  return false;
}

MeterlensLine meterlens_uart_line(void) {
  return (MeterlensLine){.context = NULL, .baud_max = line.baud_max, .set_baud = set_baud};
}

size_t meterlens_uart_read(void* out, size_t bytes_max) {
  const int count = ql_uart_read(QL_MAIN_UART_PORT, out, (unsigned int)bytes_max);
  return count > 0 && (size_t)count <= bytes_max ? (size_t)count : 0;
}

bool meterlens_uart_write(MeterlensDtu* dtu) {
  while (flush()) {
    line.taken = 0;
    line.count = meterlens_dtu_pull(dtu, line.waiting, sizeof line.waiting, meterlens_uptime_ms());
    if (line.count == 0) return false;
  }
  return true;
}
