// What the camera hears on its serial line: COBS units (native) or bare JSON objects (a SmartDTU
// writes `{"capture": 1}` without any end mark), told apart byte by byte. A text counts only when
// it begins between two units or after a pause, is printable ASCII, and is one whole JSON object.
// Bounded memory, no heap, one thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "device/link/unit.h"
#include "protocol/json.h"

namespace meterlens::camera {

inline constexpr std::size_t text_in_bytes_max = 256;
inline constexpr std::uint64_t text_pause_ms = 50;

class Input {
 public:
  enum class Kind : std::uint8_t { none, unit, text };

  // Takes one byte. After `unit` and `text` the view of that name holds until the next call.
  Kind put(std::uint8_t byte, std::uint64_t now_ms);
  // Forgets what has begun; the counters stay.
  void reset();
  protocol::Bytes unit() const { return unit_; }
  std::string_view text() const { return {text_.data(), text_count_}; }
  const link::UnitReader::Counters& counters() const { return reader_.counters(); }

 private:
  bool put_text(std::uint8_t byte, bool may_begin);

  link::UnitReader reader_;
  protocol::Bytes unit_;
  protocol::JsonScanner scanner_;
  std::array<char, text_in_bytes_max> text_;
  std::size_t text_count_ = 0;
  bool in_text_ = false;
  bool between_ = true;
  std::uint64_t last_byte_ms_ = 0;
};

}  // namespace meterlens::camera
