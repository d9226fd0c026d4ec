/* What this device is told in a small text file on the module: one `key = value` a line, `#` begins
 * a comment line, the last line is `end` (without it the file is torn, and refused). Keys: broker
 * (HOST or HOST:PORT), device, user, password, dialect (native, smartdtu), product, apn, baud_max,
 * and of TLS the names of PEM files beside this one: ca (with it TLS is spoken, and the broker's
 * certificate must come from there), certificate and key (the device's own, both or none).
 * broker and device are required; each key at most once. Portable C, no heap, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METERLENS_CONFIG_BYTES_MAX 1024
#define METERLENS_CONFIG_HOST_CHARS_MAX 128
#define METERLENS_CONFIG_NAME_CHARS_MAX 64
#define METERLENS_CONFIG_LOGIN_CHARS_MAX 128

typedef struct MeterlensConfig {
  char host[METERLENS_CONFIG_HOST_CHARS_MAX + 1];
  uint16_t port; /* unless it is told: 1883, with TLS 8883 */
  char device[METERLENS_CONFIG_NAME_CHARS_MAX + 1];
  char product[METERLENS_CONFIG_NAME_CHARS_MAX + 1];
  char user[METERLENS_CONFIG_LOGIN_CHARS_MAX + 1];
  char password[METERLENS_CONFIG_LOGIN_CHARS_MAX + 1];
  char apn[METERLENS_CONFIG_NAME_CHARS_MAX + 1]; /* empty: the network's own */
  char ca[METERLENS_CONFIG_NAME_CHARS_MAX + 1];          /* empty: no TLS */
  char certificate[METERLENS_CONFIG_NAME_CHARS_MAX + 1]; /* empty: none of its own */
  char key[METERLENS_CONFIG_NAME_CHARS_MAX + 1];
  bool smartdtu;
  uint32_t baud_max; /* 115200 to 921600 */
} MeterlensConfig;

#ifdef __cplusplus
extern "C" {
#endif

/* NULL: taken. Else what is wrong, in a few words without any value; *line counts from 1. */
const char* meterlens_config_read(const char* text, size_t bytes, MeterlensConfig* out,
                                  uint32_t* line);

#ifdef __cplusplus
}
#endif
