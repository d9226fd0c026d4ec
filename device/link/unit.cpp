#include "device/link/unit.h"

#include "protocol/require.h"

namespace meterlens::link {

std::size_t encode_unit(Bytes frame, std::span<std::uint8_t> out) {
  protocol::require(!frame.empty() && frame.size() <= protocol::frame_bytes_max &&
                    out.size() >= unit_bytes_max);
  std::size_t code_at = 0;
  std::size_t written = 1;
  const auto end_block = [&] {
    out[code_at] = static_cast<std::uint8_t>(written - code_at);
    code_at = written++;
  };
  for (std::size_t i = 0; i < frame.size(); ++i) {
    if (frame[i] == 0) {
      end_block();
      continue;
    }
    out[written++] = frame[i];
    // A full block stands for no zero; after the last byte none may follow.
    if (written - code_at == 255 && i + 1 < frame.size()) end_block();
  }
  out[code_at] = static_cast<std::uint8_t>(written - code_at);
  out[written++] = 0;
  return written;
}

void UnitReader::reset() {
  count_ = 0;
  skipping_ = false;
}

std::optional<Bytes> UnitReader::put(std::uint8_t byte) {
  if (byte == 0) {
    const bool whole = count_ > 0 && !skipping_;
    const auto frame = whole ? finish() : std::nullopt;
    reset();
    return frame;
  }
  if (skipping_) return std::nullopt;
  if (count_ == unit_bytes_max - 1) {
    skipping_ = true;
    ++counters_.overlong;
    return std::nullopt;
  }
  unit_[count_++] = byte;
  return std::nullopt;
}

// Decodes in place: what is written never overtakes what is read.
std::optional<Bytes> UnitReader::finish() {
  std::size_t read = 0;
  std::size_t written = 0;
  while (read < count_) {
    const std::size_t code = unit_[read];
    if (read + code > count_) {
      ++counters_.invalid;
      return std::nullopt;
    }
    for (std::size_t i = 1; i < code; ++i) unit_[written++] = unit_[read + i];
    read += code;
    if (code < 255 && read < count_) unit_[written++] = 0;
  }
  if (written > protocol::frame_bytes_max) {
    ++counters_.invalid;
    return std::nullopt;
  }
  ++counters_.units;
  return Bytes(unit_).first(written);
}

}  // namespace meterlens::link
