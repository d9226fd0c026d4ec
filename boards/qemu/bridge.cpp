#include "boards/qemu/bridge.h"

#include "protocol/require.h"

namespace meterlens::boards::qemu {

RecordReader::RecordReader(std::span<std::uint8_t> memory) : memory_(memory) {
  protocol::require(memory.size() >= record_head_bytes + record_body_bytes_max);
}

std::optional<Record> RecordReader::put(std::uint8_t byte) {
  if (count_ < record_head_bytes + record_body_bytes_max) memory_[count_] = byte;
  ++count_;
  if (count_ < record_head_bytes || count_ < record_head_bytes + body_bytes()) return std::nullopt;
  count_ = 0;
  if (body_bytes() > record_body_bytes_max) {
    ++overlong_;
    return std::nullopt;
  }
  return Record{static_cast<RecordKind>(memory_[0]),
                protocol::Bytes(memory_).subspan(record_head_bytes, body_bytes())};
}

RecordWriter::RecordWriter(RecordKind kind, std::span<std::uint8_t> out)
    : out_(out), body_(out.subspan(record_head_bytes)) {
  out_[0] = static_cast<std::uint8_t>(kind);
}

RecordWriter& RecordWriter::u8(std::uint8_t value) {
  body_.u8(value);
  return *this;
}

RecordWriter& RecordWriter::u16(std::uint16_t value) {
  body_.u16(value);
  return *this;
}

RecordWriter& RecordWriter::u32(std::uint32_t value) {
  body_.u32(value);
  return *this;
}

RecordWriter& RecordWriter::u64(std::uint64_t value) {
  body_.u64(value);
  return *this;
}

RecordWriter& RecordWriter::text(std::string_view text) {
  protocol::require(text.size() <= 255);
  body_.u8(static_cast<std::uint8_t>(text.size()));
  return bytes({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

RecordWriter& RecordWriter::bytes(protocol::Bytes bytes) {
  body_.put(bytes);
  return *this;
}

protocol::Bytes RecordWriter::finish() {
  out_[1] = static_cast<std::uint8_t>(body_.count());
  out_[2] = static_cast<std::uint8_t>(body_.count() >> 8);
  return out_.first(record_head_bytes + body_.count());
}

std::string_view take_text(protocol::ByteReader& in) {
  const protocol::Bytes bytes = in.take(in.u8());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace meterlens::boards::qemu
