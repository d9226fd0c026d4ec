/* The DTU's core (device/dtu) for a program in C. The library needs no C++ runtime, has no heap, no
 * static constructors and no variables: all of a DTU is in the storage that the caller gives.
 * Threads: every call on one DTU, and every call of its board's functions, in one task. `now_ms` is
 * the board's own clock, never going back. What to call when: device/dtu/dtu.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/port.h"

/* Storage for a DTU, aligned to METERLENS_DTU_ALIGNMENT. With 64-bit pointers it takes more than on
 * the module; meterlens_dtu_bytes tells exactly. */
#define METERLENS_DTU_BYTES 40960
#define METERLENS_DTU_ALIGNMENT 8
/* Of a topic and of a payload, either way. */
#define METERLENS_DTU_TOPIC_CHARS_MAX 144
#define METERLENS_DTU_MESSAGE_BYTES_MAX 4288

typedef struct MeterlensDtu MeterlensDtu;

/* The texts are kept by reference: they must outlive the DTU. */
typedef struct MeterlensDtuSettings {
  bool smartdtu;       /* the dialect: SmartDTU, else native */
  const char* product; /* smartdtu: product id */
  const char* device;  /* name on the broker; both of 1 to 64 A-Z a-z 0-9 . _ -, no leading dot */
  const char* user;    /* at most 128 characters; empty: none */
  const char* password;
  const char* firmware; /* 1 to 32 characters of a device name */
  const char* imei;     /* 15 digits */
  uint32_t jitter_seed; /* differs between devices and starts */
} MeterlensDtuSettings;

/* What the board provides; copied. `mqtt` is required, the others may be all zero. */
typedef struct MeterlensDtuBoard {
  MeterlensMqtt mqtt;
  MeterlensLine line;
  MeterlensAreas areas;
  MeterlensImages images;
  MeterlensPower power;
} MeterlensDtuBoard;

#ifdef __cplusplus
extern "C" {
#endif

size_t meterlens_dtu_bytes(void);
/* NULL: too little storage, wrongly aligned, or a setting out of its range. The DTU is the storage:
 * nothing has to be given back. */
MeterlensDtu* meterlens_dtu_create(void* storage, size_t bytes, const MeterlensDtuBoard* board,
                                   const MeterlensDtuSettings* settings);
void meterlens_dtu_start(MeterlensDtu* dtu, uint64_t now_ms);
void meterlens_dtu_serial_in(MeterlensDtu* dtu, const void* bytes, size_t count, uint64_t now_ms);
/* `topic` need not end in 0. */
void meterlens_dtu_mqtt_in(MeterlensDtu* dtu, const char* topic, size_t topic_chars,
                           const void* payload, size_t bytes, uint64_t now_ms);
void meterlens_dtu_step(MeterlensDtu* dtu, uint64_t now_ms);
/* Bytes for the serial line, at most `bytes_max`; 0: none. */
size_t meterlens_dtu_pull(MeterlensDtu* dtu, void* out, size_t bytes_max, uint64_t now_ms);
/* When `step` has something to do without anything coming in; UINT64_MAX: never. */
uint64_t meterlens_dtu_due_ms(const MeterlensDtu* dtu, uint64_t now_ms);
/* Says goodbye to the broker; go on with `step` until `stopped`. */
void meterlens_dtu_stop(MeterlensDtu* dtu, uint64_t now_ms);
bool meterlens_dtu_stopped(const MeterlensDtu* dtu);
bool meterlens_dtu_online(const MeterlensDtu* dtu);

#ifdef __cplusplus
}
#endif
