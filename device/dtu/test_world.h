// For tests: a DTU between a broker of memory and a serial line, in virtual time.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "device/dtu/dtu.h"
#include "protocol/message.h"

namespace meterlens::dtu::test {

using Buffer = std::vector<std::uint8_t>;
using protocol::Dialect;

// An MQTT client and its broker.
class FakeMqtt {
 public:
  struct Message {
    std::string topic;
    Buffer payload;
    int qos;
    bool retain;
  };

  MeterlensMqtt port() {
    MeterlensMqtt mqtt{};
    mqtt.context = this;
    mqtt.connect = [](void* self, const MeterlensMqttLogin* login) {
      auto& mqtt_ = *static_cast<FakeMqtt*>(self);
      ++mqtt_.connects;
      mqtt_.client_id = login->client_id;
      mqtt_.keep_alive_s = login->keep_alive_s;
      mqtt_.will = login->will_topic == nullptr
                       ? ""
                       : std::string(login->will_topic) + " " + login->will_payload;
      mqtt_.unacknowledged = 0;
      mqtt_.state = mqtt_.reachable ? METERLENS_MQTT_UP : mqtt_.answer;
    };
    mqtt.disconnect = [](void* self) {
      static_cast<FakeMqtt*>(self)->state = METERLENS_MQTT_DOWN;
      ++static_cast<FakeMqtt*>(self)->disconnects;
    };
    mqtt.state = [](void* self) { return static_cast<FakeMqtt*>(self)->state; };
    mqtt.subscribe = [](void* self, const char* topic, std::uint8_t) {
      static_cast<FakeMqtt*>(self)->subscription = topic;
      return true;
    };
    mqtt.publish = [](void* self, const char* topic, const void* payload, std::uint32_t bytes,
                      std::uint8_t qos, bool retain) {
      auto& mqtt_ = *static_cast<FakeMqtt*>(self);
      if (!mqtt_.takes) return false;
      const auto* from = static_cast<const std::uint8_t*>(payload);
      mqtt_.messages.push_back({topic, Buffer(from, from + bytes), qos, retain});
      if (!mqtt_.acknowledges) ++mqtt_.unacknowledged;
      return true;
    };
    mqtt.unacknowledged = [](void* self) { return static_cast<FakeMqtt*>(self)->unacknowledged; };
    mqtt.unix_ms = [](void* self) { return static_cast<FakeMqtt*>(self)->unix_ms; };
    return mqtt;
  }

  std::vector<Message> on(const std::string& topic) const {
    std::vector<Message> found;
    for (const Message& message : messages)
      if (message.topic == topic) found.push_back(message);
    return found;
  }
  static std::string text(const Message& message) {
    return {message.payload.begin(), message.payload.end()};
  }

  MeterlensMqttState state = METERLENS_MQTT_DOWN;
  MeterlensMqttState answer = METERLENS_MQTT_DOWN;  // of a broker out of reach
  bool reachable = true;
  bool takes = true;
  bool acknowledges = true;
  std::uint32_t unacknowledged = 0;
  std::uint64_t unix_ms = 1'700'000'000'000;
  int connects = 0;
  int disconnects = 0;
  std::string client_id;
  std::string will;
  std::string subscription;
  int keep_alive_s = 0;
  std::vector<Message> messages;
};

// Two areas of memory.
class FakeAreas {
 public:
  MeterlensAreas port() {
    MeterlensAreas areas{};
    areas.context = this;
    areas.bytes = 512;
    areas.read = [](void* self, std::uint8_t area, void* out, std::uint32_t bytes) {
      const Buffer& from = static_cast<FakeAreas*>(self)->memory[area];
      std::copy_n(from.begin(), bytes, static_cast<std::uint8_t*>(out));
      return true;
    };
    areas.write = [](void* self, std::uint8_t area, const void* data, std::uint32_t bytes) {
      std::copy_n(static_cast<const std::uint8_t*>(data), bytes,
                  static_cast<FakeAreas*>(self)->memory[area].begin());
      return true;
    };
    return areas;
  }
  std::array<Buffer, 2> memory{Buffer(512, 0xFF), Buffer(512, 0xFF)};
};

template <class M>
Buffer frame_of(const M& message) {
  Buffer frame(protocol::frame_bytes_max);
  frame.resize(protocol::encode_message(message, frame));
  return frame;
}

inline Buffer packet_frame(std::uint16_t index) {
  const Buffer data(1024, static_cast<std::uint8_t>(index));
  return frame_of(protocol::Packet{1, index, data});
}

class DtuWorld {
 public:
  explicit DtuWorld(Dialect dialect = Dialect::native, std::uint16_t uart_read_bytes = 2048) {
    settings.session = {dialect, "PROD01", "D1X", "", "", 7};
    settings.firmware = "dtu-1";
    settings.uart_read_bytes = uart_read_bytes;
    restart();
  }
  // The DTU loses its power; what the areas hold survives.
  void restart() {
    dtu = std::make_unique<Dtu>(mqtt.port(), settings, MeterlensLine{}, areas.port());
    mqtt.state = METERLENS_MQTT_DOWN;
    dtu->start(now_ms);
    run(10);
  }
  void run(std::uint64_t ms) {
    for (const std::uint64_t end = now_ms + ms; now_ms < end; ++now_ms) dtu->step(now_ms);
  }
  void hear(const Buffer& frame) {
    Buffer unit(link::unit_bytes_max);
    unit.resize(link::encode_unit(frame, unit));
    dtu->serial_in(unit, now_ms);
  }
  void hear_text(std::string_view text) {
    dtu->serial_in({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, now_ms);
  }
  void say(const std::string& topic, const Buffer& payload) {
    dtu->mqtt_in(topic, payload, now_ms);
  }
  void say_text(const std::string& topic, std::string_view text) {
    say(topic, Buffer(text.begin(), text.end()));
  }
  Buffer pull_all(std::size_t chunk = 7) {
    Buffer line;
    Buffer part(chunk);
    while (const std::size_t count = dtu->pull(part, now_ms))
      line.insert(line.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(count));
    return line;
  }
  // Without the link messages between them.
  std::vector<Buffer> pull_frames() {
    std::vector<Buffer> frames;
    link::UnitReader reader;
    for (const std::uint8_t byte : pull_all()) {
      const auto unit = reader.put(byte);
      if (unit && !link::is_link(*unit)) frames.emplace_back(unit->begin(), unit->end());
    }
    return frames;
  }
  std::string pull_text() {
    const Buffer line = pull_all();
    return {line.begin(), line.end()};
  }

  FakeMqtt mqtt;
  FakeAreas areas;
  DtuSettings settings;
  std::unique_ptr<Dtu> dtu;
  std::uint64_t now_ms = 0;
};

}  // namespace meterlens::dtu::test
