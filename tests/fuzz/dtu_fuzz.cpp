// Foreign bytes for a DTU, from the line and from the broker, in both dialects. It goes on; all it
// publishes is a whole frame or well-formed JSON, all it writes to a native line is a whole frame
// or link message.
#include <algorithm>
#include <array>
#include <memory>

#include "device/dtu/dtu.h"
#include "device/link/message.h"
#include "protocol/bytes.h"
#include "protocol/json.h"
#include "protocol/require.h"

using namespace meterlens;

namespace {

using protocol::Bytes;
using protocol::require;

MeterlensMqtt client() {
  MeterlensMqtt mqtt{};
  mqtt.connect = [](void*, const MeterlensMqttLogin*) {};
  mqtt.disconnect = [](void*) {};
  mqtt.state = [](void*) { return METERLENS_MQTT_UP; };
  mqtt.subscribe = [](void*, const char*, std::uint8_t) { return true; };
  mqtt.publish = [](void*, const char*, const void* payload, std::uint32_t bytes, std::uint8_t,
                    bool) {
    const Bytes message(static_cast<const std::uint8_t*>(payload), bytes);
    const std::string_view text(static_cast<const char*>(payload), bytes);
    require(protocol::decode_frame(message).has_value() || protocol::json_text(text).has_value());
    return true;
  };
  mqtt.unacknowledged = [](void*) { return 0U; };
  mqtt.unix_ms = [](void*) { return std::uint64_t{1'700'000'000'000}; };
  return mqtt;
}

MeterlensLine line() {
  MeterlensLine port{};
  port.baud_max = 921'600;
  port.set_baud = [](void*, std::uint32_t baud) { return baud != 460'800; };
  return port;
}

// A link message of these first bytes, with a right checksum, as a unit of the line.
void send_link(dtu::Dtu& program, Bytes body, std::uint64_t now_ms) {
  std::array<std::uint8_t, protocol::frame_bytes_max> message;
  protocol::ByteWriter out(message);
  out.u8(link::link_head);
  out.put(body);
  out.u32(protocol::crc32(Bytes(message).first(out.count())));
  std::array<std::uint8_t, link::unit_bytes_max> unit;
  const std::size_t count = link::encode_unit(Bytes(message).first(out.count()), unit);
  program.serial_in(Bytes(unit).first(count), now_ms);
}

void check_line(link::UnitReader& reader, Bytes bytes) {
  for (const std::uint8_t byte : bytes) {
    const auto unit = reader.put(byte);
    require(!unit || protocol::decode_frame(*unit) || link::decode_link(*unit));
  }
}

}  // namespace

// The first byte chooses the dialect. Each record: a byte whose top bit tells where the bytes come
// from (0 line, 1 broker) and whose rest is how many; 127 of the line: a count follows, and so many
// bytes of a link message that is to be given a right checksum.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool native = data[0] % 2 == 0;
  dtu::DtuSettings settings;
  settings.session.dialect = native ? protocol::Dialect::native : protocol::Dialect::smartdtu;
  settings.session.product = "P";
  settings.session.device = "D";
  auto program = std::make_unique<dtu::Dtu>(client(), settings, line());
  link::UnitReader reader;
  std::uint64_t now_ms = 0;
  program->start(now_ms);
  for (Bytes left(data + 1, size - 1); !left.empty();) {
    program->step(++now_ms);
    const bool broker = left[0] >= 128;
    const bool is_link = left[0] == 127 && left.size() > 1;
    if (is_link) left = left.subspan(1);
    const Bytes part = left.subspan(1, std::min<std::size_t>(left[0] % 128, left.size() - 1));
    if (is_link)
      send_link(*program, part, now_ms);
    else if (broker)
      program->mqtt_in(native ? "meterlens/D/down" : "P/D/control", part, now_ms);
    else
      program->serial_in(part, now_ms);
    if (part.empty()) now_ms += 100;
    std::array<std::uint8_t, 100> out;
    while (const std::size_t count = program->pull(out, now_ms))
      if (native) check_line(reader, Bytes(out).first(count));
    left = left.subspan(1 + part.size());
  }
  program->step(now_ms + 100);
  return 0;
}
