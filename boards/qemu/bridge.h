// What an emulated DTU and the modem beside it (`meterlens-modem`, an MQTT client on the host) say
// to each other over the DTU's second UART. It stands for the AT commands of a real modem and does
// what `MeterlensMqtt` asks, so that the core's real traffic meets a real broker. The line is a
// local socket: it loses nothing, so a record has a length and no checksum:
//
//    0        1       2       3
//   +--------+-------+-------+----- ... -----+
//   |  kind  |  bytes n u16  |  body n bytes |    numbers little-endian,
//   +--------+-------+-------+----- ... -----+    a text is its bytes u8 and ASCII
//
// DTU to modem:  ask        -: who am I?
//                connect    attempt u32, keep_alive_s u16, clean_session u8, client id, user,
//                           password, will topic (empty: no will), will payload: texts
//                disconnect -
//                subscribe  qos u8, topic text
//                publish    qos u8, retain u8, topic text, payload
// Modem to DTU:  identity   dialect u8 (0 native, 1 smartdtu), product, device, user, password
//                status     attempt u32, MeterlensMqttState u8, finished u32, unix_ms u64
//                message    topic text, payload
//
// `identity` answers `ask`, the first record. A `status` counts for the `connect` of the same
// attempt only; `finished` are messages of that connection that the broker has (QoS 1) or that have
// left (QoS 0).
// No heap, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/bytes.h"

namespace meterlens::boards::qemu {

enum class RecordKind : std::uint8_t {
  ask = 'A',
  connect = 'C',
  disconnect = 'D',
  subscribe = 'S',
  publish = 'P',
  identity = 'I',
  status = 'T',
  message = 'M',
};

inline constexpr std::size_t record_head_bytes = 3;
// The longest event of a SmartDTU with its topic, or a control message as long.
inline constexpr std::size_t record_body_bytes_max = 4'608;

struct Record {
  RecordKind kind{};
  protocol::Bytes body;
};

// Cuts the stream into records.
class RecordReader {
 public:
  // Requires record_head_bytes + record_body_bytes_max of memory.
  explicit RecordReader(std::span<std::uint8_t> memory);

  // Takes one byte; the record that it ended, which holds until the next call. A body that is too
  // long is passed over and counted.
  std::optional<Record> put(std::uint8_t byte);
  std::uint32_t overlong() const { return overlong_; }

 private:
  std::size_t body_bytes() const { return memory_[1] | std::size_t{memory_[2]} << 8; }

  std::span<std::uint8_t> memory_;
  std::size_t count_ = 0;
  std::uint32_t overlong_ = 0;
};

// Writes one record: its fields in order, then `finish`.
class RecordWriter {
 public:
  // Requires room for the whole record.
  RecordWriter(RecordKind kind, std::span<std::uint8_t> out);
  RecordWriter& u8(std::uint8_t value);
  RecordWriter& u16(std::uint16_t value);
  RecordWriter& u32(std::uint32_t value);
  RecordWriter& u64(std::uint64_t value);
  // Requires at most 255 characters.
  RecordWriter& text(std::string_view text);
  RecordWriter& bytes(protocol::Bytes bytes);
  // The record.
  protocol::Bytes finish();

 private:
  std::span<std::uint8_t> out_;
  protocol::ByteWriter body_;
};

// The text that `in` stands before.
std::string_view take_text(protocol::ByteReader& in);

}  // namespace meterlens::boards::qemu
