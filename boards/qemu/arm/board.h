// The LM3S6965 as QEMU's machine lm3s6965evb has it: a millisecond clock, two UARTs, sleep, and
// files and the exit status of the host by semihosting (a breakpoint that the emulator answers).
// Only registers that the machine emulates are touched; a real board needs its pins set up as well.
// One thread beside the interrupts; no heap. One Uart object a UART, for the program's whole life.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace meterlens::boards::qemu {

// Since `start_clock`; never 0.
void start_clock();
std::uint64_t uptime_ms();

// Bytes that came and were not yet taken, and bytes on their way out.
class Uart {
 public:
  // 0 or 1. Requires rooms for the two rings that outlive the object.
  Uart(unsigned number, std::span<std::uint8_t> in, std::span<std::uint8_t> out);
  Uart(const Uart&) = delete;
  Uart& operator=(const Uart&) = delete;

  std::size_t take(std::span<std::uint8_t> out);
  bool has_input() const { return in_head_ != in_tail_; }
  // Bytes that `put` takes now.
  std::size_t room() const;
  // Requires room for all of them.
  void put(std::span<const std::uint8_t> bytes);
  // Moves what is waiting into the hardware.
  void flush();
  // The interrupt's: fills the ring. A full ring leaves the bytes in the hardware, which holds the
  // sender back.
  void receive();

 private:
  std::uintptr_t registers_;
  std::span<std::uint8_t> in_;
  std::span<std::uint8_t> out_;
  volatile std::size_t in_head_ = 0;  // moved by `take`
  volatile std::size_t in_tail_ = 0;  // moved by the interrupt
  std::size_t out_head_ = 0;
  std::size_t out_tail_ = 0;
};

// Sleeps until an interrupt, at most a millisecond; not at all while either has input.
void sleep(const Uart& one, const Uart& other);

// A file of the host, in the folder where the emulator was started.
class HostFile {
 public:
  enum class Mode : std::uint32_t { read = 1, change = 3, create = 7 };  // "rb", "r+b", "w+b"
  // is_open() is false when there is none.
  HostFile(const char* path, Mode mode);
  ~HostFile();
  HostFile(const HostFile&) = delete;
  HostFile& operator=(const HostFile&) = delete;

  bool is_open() const { return handle_ >= 0; }
  std::uint32_t bytes() const;
  bool read(std::uint32_t offset, void* out, std::uint32_t count) const;
  bool write(std::uint32_t offset, const void* data, std::uint32_t count) const;

 private:
  std::int32_t handle_;
};

// Ends the emulator: text on its standard error, status 1.
[[noreturn]] void fail(const char* text);

}  // namespace meterlens::boards::qemu
