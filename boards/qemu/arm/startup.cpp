// From reset to `run_board` on a Cortex-M3: the vector table, variables as the program expects.
// `run_board` is the program's own and does not return.
#include <array>
#include <cstdint>

extern "C" {

extern std::uint32_t stack_top, data_begin, data_end, data_load, bss_begin, bss_end;

void on_tick();
void on_uart0();
void on_uart1();
void on_fault();
void run_board();

[[noreturn]] void start_board() {
  const std::uint32_t* from = &data_load;
  for (std::uint32_t* to = &data_begin; to != &data_end; ++to) *to = *from++;
  for (std::uint32_t* to = &bss_begin; to != &bss_end; ++to) *to = 0;
  run_board();
  while (true) {
  }
}
}

namespace {

using Vector = void (*)();
struct Vectors {
  std::uint32_t* stack;
  std::array<Vector, 15> processor;
  std::array<Vector, 7> board;  // 5 and 6: the UARTs
};

}  // namespace

// Every fault is the end; what is null is never enabled.
[[gnu::section(".vectors"), gnu::used]] constinit const Vectors vectors = {
    &stack_top,
    {start_board, on_fault, on_fault, on_fault, on_fault, on_fault, nullptr, nullptr, nullptr,
     nullptr, nullptr, nullptr, nullptr, nullptr, on_tick},
    {nullptr, nullptr, nullptr, nullptr, nullptr, on_uart0, on_uart1}};
