// What a modem has told of itself and its network: module and card numbers, signal, time. For the
// health report. No heap, one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "boards/ec600s/at/command.h"

namespace meterlens::at {

class Identity {
 public:
  static constexpr std::size_t json_chars_max = 96;

  explicit Identity(bool clock_is_local) : clock_is_local_(clock_is_local) { imei_.fill('0'); }

  // An answer's line: +CSQ, +CCID, +QCCID, +CCLK; anything else changes nothing.
  void hear(std::string_view line, std::uint64_t now_ms);
  // The answer of AT+CGSN, which is a bare number.
  void hear_imei(std::string_view line);

  // 15 digits, zeros until they are known; the view stays, its characters change.
  std::string_view imei() const { return {imei_.data(), imei_.size()}; }
  // Empty: not known.
  std::string_view card() const { return card_.view(); }
  std::optional<int> dbm() const { return dbm_; }
  // 0: not known. It goes on from the last answer by the board's own clock.
  std::uint64_t unix_ms(std::uint64_t now_ms) const;
  // "imei":"...","iccid":"...","signal_dbm":-71, with a comma before each; what is not known is
  // left out. Requires room for json_chars_max; returns how many were written.
  std::size_t put_json(std::span<char> out) const;

 private:
  bool clock_is_local_;
  bool has_imei_ = false;
  std::array<char, 15> imei_;
  Text<20> card_;
  std::optional<int> dbm_;
  bool has_time_ = false;
  std::uint64_t heard_unix_ms_ = 0;
  std::uint64_t heard_ms_ = 0;
};

}  // namespace meterlens::at
