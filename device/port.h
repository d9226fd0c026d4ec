/* What a board provides to the device programs: a few C structs of function pointers with a
 * context. None of them blocks for longer than one flash sector takes; none is called from an
 * interrupt; all are called from the one thread that runs the core. Plain C, so that a vendor's C
 * layer can fill them in. The core holds a copy of the struct; context and functions must outlive
 * it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How a shot is to be taken; values and ranges are those of the camera's settings of the same name
 * (protocol/settings.cpp). A board without such a control passes over its value. */
typedef struct MeterlensShot {
  int32_t frame_size, crop_left, crop_top, crop_width, crop_height, jpeg_quality;
  int32_t exposure, exposure_bias, gain, gain_ceiling, white_balance;
  int32_t brightness, contrast, saturation, sharpness, mirror, flip, frames_to_drop;
  int32_t light, light_percent, light_lead_ms, lamp_pin, lamp_kind, lamp_count, lamp_rgb;
} MeterlensShot;

/* The image sensor. One shot at a time: start, poll until not 0, release. */
typedef struct MeterlensSensor {
  void* context;
  /* For the shots from now on; called between shots only. false: not possible (no such frame size),
   * the former stays. NULL: the board's own way, always. */
  bool (*tune)(void* context, const MeterlensShot* shot);
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

/* Two small areas of memory, 0 and 1, that survive a reset. All zero: nothing does. */
typedef struct MeterlensAreas {
  void* context;
  uint32_t bytes; /* of each: at least 512 */
  /* An area never written reads as 0xFF or 0 throughout. */
  bool (*read)(void* context, uint8_t area, void* out, uint32_t bytes);
  /* Replaces an area from its beginning; a power cut may leave a part of it, of this area only. */
  bool (*write)(void* context, uint8_t area, const void* data, uint32_t bytes);
} MeterlensAreas;

/* Program images: the one that runs, and room for a new one. All zero: no remote update. */
typedef struct MeterlensImages {
  void* context;
  uint32_t image_bytes_max;
  uint32_t version; /* of the running program: rises with every release */
  bool on_trial;    /* the running one has not been confirmed */
  bool fell_back;   /* a newer one was not confirmed, so that this one runs again */
  /* Makes the room empty. 1: done. 0: at work, call again. -1: failed. */
  int (*erase)(void* context);
  bool (*program)(void* context, uint32_t offset, const void* data, uint32_t bytes);
  bool (*read)(void* context, uint32_t offset, void* out, uint32_t bytes);
  /* From the next start on the new image runs, on trial: unless it is confirmed, the start after
   * that runs the old one again. false: the board does not take it. */
  bool (*try_new)(void* context);
  /* The running image stays. */
  bool (*confirm)(void* context);
} MeterlensImages;

typedef enum MeterlensReset {
  METERLENS_RESET_UNKNOWN,
  METERLENS_RESET_POWER_ON,
  METERLENS_RESET_BROWN_OUT,
  METERLENS_RESET_WATCHDOG,
  METERLENS_RESET_CRASH,
  METERLENS_RESET_RESTART, /* asked for by the program */
  METERLENS_RESET_WAKE,    /* from deep sleep */
  METERLENS_RESET_PIN,
} MeterlensReset;

/* What the board knows of its last reset, and its ways to stop. All zero: unknown, none. */
typedef struct MeterlensPower {
  void* context;
  MeterlensReset reset_cause;
  uint32_t crash_address; /* program counter of the crash; 0: none, or not known */
  /* Starts the program anew; does not return. */
  void (*restart)(void* context);
  /* Sleeps until a byte comes on the line or `ms` have passed (UINT64_MAX: by a byte alone); what
   * was pulled leaves before. Light sleep returns; the clock of the core has gone on. Deep sleep
   * does not: the program starts anew with METERLENS_RESET_WAKE. The bytes that wake it are lost.
   * Called from `step` only. NULL: never sleeps. */
  void (*sleep)(void* context, bool deep, uint64_t ms);
  /* One number that deep sleep leaves as it is (memory of the clock's domain). NULL: none. */
  uint32_t* survives_sleep;
} MeterlensPower;

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
