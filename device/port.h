/* What a board provides to the device programs: a few C structs of function pointers with a
 * context. None of them blocks for longer than one flash sector takes; none is called from an
 * interrupt; all are called from the one thread that runs the core. Plain C, so that a vendor's C
 * layer can fill them in. The core holds a copy of the struct; context and functions must outlive
 * it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The image sensor. One shot at a time: start, poll until not 0, release. */
typedef struct MeterlensSensor {
  void* context;
  /* Begins a shot (LED, exposure). false: the sensor does not answer. */
  bool (*start)(void* context);
  /* 0: not yet. 1: *jpeg and *bytes (0 is possible) hold until `release`. -1: the shot failed. */
  int (*poll)(void* context, const uint8_t** jpeg, uint32_t* bytes);
  /* Ends the shot, whatever became of it: gives the frame back, LED off. */
  void (*release)(void* context);
} MeterlensSensor;

/* Flash memory as a ring of equal slots, one photo each. Erased bytes read as 0xFF; a byte is
 * programmed at most once between two erasures. What `program` returned true for survives a power
 * cut, in the order of the calls. Offsets and sizes are multiples of 16 but for the last of a
 * photo. */
typedef struct MeterlensFlash {
  void* context;
  uint32_t slot_count; /* 3 to 32; one is always kept free */
  uint32_t slot_bytes; /* of one slot; photo and 128 bytes of head fit in */
  bool (*read)(void* context, uint32_t slot, uint32_t offset, void* out, uint32_t bytes);
  bool (*program)(void* context, uint32_t slot, uint32_t offset, const void* data, uint32_t bytes);
  /* 1: erased. 0: at work, call again. -1: failed. */
  int (*erase)(void* context, uint32_t slot);
} MeterlensFlash;

/* The serial line between camera and DTU; it begins at 115200 baud. All zero: fixed speed. */
typedef struct MeterlensLine {
  void* context;
  uint32_t baud_max; /* the highest speed of this board's port: 115200 to 921600 */
  /* Sets the speed both ways. What was pulled before leaves at the former speed, what is pulled
   * later at the new one; what has come but was not yet handed over may be lost. Called from `step`
   * only. false: the port cannot, and stays at the former speed. NULL: fixed. */
  bool (*set_baud)(void* context, uint32_t baud);
} MeterlensLine;

typedef struct MeterlensMqttLogin {
  const char* client_id;
  const char* user;     /* empty: none */
  const char* password; /* empty: none */
  uint16_t keep_alive_s;
  bool clean_session;
  const char* will_topic; /* NULL: no will; else QoS 1, retained */
  const char* will_payload;
} MeterlensMqttLogin;

typedef enum MeterlensMqttState {
  METERLENS_MQTT_DOWN,
  METERLENS_MQTT_CONNECTING,
  METERLENS_MQTT_UP,
} MeterlensMqttState;

/* An MQTT client. Where its broker is, and TLS, are the board's own settings. Messages that arrive
 * are handed to Dtu::mqtt_in by the board. */
typedef struct MeterlensMqtt {
  void* context;
  /* Begins to connect; `state` tells how it went. The strings are copied. */
  void (*connect)(void* context, const MeterlensMqttLogin* login);
  void (*disconnect)(void* context);
  MeterlensMqttState (*state)(void* context);
  bool (*subscribe)(void* context, const char* topic, uint8_t qos);
  /* true: taken (copied), will be sent in order. false: not now. */
  bool (*publish)(void* context, const char* topic, const void* payload, uint32_t bytes,
                  uint8_t qos, bool retain);
  /* Messages taken that the broker has not acknowledged (QoS 1) or the client not sent (QoS 0). */
  uint32_t (*unacknowledged)(void* context);
  /* Network time in ms since 1970; 0 while it is not known. */
  uint64_t (*unix_ms)(void* context);
  /* What the board adds to the status: JSON members, a comma before each, at most `chars`; returns
   * how many were written. NULL: nothing. */
  uint32_t (*health)(void* context, char* out, uint32_t chars);
} MeterlensMqtt;
