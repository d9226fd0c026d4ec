/* The parts of the port, each one C file. Memory: all static, one DTU a module. Two tasks: the
 * core's (main.c) calls the DTU and every function of MeterlensDtuBoard; the network's (mqtt.c)
 * calls the SDK's blocking network and MQTT functions. They meet in mqtt.c, under its mutex. */
#pragma once

#include "boards/ec600s/quecopen/config.h"
#include "boards/ec600s/quecopen/meterlens_dtu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The program of the module: reads the settings, starts the tasks, and is the core's task; does not
 * return. The SDK's start of applications calls it (README.md). */
void meterlens_main(void* argument);

/* ms since the start, of any task. */
uint64_t meterlens_uptime_ms(void);
/* Wakes the core's task. From any task, and from the UART's callback. */
void meterlens_wake(void);

/* uart.c: the camera's line, begins at 115200 baud. */
bool meterlens_uart_open(uint32_t baud_max);
MeterlensLine meterlens_uart_line(void);
size_t meterlens_uart_read(void* out, size_t bytes_max);
/* Moves what the DTU has for the line into the driver. true: some is left that the driver did not
 * take; call again in a few ms. */
bool meterlens_uart_write(MeterlensDtu* dtu);

/* files.c: the settings file, and two areas. */
MeterlensAreas meterlens_files_areas(void);
/* The whole path of a file beside the settings file; false: it has no room in `out`. */
bool meterlens_files_path(const char* name, char* out, size_t bytes);
/* How many bytes; below 0: there is no such file. A longer file gives bytes_max. */
int meterlens_files_read(const char* name, void* out, size_t bytes_max);

/* network.c: registration, data call, who we are, how well we hear. Network's task, but for the
 * clock. */
bool meterlens_network_up(const MeterlensConfig* config);
enum { METERLENS_PROFILE = 1 }; /* of the data call */
/* After a connection could not be made: the data call is made anew. */
void meterlens_network_drop(void);
typedef struct MeterlensRadio {
  char imei[16];  /* 15 digits, zeros: not known */
  char iccid[24]; /* empty: not known */
  int dbm;        /* 0: not known */
} MeterlensRadio;
void meterlens_network_look(MeterlensRadio* radio);
/* ms since 1970; 0: the network has not told. Core's task. */
uint64_t meterlens_network_unix_ms(void);

/* mqtt.c. Begins the network's task. */
bool meterlens_mqtt_start(const MeterlensConfig* config);
MeterlensMqtt meterlens_mqtt_port(void);
/* Gives every message that has come to the DTU. */
void meterlens_mqtt_deliver(MeterlensDtu* dtu);
/* When the network's task last went round: it waits for the SDK, which may never answer. */
uint64_t meterlens_mqtt_alive_ms(void);

#ifdef __cplusplus
}
#endif
