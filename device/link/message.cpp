#include "device/link/message.h"

#include <algorithm>

#include "device/link/rate.h"
#include "protocol/bytes.h"
#include "protocol/checksum.h"

namespace meterlens::link {
namespace {

using protocol::ByteReader;
using protocol::ByteWriter;

constexpr std::size_t head_bytes = 2;
constexpr std::size_t tail_bytes = 4;

// Long and short runs of both levels.
constexpr std::array<std::uint8_t, probe_pattern_bytes> pattern = [] {
  constexpr std::array<std::uint8_t, 6> tile = {0x55, 0xAA, 0x00, 0xFF, 0x0F, 0xF0};
  std::array<std::uint8_t, probe_pattern_bytes> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = tile[i % tile.size()];
  return bytes;
}();

void put(ByteWriter& out, const Mark& m) { out.u16(m.number); }
void put(ByteWriter& out, const Switch& m) {
  out.u16(m.number);
  out.u8(m.rate);
}
void put(ByteWriter& out, const Agree& m) {
  out.u16(m.number);
  out.u8(m.rate);
}
void put(ByteWriter& out, const Grant& m) {
  out.u16(m.mark);
  out.u32(m.bytes);
  out.u8(m.rates);
  out.u8(m.errors);
}
void put(ByteWriter& out, const Probe& m) {
  out.u16(m.number);
  out.put(pattern);
}
void put(ByteWriter& out, const Proof& m) {
  out.u16(m.number);
  out.put(pattern);
}

void put(ByteWriter& out, const Sleep& m) { out.u8(m.deep ? 1 : 0); }

bool take_pattern(ByteReader& in) {
  const Bytes bytes = in.take(pattern.size());
  return std::equal(bytes.begin(), bytes.end(), pattern.begin(), pattern.end());
}

std::optional<LinkMessage> take(std::uint8_t type, ByteReader& in) {
  switch (type) {
    case Mark::type: {
      const Mark mark{in.u16()};
      if (mark.number == 0) return std::nullopt;
      return mark;
    }
    case Grant::type: return Grant{in.u16(), in.u32(), in.u8(), in.u8()};
    case Switch::type: {
      const Switch wish{in.u16(), in.u8()};
      if (wish.rate > rate_last) return std::nullopt;
      return wish;
    }
    case Agree::type: {
      const Agree answer{in.u16(), in.u8()};
      if (answer.rate > rate_last) return std::nullopt;
      return answer;
    }
    case Probe::type: {
      const Probe probe{in.u16()};
      if (!take_pattern(in)) return std::nullopt;
      return probe;
    }
    case Proof::type: {
      const Proof proof{in.u16()};
      if (!take_pattern(in)) return std::nullopt;
      return proof;
    }
    case Sleep::type: {
      const std::uint8_t deep = in.u8();
      if (deep > 1) return std::nullopt;
      return Sleep{deep == 1};
    }
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<LinkMessage> decode_link(Bytes unit) {
  if (!is_link(unit) || unit.size() < head_bytes + tail_bytes) return std::nullopt;
  const Bytes covered = unit.first(unit.size() - tail_bytes);
  if (ByteReader(unit.subspan(covered.size())).u32() != protocol::crc32(covered))
    return std::nullopt;
  ByteReader body(covered.subspan(head_bytes));
  const auto message = take(unit[1], body);
  if (!body.at_end()) return std::nullopt;
  return message;
}

std::size_t encode_link(const LinkMessage& message, std::span<std::uint8_t> out) {
  ByteWriter unit(out);
  unit.u8(link_head);
  std::visit(
      [&](const auto& m) {
        unit.u8(m.type);
        put(unit, m);
      },
      message);
  unit.u32(protocol::crc32(out.first(unit.count())));
  return unit.count();
}

}  // namespace meterlens::link
