#include <string.h>

#include "boards/ec600s/quecopen/board.h"
#include "boards/ec600s/quecopen/sdk.h"
#include "boards/ec600s/quecopen/text.h"

enum {
  config_retry_ms = 10000,
  wait_ms_max = 1000,
  /* Above the sum of the SDK's longest waits: registration, data call, connection, login. */
  network_silent_ms_max = 600000,
};

static const char firmware[] = "meterlens-quecopen-0.1.0";

static MeterlensConfig config;
static MeterlensRadio radio;
static _Alignas(METERLENS_DTU_ALIGNMENT) unsigned char storage[METERLENS_DTU_BYTES];
static ql_sem_t wake;
static ql_mutex_t clock_mutex;

uint64_t meterlens_uptime_ms(void) {
  static uint32_t last, wraps;
  ql_rtos_mutex_lock(clock_mutex, QL_WAIT_FOREVER);
  const uint32_t ticks = ql_rtos_get_systicks();
  if (ticks < last) ++wraps;
  last = ticks;
  const uint64_t all = (uint64_t)wraps << 32 | ticks;
  ql_rtos_mutex_unlock(clock_mutex);
  return all * METERLENS_TICK_MS;
}

void meterlens_wake(void) { ql_rtos_semaphore_release(wake); }

static void restart(void* context) {
  (void)context;
  ql_power_reset();
}

static void log_wrong_line(const char* wrong, uint32_t number) {
  char text[128] = "";
  size_t at = put_text(text, "settings: meterlens.txt, line ");
  at += put_number(text + at, number);
  at += put_text(text + at, ": ");
  if (strlen(wrong) < sizeof text - at) at += put_text(text + at, wrong);
  text[at] = '\0';
  METERLENS_LOG(text);
}

static bool read_config(void) {
  static char text[METERLENS_CONFIG_BYTES_MAX + 1];
  uint32_t line = 0;
  const int bytes = meterlens_files_read("meterlens.txt", text, sizeof text);
  if (bytes < 0) {
    METERLENS_LOG("settings: there is no meterlens.txt");
    return false;
  }
  const char* wrong = meterlens_config_read(text, (size_t)bytes, &config, &line);
  if (wrong != NULL) log_wrong_line(wrong, line);
  return wrong == NULL;
}

/* Differs between devices by the IMEI, between starts by the clock. */
static uint32_t jitter_seed(void) {
  uint32_t seed = (uint32_t)meterlens_network_unix_ms() ^ ql_rtos_get_systicks();
  for (const char* digit = radio.imei; *digit != '\0'; ++digit)
    seed = seed * 31 + (unsigned char)*digit;
  return seed;
}

static MeterlensDtu* create(void) {
  const MeterlensDtuBoard board = {.mqtt = meterlens_mqtt_port(),
                                   .line = meterlens_uart_line(),
                                   .areas = meterlens_files_areas(),
                                   .power = {.restart = restart}};
  const MeterlensDtuSettings settings = {.smartdtu = config.smartdtu,
                                         .product = config.product,
                                         .device = config.device,
                                         .user = config.user,
                                         .password = config.password,
                                         .firmware = firmware,
                                         .imei = radio.imei,
                                         .jitter_seed = jitter_seed()};
  return meterlens_dtu_create(storage, sizeof storage, &board, &settings);
}

static void wait_for_work(uint64_t due_ms, uint32_t most_ms) {
  const uint64_t now_ms = meterlens_uptime_ms();
  const uint64_t left_ms = due_ms > now_ms ? due_ms - now_ms : 1;
  ql_rtos_semaphore_wait(wake, left_ms < most_ms ? (uint32_t)left_ms : most_ms);
  /* One round serves all that has come until now. */
  for (int i = 0; i < 64 && ql_rtos_semaphore_wait(wake, 0) == 0; ++i) continue;
}

static void run(MeterlensDtu* dtu) {
  unsigned char bytes[512];
  meterlens_dtu_start(dtu, meterlens_uptime_ms());
  while (true) {
    for (size_t count; (count = meterlens_uart_read(bytes, sizeof bytes)) > 0;)
      meterlens_dtu_serial_in(dtu, bytes, count, meterlens_uptime_ms());
    meterlens_mqtt_deliver(dtu);
    meterlens_dtu_step(dtu, meterlens_uptime_ms());
    const bool full = meterlens_uart_write(dtu);
    const uint64_t now_ms = meterlens_uptime_ms();
    if (now_ms > meterlens_mqtt_alive_ms() + network_silent_ms_max) ql_power_reset();
    wait_for_work(meterlens_dtu_due_ms(dtu, now_ms), full ? METERLENS_TICK_MS : wait_ms_max);
  }
}

void meterlens_main(void* argument) {
  (void)argument;
  ql_rtos_mutex_create(&clock_mutex);
  ql_rtos_semaphore_create(&wake, 0);
  METERLENS_LOG("meterlens: starting");
  /* Whoever has the module on the table is perhaps just writing it. */
  while (!read_config()) ql_rtos_task_sleep_ms(config_retry_ms);
  meterlens_network_look(&radio);
  MeterlensDtu* dtu = meterlens_uart_open(config.baud_max) ? create() : NULL;
  if (dtu == NULL || !meterlens_mqtt_start(&config)) {
    METERLENS_LOG("meterlens: cannot start; the module restarts");
    ql_rtos_task_sleep_ms(config_retry_ms);
    ql_power_reset();
  }
  run(dtu);
}
