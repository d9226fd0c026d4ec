#include "boards/qemu/arm/board.h"

#include <algorithm>
#include <string_view>

#include "protocol/require.h"

namespace meterlens::boards::qemu {
namespace {

using protocol::require;

// Registers of the datasheet "LM3S6965 Microcontroller" (UART: a PL011) and of ARMv7-M.
constexpr std::uintptr_t uart_base = 0x4000'C000;
constexpr std::uintptr_t uart_bytes = 0x1000;
constexpr std::uintptr_t uart_data = 0x00, uart_flags = 0x18, uart_line = 0x2C, uart_control = 0x30,
                         uart_interrupts = 0x38;
constexpr std::uint32_t flag_nothing_came = 1U << 4, flag_full = 1U << 5;
constexpr std::uint32_t line_8n1_fifos = 3U << 5 | 1U << 4;
constexpr std::uint32_t control_on = 1U << 0 | 1U << 8 | 1U << 9;
constexpr std::uint32_t interrupt_came = 1U << 4 | 1U << 6;
constexpr std::uintptr_t clock_gates_uart = 0x400F'E104;
constexpr std::uintptr_t interrupts_on = 0xE000'E100;
constexpr unsigned first_uart_interrupt = 5;
constexpr std::uintptr_t tick_control = 0xE000'E010, tick_reload = 0xE000'E014;
// The machine's processor clock after a reset.
constexpr std::uint32_t cycles_a_ms = 12'500;

volatile std::uint32_t& at(std::uintptr_t address) {
  return *reinterpret_cast<volatile std::uint32_t*>(address);
}

std::array<Uart*, 2> uarts{};
volatile std::uint64_t ticks_ms = 1;

void lock() { asm volatile("cpsid i" ::: "memory"); }
void unlock() { asm volatile("cpsie i" ::: "memory"); }

// The operations of "Semihosting for AArch32 and AArch64".
enum class Ask : std::uint32_t {
  open = 0x01,
  close = 0x02,
  print = 0x04,
  write = 0x05,
  read = 0x06,
  seek = 0x0A,
  length = 0x0C,
  exit = 0x20,
};

std::int32_t ask_host(Ask what, const void* argument) {
  register std::uint32_t operation asm("r0") = static_cast<std::uint32_t>(what);
  register const void* parameter asm("r1") = argument;
  asm volatile("bkpt 0xAB" : "+r"(operation) : "r"(parameter) : "memory");
  return static_cast<std::int32_t>(operation);
}

template <typename... Words>
std::int32_t ask_host(Ask what, Words... words) {
  const std::array<std::uint32_t, sizeof...(Words)> block = {static_cast<std::uint32_t>(words)...};
  return ask_host(what, static_cast<const void*>(block.data()));
}

std::uint32_t address(const void* pointer) {
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(pointer));
}

}  // namespace

void start_clock() {
  at(tick_reload) = cycles_a_ms - 1;
  at(tick_control) = 7;  // on, interrupt, processor clock
}

// Eight bytes are not read at once.
std::uint64_t uptime_ms() {
  lock();
  const std::uint64_t now = ticks_ms;
  unlock();
  return now;
}

Uart::Uart(unsigned number, std::span<std::uint8_t> in, std::span<std::uint8_t> out)
    : registers_(uart_base + number * uart_bytes), in_(in), out_(out) {
  require(number < uarts.size() && in.size() > 1 && out.size() > 1);
  uarts[number] = this;
  at(clock_gates_uart) = at(clock_gates_uart) | 1U << number;
  at(registers_ + uart_line) = line_8n1_fifos;
  at(registers_ + uart_control) = control_on;
  at(registers_ + uart_interrupts) = interrupt_came;
  at(interrupts_on) = 1U << (first_uart_interrupt + number);
}

void Uart::receive() {
  while ((at(registers_ + uart_flags) & flag_nothing_came) == 0) {
    const std::size_t next = (in_tail_ + 1) % in_.size();
    if (next == in_head_) {
      at(registers_ + uart_interrupts) = 0;  // until `take` has made room
      return;
    }
    in_[in_tail_] = static_cast<std::uint8_t>(at(registers_ + uart_data));
    in_tail_ = next;
  }
}

std::size_t Uart::take(std::span<std::uint8_t> out) {
  std::size_t count = 0;
  while (count < out.size() && has_input()) {
    out[count++] = in_[in_head_];
    in_head_ = (in_head_ + 1) % in_.size();
  }
  if (count > 0) at(registers_ + uart_interrupts) = interrupt_came;
  return count;
}

std::size_t Uart::room() const { return (out_head_ + out_.size() - out_tail_ - 1) % out_.size(); }

void Uart::put(std::span<const std::uint8_t> bytes) {
  require(bytes.size() <= room());
  for (const std::uint8_t byte : bytes) {
    out_[out_tail_] = byte;
    out_tail_ = (out_tail_ + 1) % out_.size();
  }
}

void Uart::flush() {
  while (out_head_ != out_tail_ && (at(registers_ + uart_flags) & flag_full) == 0) {
    at(registers_ + uart_data) = out_[out_head_];
    out_head_ = (out_head_ + 1) % out_.size();
  }
}

void sleep(const Uart& one, const Uart& other) {
  lock();
  // An interrupt ends this although it is held back until `unlock`, so that none is slept over.
  if (!one.has_input() && !other.has_input()) asm volatile("wfi" ::: "memory");
  unlock();
}

HostFile::HostFile(const char* path, Mode mode)
    : handle_(ask_host(Ask::open, address(path), mode, std::string_view(path).size())) {}

HostFile::~HostFile() {
  if (is_open()) ask_host(Ask::close, handle_);
}

std::uint32_t HostFile::bytes() const {
  return static_cast<std::uint32_t>(ask_host(Ask::length, handle_));
}

bool HostFile::read(std::uint32_t offset, void* out, std::uint32_t count) const {
  return ask_host(Ask::seek, handle_, offset) == 0 &&
         ask_host(Ask::read, handle_, address(out), count) == 0;
}

bool HostFile::write(std::uint32_t offset, const void* data, std::uint32_t count) const {
  return ask_host(Ask::seek, handle_, offset) == 0 &&
         ask_host(Ask::write, handle_, address(data), count) == 0;
}

void fail(const char* text) {
  ask_host(Ask::print, static_cast<const void*>(text));
  constexpr std::uint32_t application_exit = 0x20026;
  ask_host(Ask::exit, application_exit, 1);
  while (true) {
  }
}

}  // namespace meterlens::boards::qemu

extern "C" {

void on_tick() { meterlens::boards::qemu::ticks_ms = meterlens::boards::qemu::ticks_ms + 1; }
void on_uart0() { meterlens::boards::qemu::uarts[0]->receive(); }
void on_uart1() { meterlens::boards::qemu::uarts[1]->receive(); }
void on_fault() {
  meterlens::boards::qemu::fail("fault: a broken promise, a wrong address or no stack left\n");
}
}
