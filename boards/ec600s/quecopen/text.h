/* Writes short texts piece by piece; the caller has made sure of the room. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t put_text(char* out, const char* text) {
  const size_t chars = strlen(text);
  memcpy(out, text, chars);
  return chars;
}

/* At most 10 characters. */
static inline size_t put_number(char* out, uint32_t number) {
  char digits[10];
  size_t count = 0, written = 0;
  do {
    digits[count++] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  while (count > 0) out[written++] = digits[--count];
  return written;
}
