/* What the port uses of the C library that the maker's SDK has; for measuring sizes without it. */
#pragma once

#include <stddef.h>

void* memchr(const void* in, int value, size_t bytes);
int memcmp(const void* a, const void* b, size_t bytes);
void* memcpy(void* to, const void* from, size_t bytes);
void* memset(void* to, int value, size_t bytes);
size_t strlen(const char* text);
