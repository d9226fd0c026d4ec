#include "boards/qemu/xtensa/simcall.h"

// The core has no registers but a1, the stack, to set up. Exceptions (user, kernel, double) stand
// at fixed places from VECBASE on, which is 0x40000000 after a reset; each is the end.
asm(R"(
  .section .reset, "ax"
  .global reset
reset:
  j start_board

  .section .text.start, "ax"
  .literal_position
start_board:
  movi a1, stack_top
  call0 run_board

  .section .vectors, "ax"
  .org 0x30
  movi a3, 70
  j end_by_fault
  .org 0x50
  movi a3, 71
  j end_by_fault
  .org 0x70
  movi a3, 72
end_by_fault:
  movi a2, 1
  simcall
)");

namespace meterlens::boards::qemu {
namespace {

// Numbers of Cadence's instruction set simulator, which QEMU follows.
constexpr int call_exit = 1;
constexpr int call_write = 4;

int simcall(int number, int first, const void* second, int third) {
  register int a2 asm("a2") = number;
  register int a3 asm("a3") = first;
  register const void* a4 asm("a4") = second;
  register int a5 asm("a5") = third;
  asm volatile("simcall" : "+r"(a2), "+r"(a3) : "r"(a4), "r"(a5) : "memory");
  return a2;
}

}  // namespace

void print(std::string_view text) {
  constexpr int standard_output = 1;
  simcall(call_write, standard_output, text.data(), static_cast<int>(text.size()));
}

void leave(int status) {
  simcall(call_exit, status, nullptr, 0);
  while (true) {
  }
}

}  // namespace meterlens::boards::qemu
