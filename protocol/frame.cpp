#include "protocol/frame.h"

#include <algorithm>

#include "protocol/bytes.h"
#include "protocol/require.h"

namespace meterlens::protocol {

const char* name(FrameError error) {
  switch (error) {
    case FrameError::too_short: return "too_short";
    case FrameError::wrong_version: return "wrong_version";
    case FrameError::wrong_length: return "wrong_length";
    case FrameError::wrong_checksum: return "wrong_checksum";
    case FrameError::unknown_type: return "unknown_type";
    case FrameError::malformed: return "malformed";
  }
  return "unknown";
}

std::expected<Frame, FrameError> decode_frame(Bytes bytes) {
  if (bytes.size() < frame_head_bytes + frame_tail_bytes)
    return std::unexpected(FrameError::too_short);
  ByteReader head(bytes);
  if (head.u8() != frame_version) return std::unexpected(FrameError::wrong_version);
  const std::uint8_t type = head.u8();
  const std::size_t body_bytes = head.u16();
  if (body_bytes > frame_body_bytes_max ||
      bytes.size() != frame_head_bytes + body_bytes + frame_tail_bytes)
    return std::unexpected(FrameError::wrong_length);
  const Bytes covered = bytes.first(frame_head_bytes + body_bytes);
  if (ByteReader(bytes.subspan(covered.size())).u32() != crc32(covered))
    return std::unexpected(FrameError::wrong_checksum);
  return Frame{type, covered.subspan(frame_head_bytes)};
}

std::size_t encode_frame(std::uint8_t type, Bytes body, std::span<std::uint8_t> out) {
  const std::size_t covered_bytes = frame_head_bytes + body.size();
  require(body.size() <= frame_body_bytes_max && out.size() >= covered_bytes + frame_tail_bytes);
  if (body.data() != out.data() + frame_head_bytes)
    std::copy(body.begin(), body.end(), out.begin() + frame_head_bytes);
  ByteWriter head(out);
  head.u8(frame_version);
  head.u8(type);
  head.u16(static_cast<std::uint16_t>(body.size()));
  ByteWriter(out.subspan(covered_bytes)).u32(crc32(out.first(covered_bytes)));
  return covered_bytes + frame_tail_bytes;
}

}  // namespace meterlens::protocol
