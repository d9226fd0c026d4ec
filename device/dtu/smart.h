// The JSON of a SmartDTU (SPEC.md, section 7): what comes from the UART becomes events, a control
// message becomes bytes for the UART, levels of the pins, or kept settings. Bounded memory, no
// heap, one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "device/settings/kept.h"
#include "protocol/json.h"

namespace meterlens::dtu {

inline constexpr std::size_t uart_text_bytes_max = 2048;
// Every character of the longest text escaped, and the object around it.
inline constexpr std::size_t event_bytes_max = 2 * uart_text_bytes_max + 192;
inline constexpr std::uint64_t uart_pause_ms = 50;
inline constexpr std::size_t pin_count = 14;
inline constexpr std::size_t smart_timer_count = 3;

using Pins = std::array<std::uint8_t, pin_count>;

// Cuts the bytes of the UART into texts: one whole JSON object, or what came until a pause.
class SmartUart {
 public:
  struct Counters {
    std::uint32_t not_ascii = 0;    // texts with a byte that no JSON of a camera has
    std::uint32_t passed_over = 0;  // numbers, lists, and objects with a key `payload`
  };

  // `read_bytes`: the most that is read at once; a longer text is cut there. A deployed SmartDTU
  // cuts at 1024. Requires 1 to uart_text_bytes_max.
  explicit SmartUart(std::size_t read_bytes);

  // Takes one byte; true when a text is whole: take it with `event` before the next byte.
  bool put(std::uint8_t byte, std::uint64_t now_ms);
  // true when the pause has ended a text.
  bool step(std::uint64_t now_ms);
  std::uint64_t due_ms() const;
  // Writes the event of the text (event_bytes_max) and forgets the text. 0: there is none.
  std::size_t event(std::span<char> out);
  const Counters& counters() const { return counters_; }

 private:
  std::string_view text() const { return {text_.data(), count_}; }
  bool is_object() const { return state_ == protocol::JsonScanner::State::done; }
  bool is_passed_over() const;

  std::size_t read_bytes_;
  std::array<char, uart_text_bytes_max> text_;
  std::size_t count_ = 0;
  protocol::JsonScanner scanner_;
  protocol::JsonScanner::State state_ = protocol::JsonScanner::State::open;
  bool spoiled_ = false;
  std::uint64_t last_byte_ms_ = 0;
  Counters counters_;
};

// What a control message orders. Keys that are not understood are left out.
struct SmartControl {
  std::string_view uart_text;  // JSON to write to uart1; empty: none
  bool sets_pins = false;
  bool sets_settings = false;      // of a timer or of uart1: kept, and told as at a start
  std::uint32_t unknown_keys = 0;  // also those that a deployed one obeys from its UART alone
};

// Nothing when `payload` is no JSON object. `pins` and `kept` are changed as ordered; what is out
// of range stays as it was.
std::optional<SmartControl> decode_control(std::string_view payload, Pins& pins,
                                           settings::Kept& kept);

// The timers of a SmartDTU: each tells the state, once or every period.
class SmartTimers {
 public:
  // The settings are others now, or the DTU has started.
  void set(const settings::Kept& kept, std::uint64_t now_ms);
  // true: the state is to be told. A timer that fires once is off afterwards, also in `kept`.
  bool step(settings::Kept& kept, std::uint64_t now_ms);
  std::uint64_t due_ms() const;

 private:
  std::array<std::uint64_t, smart_timer_count> due_ms_{};  // 0: off
  std::array<std::uint32_t, smart_timer_count> period_ms_{};
};

struct SmartIdentity {
  std::string_view imei = "000000000000000";
  std::string_view model = "EC600SCNLB";
  std::string_view firmware;
};

// The event at start, with what has been set of timers and uart1, and the one that answers a `gpio`
// order; event_bytes_max always suffices for
// texts of the identity of up to 128 characters that need no escaping.
std::size_t state_event(const SmartIdentity& identity, std::string_view device, const Pins& pins,
                        const protocol::SettingValues& settings, std::span<char> out);
std::size_t pins_event(const Pins& pins, std::span<char> out);

}  // namespace meterlens::dtu
