// A program in C on the library's interface, for the tests: an MQTT client that remembers.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { test_program_lengths = 512 };

typedef struct TestProgram {
  void* storage;
  size_t storage_bytes;
  const char* device;
  const char* imei;
  char subscribed[160], published_to[160], published[test_program_lengths];
  uint32_t publishes;
  size_t line_bytes; /* pulled for the serial line */
} TestProgram;

/* Creates a DTU, lets it connect, gives it `unit` from the camera. false: it was not created. */
bool test_program_run(TestProgram* program, const void* unit, size_t bytes);

#ifdef __cplusplus
}
#endif
