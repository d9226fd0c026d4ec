// Foreign bytes for a DTU, from the line and from the broker, in both dialects. It goes on, and all
// it publishes is a whole frame or well-formed JSON; all it writes to the line is what it was
// given.
#include <algorithm>
#include <array>
#include <memory>

#include "device/dtu/dtu.h"
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

}  // namespace

// The first byte chooses the dialect. Each record: a byte whose top bit tells where the bytes come
// from (0 line, 1 broker) and whose rest is how many.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool native = data[0] % 2 == 0;
  dtu::DtuSettings settings;
  settings.session.dialect = native ? protocol::Dialect::native : protocol::Dialect::smartdtu;
  settings.session.product = "P";
  settings.session.device = "D";
  auto program = std::make_unique<dtu::Dtu>(client(), settings);
  std::uint64_t now_ms = 0;
  program->start(now_ms);
  for (Bytes left(data + 1, size - 1); !left.empty();) {
    program->step(++now_ms);
    const bool broker = left[0] >= 128;
    const Bytes part = left.subspan(1, std::min<std::size_t>(left[0] % 128, left.size() - 1));
    if (broker)
      program->mqtt_in(native ? "meterlens/D/down" : "P/D/control", part, now_ms);
    else
      program->serial_in(part, now_ms);
    if (part.empty()) now_ms += 100;
    std::array<std::uint8_t, 100> out;
    while (program->pull(out, now_ms) > 0) continue;
    left = left.subspan(1 + part.size());
  }
  program->step(now_ms + 100);
  return 0;
}
