// One direction of a serial line: takes bytes from the sender as fast as the baud rate allows and
// brings them to the receiver, less faithfully where faults say so. One thread; `Events` and the
// faults outlive it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "protocol/checksum.h"
#include "sim/events.h"
#include "sim/faults.h"

namespace meterlens::sim {

inline constexpr std::int64_t line_baud = 115'200;  // 8N1: ten bits a byte
// Taken from the sender at once, as a UART's buffer holds.
inline constexpr std::size_t line_step_bytes = 128;

class Line {
 public:
  // Both ends; called at the times at which the line has room, and at which bytes have arrived.
  struct Ends {
    std::function<std::size_t(std::span<std::uint8_t>)> pull;
    std::function<void(protocol::Bytes)> deliver;
  };

  Line(Events& events, const Faults& faults, Random random, Ends ends);

  // The sender may have something to say.
  void nudge();
  bool busy() const { return busy_; }
  // What is on the wire is lost.
  void clear();
  void mute(bool muted) { muted_ = muted; }

 private:
  enum Kind : std::uint8_t { flip, drop, insert, repeat, kind_count };

  void arrive(const std::vector<std::uint8_t>& bytes);
  std::vector<std::uint8_t> spoil(const std::vector<std::uint8_t>& bytes);
  void spoil_at(Kind kind, std::size_t at, std::vector<std::uint8_t>& bytes);
  double mean_of(Kind kind) const;

  Events& events_;
  const Faults& faults_;
  Random random_;
  Ends ends_;
  bool busy_ = false;
  bool muted_ = false;
  std::uint64_t generation_ = 0;
  std::array<double, kind_count> to_next_{};  // bytes until the next fault of each kind
};

}  // namespace meterlens::sim
