// What compilers take for granted and a C library would bring: memory functions, the ends of
// programs that break a promise, arithmetic that the processor has no instruction for.
// There is deliberately no malloc, operator new or delete: a core that asks for one does not link.
#include <stddef.h>
#include <stdint.h>

namespace {

// Bit by bit, as on paper.
template <typename Number>
Number divide(Number dividend, Number divisor, Number& rest) {
  constexpr int top = sizeof(Number) * 8 - 1;
  Number quotient = 0;
  rest = 0;
  for (int bit = top; bit >= 0; --bit) {
    const bool carry = rest >> top != 0;
    rest = rest << 1 | (dividend >> bit & 1);
    if (!carry && rest < divisor) continue;
    rest -= divisor;
    quotient |= Number{1} << bit;
  }
  return quotient;
}

}  // namespace

extern "C" {

void* memmove(void* to, const void* from, size_t bytes) {
  auto* out = static_cast<uint8_t*>(to);
  const auto* in = static_cast<const uint8_t*>(from);
  if (out <= in) {
    for (size_t i = 0; i < bytes; ++i) out[i] = in[i];
  } else {
    for (size_t i = bytes; i > 0; --i) out[i - 1] = in[i - 1];
  }
  return to;
}

void* memcpy(void* to, const void* from, size_t bytes) { return memmove(to, from, bytes); }

void* memset(void* to, int value, size_t bytes) {
  auto* out = static_cast<uint8_t*>(to);
  for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<uint8_t>(value);
  return to;
}

int memcmp(const void* a, const void* b, size_t bytes) {
  const auto* left = static_cast<const uint8_t*>(a);
  const auto* right = static_cast<const uint8_t*>(b);
  for (size_t i = 0; i < bytes; ++i)
    if (left[i] != right[i]) return left[i] - right[i];
  return 0;
}

void* memchr(const void* in, int value, size_t bytes) {
  const auto* at = static_cast<const uint8_t*>(in);
  for (size_t i = 0; i < bytes; ++i)
    if (at[i] == static_cast<uint8_t>(value)) return const_cast<uint8_t*>(at + i);
  return nullptr;
}

size_t strlen(const char* text) {
  size_t count = 0;
  while (text[count] != '\0') ++count;
  return count;
}

[[noreturn]] void abort() { __builtin_trap(); }

#ifdef __arm__

void __aeabi_memcpy(void* to, const void* from, size_t bytes) { memmove(to, from, bytes); }
void __aeabi_memcpy4(void* to, const void* from, size_t bytes) { memmove(to, from, bytes); }
void __aeabi_memcpy8(void* to, const void* from, size_t bytes) { memmove(to, from, bytes); }
void __aeabi_memmove(void* to, const void* from, size_t bytes) { memmove(to, from, bytes); }
void __aeabi_memmove4(void* to, const void* from, size_t bytes) { memmove(to, from, bytes); }
void __aeabi_memmove8(void* to, const void* from, size_t bytes) { memmove(to, from, bytes); }
void __aeabi_memset(void* to, size_t bytes, int value) { memset(to, value, bytes); }
void __aeabi_memset4(void* to, size_t bytes, int value) { memset(to, value, bytes); }
void __aeabi_memset8(void* to, size_t bytes, int value) { memset(to, value, bytes); }
void __aeabi_memclr(void* to, size_t bytes) { memset(to, 0, bytes); }
void __aeabi_memclr4(void* to, size_t bytes) { memset(to, 0, bytes); }
void __aeabi_memclr8(void* to, size_t bytes) { memset(to, 0, bytes); }

// The EABI returns the quotient in r0 and r1, the remainder in r2 and r3: where a vector of two
// 64-bit numbers is returned.
typedef uint64_t Division __attribute__((vector_size(16)));

Division __aeabi_uldivmod(uint64_t dividend, uint64_t divisor) {
  uint64_t rest = 0;
  const uint64_t quotient = divide(dividend, divisor, rest);
  return Division{quotient, rest};
}

#endif
#ifdef __XTENSA__

// Debian's libgcc for the lx106 leaves out what the chip has in its ROM.
uint32_t __udivsi3(uint32_t dividend, uint32_t divisor) {
  uint32_t rest = 0;
  return divide(dividend, divisor, rest);
}

uint32_t __umodsi3(uint32_t dividend, uint32_t divisor) {
  uint32_t rest = 0;
  divide(dividend, divisor, rest);
  return rest;
}

uint64_t __muldi3(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  for (; b != 0; b >>= 1, a <<= 1)
    if ((b & 1) != 0) product += a;
  return product;
}

#endif
}

namespace std {

// string_view::substr beyond the end.
[[noreturn]] void __throw_out_of_range_fmt(const char*, ...) { __builtin_trap(); }

}  // namespace std
