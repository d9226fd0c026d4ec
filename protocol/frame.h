// The native frame: the envelope of every message between camera and server (drawn in SPEC.md).
// One frame is one MQTT payload, and, COBS-encoded, one unit on the serial line; the DTU carries it
// unchanged. Pure functions, no heap, any thread. Views point into the caller's bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "protocol/checksum.h"

namespace meterlens::protocol {

inline constexpr std::uint8_t frame_version = 1;
inline constexpr std::size_t frame_head_bytes = 4;
inline constexpr std::size_t frame_tail_bytes = 4;
inline constexpr std::size_t packet_bytes_max = 1024;
// A packet's body is the largest: photo id, index, data.
inline constexpr std::size_t frame_body_bytes_max = 6 + packet_bytes_max;
inline constexpr std::size_t frame_bytes_max =
    frame_head_bytes + frame_body_bytes_max + frame_tail_bytes;

enum class FrameError : std::uint8_t {
  too_short,       // fewer bytes than head and tail
  wrong_version,   // first byte is not `frame_version`
  wrong_length,    // the length field and the number of bytes disagree, or it is above the limit
  wrong_checksum,  // CRC-32 does not match
  unknown_type,    // no message has this type
  malformed,       // the body does not have its message's shape, or a field is out of range
};
const char* name(FrameError error);

struct Frame {
  std::uint8_t type = 0;
  Bytes body;
};

// Checks version, length and CRC-32; `bytes` is exactly one frame.
std::expected<Frame, FrameError> decode_frame(Bytes bytes);

// Writes the frame into `out` and returns its size in bytes. Requires body.size() <=
// frame_body_bytes_max and out.size() >= body.size() + 8. `body` may already stand in its place
// (out + frame_head_bytes).
std::size_t encode_frame(std::uint8_t type, Bytes body, std::span<std::uint8_t> out);

}  // namespace meterlens::protocol
