// The types that <iosfwd> names, for std::string_view; there are no wide characters.
#pragma once
#include <stddef.h>
typedef struct {
  int state;
} mbstate_t;
typedef unsigned int wint_t;
#define WEOF 0xFFFFFFFFU
