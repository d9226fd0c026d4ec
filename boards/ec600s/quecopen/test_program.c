#include "boards/ec600s/quecopen/test_program.h"

#include <string.h>

#include "boards/ec600s/quecopen/meterlens_dtu.h"

static void connect_now(void* context, const MeterlensMqttLogin* login) {
  (void)context;
  (void)login;
}

static void disconnect(void* context) { (void)context; }

static MeterlensMqttState state(void* context) {
  (void)context;
  return METERLENS_MQTT_UP;
}

static bool subscribe(void* context, const char* topic, uint8_t qos) {
  TestProgram* program = context;
  strncpy(program->subscribed, topic, sizeof program->subscribed - 1);
  return qos == 0;
}

static bool publish(void* context, const char* topic, const void* payload, uint32_t bytes,
                    uint8_t qos, bool retain) {
  TestProgram* program = context;
  (void)qos;
  (void)retain;
  if (bytes >= sizeof program->published) return false;
  strncpy(program->published_to, topic, sizeof program->published_to - 1);
  memcpy(program->published, payload, bytes);
  program->published[bytes] = '\0';
  ++program->publishes;
  return true;
}

static uint32_t unacknowledged(void* context) {
  (void)context;
  return 0;
}

static uint64_t unix_ms(void* context) {
  (void)context;
  return 1700000000000;
}

bool test_program_run(TestProgram* program, const void* unit, size_t bytes) {
  unsigned char line[600];
  const MeterlensDtuBoard board = {.mqtt = {.context = program,
                                            .connect = connect_now,
                                            .disconnect = disconnect,
                                            .state = state,
                                            .subscribe = subscribe,
                                            .publish = publish,
                                            .unacknowledged = unacknowledged,
                                            .unix_ms = unix_ms}};
  const MeterlensDtuSettings settings = {.device = program->device,
                                         .firmware = "c-1",
                                         .imei = program->imei,
                                         .jitter_seed = 1};
  MeterlensDtu* dtu =
      meterlens_dtu_create(program->storage, program->storage_bytes, &board, &settings);
  if (dtu == NULL) return false;
  meterlens_dtu_start(dtu, 1000);
  meterlens_dtu_step(dtu, 1000);
  meterlens_dtu_step(dtu, 1001);
  meterlens_dtu_serial_in(dtu, unit, bytes, 1002);
  meterlens_dtu_step(dtu, 1002);
  program->line_bytes = meterlens_dtu_pull(dtu, line, sizeof line, 1003);
  return meterlens_dtu_online(dtu) && meterlens_dtu_due_ms(dtu, 1003) > 1003;
}
