// What camera and DTU say to each other about their line: credit and speed (SPEC.md, section 5).
// A link message is a unit of its own that no frame can be mistaken for; it never leaves the line.
// Pure functions, no heap, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "protocol/frame.h"

namespace meterlens::link {

using protocol::Bytes;

// In the place of a frame's version.
inline constexpr std::uint8_t link_head = 0x4C;
inline constexpr std::size_t probe_pattern_bytes = 48;
inline constexpr std::size_t link_bytes_max = 2 + 2 + probe_pattern_bytes + 4;
// What a frame takes of the DTU's credit besides its own bytes.
inline constexpr std::size_t frame_cost_bytes = 2;
inline constexpr std::size_t frame_cost_max = protocol::frame_bytes_max + frame_cost_bytes;

// ---- camera to DTU ----

// A place in the camera's stream of frames; a Grant counts from there.
struct Mark {
  static constexpr std::uint8_t type = 0x01;
  std::uint16_t number = 1;  // not 0; differs from those before it
};

// Let us go to this rate.
struct Switch {
  static constexpr std::uint8_t type = 0x03;
  std::uint16_t number = 0;
  std::uint8_t rate = 0;
};

// Said at the new rate, with a pattern that tries the line.
struct Probe {
  static constexpr std::uint8_t type = 0x05;
  std::uint16_t number = 0;  // of the Switch
};

// I sleep from now on: hold what you have for me until you have woken me.
struct Sleep {
  static constexpr std::uint8_t type = 0x07;
  bool deep = false;  // begins anew when it wakes, which takes longer
};

// ---- DTU to camera ----

// The camera may send so many bytes of frames after that Mark, in all.
struct Grant {
  static constexpr std::uint8_t type = 0x02;
  std::uint16_t mark = 0;  // the newest heard; 0 none
  std::uint32_t bytes = 0;
  std::uint8_t rates = 1;   // that the DTU's board can do, as bits
  std::uint8_t errors = 0;  // damaged units heard so far, the low byte
};

// The answer to Switch, the last at the old rate. Another rate than asked for: no, I stay.
struct Agree {
  static constexpr std::uint8_t type = 0x04;
  std::uint16_t number = 0;
  std::uint8_t rate = 0;
};

// Probe was heard.
struct Proof {
  static constexpr std::uint8_t type = 0x06;
  std::uint16_t number = 0;
};

using LinkMessage = std::variant<Mark, Grant, Switch, Agree, Probe, Proof, Sleep>;

// A unit that is meant as a link message, damaged or not.
inline bool is_link(Bytes unit) { return !unit.empty() && unit[0] == link_head; }
// Checks everything; nothing if it is not exactly one link message.
std::optional<LinkMessage> decode_link(Bytes unit);
// Writes the message, to be encoded as a unit, and returns its bytes. Requires out.size() >=
// link_bytes_max and fields within their ranges.
std::size_t encode_link(const LinkMessage& message, std::span<std::uint8_t> out);

}  // namespace meterlens::link
