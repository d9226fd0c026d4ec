// The serial line on UART1: to a DTU (whose speed changes, MeterlensLine), or to a modem. Nothing
// blocks: what is read has come, what is written fits the driver's buffer. Its calls are for the
// loop's task, which it wakes when bytes come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "device/port.h"
#include "loop.h"

namespace meterlens::esp32cam {

class UartLine {
 public:
  UartLine(Loop& loop, std::uint32_t baud);

  std::size_t read(std::span<std::uint8_t> out);
  // Calls `pull(span)` for as long as the line has room and `pull` has something to say.
  template <class Pull>
  void write(Pull pull) {
    std::uint8_t bytes[chunk_bytes];
    while (pending_bytes() + chunk_bytes <= pending_bytes_max) {
      const std::size_t count = pull(std::span<std::uint8_t>(bytes));
      if (count == 0) return;
      send({bytes, count});
    }
  }
  // When the line has room again, if it has none now; UINT64_MAX otherwise.
  std::uint64_t room_due_ms(std::uint64_t now_ms) const;

  // Waits until all that was written has left, 200 ms at most. false: it has not.
  bool drain();
  // Holds as long as this object.
  MeterlensLine port(std::uint32_t baud_max);

 private:
  static constexpr std::size_t chunk_bytes = 256;
  static constexpr std::size_t pending_bytes_max = 1024;

  std::size_t pending_bytes() const;
  void send(std::span<const std::uint8_t> bytes);
  bool set_baud(std::uint32_t baud);
  void watch();

  Loop& loop_;
  std::uint32_t baud_;
  std::int64_t quiet_us_ = 0;  // when the last byte written has left
  void* events_ = nullptr;
};

}  // namespace meterlens::esp32cam
