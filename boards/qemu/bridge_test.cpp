#include "boards/qemu/bridge.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "boards/qemu/bridged_mqtt.h"

namespace meterlens::boards::qemu {
namespace {

using Buffer = std::vector<std::uint8_t>;

// Both directions of the line, and what the modem has read of it.
struct Line {
  Buffer memory = Buffer(record_head_bytes + record_body_bytes_max);
  Buffer scratch = Buffer(record_head_bytes + record_body_bytes_max);
  RecordReader reader{memory};
  Buffer sent;
  std::size_t room = 10'000;
  BridgedMqtt mqtt{{this, [](void* line) { return static_cast<Line*>(line)->room; },
                    [](void* self, std::span<const std::uint8_t> bytes) {
                      auto& line = *static_cast<Line*>(self);
                      line.sent.insert(line.sent.end(), bytes.begin(), bytes.end());
                    }}};
  MeterlensMqtt port = mqtt.port();

  // The only record that the DTU has sent since the last call.
  Record only() {
    std::optional<Record> found;
    for (const std::uint8_t byte : sent)
      if (const auto record = reader.put(byte)) {
        EXPECT_FALSE(found);
        found = record;
      }
    sent.clear();
    EXPECT_TRUE(found);
    return found.value_or(Record{});
  }
  void status(std::uint32_t attempt, MeterlensMqttState state, std::uint32_t finished,
              std::uint64_t unix_ms = 0) {
    const auto bytes = RecordWriter(RecordKind::status, scratch)
                           .u32(attempt)
                           .u8(static_cast<std::uint8_t>(state))
                           .u32(finished)
                           .u64(unix_ms)
                           .finish();
    EXPECT_TRUE(mqtt.hear({RecordKind::status, bytes.subspan(record_head_bytes)}, 1'000));
  }
  void connect() {
    MeterlensMqttLogin login{};
    login.client_id = "meterlens-m1";
    login.user = login.password = "";
    login.keep_alive_s = 30;
    login.will_topic = "meterlens/m1/status";
    login.will_payload = "{}";
    port.connect(port.context, &login);
  }
  bool publish(const Buffer& payload) {
    return port.publish(port.context, "meterlens/m1/up", payload.data(),
                        static_cast<std::uint32_t>(payload.size()), 1, false);
  }
};

TEST(Records, OfEverySizeComeOutAsTheyWentIn) {
  Buffer out(record_head_bytes + record_body_bytes_max), in(out.size());
  RecordReader reader(in);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{255}, std::size_t{256},
                                 record_body_bytes_max}) {
    const Buffer body(size, 0x5A);
    const auto record = RecordWriter(RecordKind::message, out).bytes(body).finish();
    for (std::size_t i = 0; i + 1 < record.size(); ++i) ASSERT_FALSE(reader.put(record[i]));
    const auto read = reader.put(record.back());
    ASSERT_TRUE(read) << size;
    EXPECT_EQ(read->kind, RecordKind::message);
    EXPECT_EQ(Buffer(read->body.begin(), read->body.end()), body);
  }
}

TEST(Records, TooLongIsPassedOver) {
  Buffer in(record_head_bytes + record_body_bytes_max);
  RecordReader reader(in);
  const std::size_t bytes = record_body_bytes_max + 1;
  for (const std::size_t byte : {std::size_t{'M'}, bytes & 0xFF, bytes >> 8})
    ASSERT_FALSE(reader.put(static_cast<std::uint8_t>(byte)));
  for (std::size_t i = 0; i < bytes; ++i) ASSERT_FALSE(reader.put(7));
  EXPECT_EQ(reader.overlong(), 1U);
  for (const std::uint8_t byte : Buffer{'T', 0}) ASSERT_FALSE(reader.put(byte));
  EXPECT_TRUE(reader.put(0));
}

TEST(BridgedMqtt, CallsTravelAndTheStateComesBack) {
  Line line;
  EXPECT_EQ(line.port.state(line.port.context), METERLENS_MQTT_DOWN);
  line.connect();
  EXPECT_EQ(line.port.state(line.port.context), METERLENS_MQTT_CONNECTING);
  const Record record = line.only();
  ASSERT_EQ(record.kind, RecordKind::connect);
  protocol::ByteReader in(record.body);
  EXPECT_EQ(in.u32(), 1U);
  EXPECT_EQ(in.u16(), 30);
  EXPECT_EQ(in.u8(), 0);
  for (const char* text : {"meterlens-m1", "", "", "meterlens/m1/status", "{}"})
    EXPECT_EQ(take_text(in), text);
  EXPECT_TRUE(in.at_end());
  EXPECT_FALSE(line.publish({1}));  // not up yet

  line.status(1, METERLENS_MQTT_UP, 0, 1'700'000'000'000);
  EXPECT_EQ(line.port.state(line.port.context), METERLENS_MQTT_UP);
  line.mqtt.tick(1'500);
  EXPECT_EQ(line.port.unix_ms(line.port.context), 1'700'000'000'500U);
  EXPECT_TRUE(line.publish({1, 2, 3}));
  EXPECT_EQ(line.port.unacknowledged(line.port.context), 1U);
  EXPECT_EQ(line.only().body.size(), 2 + 16 + 3U);
  line.status(1, METERLENS_MQTT_UP, 1);
  EXPECT_EQ(line.port.unacknowledged(line.port.context), 0U);
}

TEST(BridgedMqtt, WhatIsSaidOfAnEarlierAttemptDoesNotCount) {
  Line line;
  line.connect();
  line.status(1, METERLENS_MQTT_UP, 0);
  line.port.disconnect(line.port.context);
  line.status(1, METERLENS_MQTT_UP, 5);
  EXPECT_EQ(line.port.state(line.port.context), METERLENS_MQTT_DOWN);
  line.connect();
  line.status(1, METERLENS_MQTT_DOWN, 5);
  EXPECT_EQ(line.port.state(line.port.context), METERLENS_MQTT_CONNECTING);
  EXPECT_EQ(line.port.unacknowledged(line.port.context), 0U);
}

TEST(BridgedMqtt, AFullLineRefuses) {
  Line line;
  line.connect();
  line.status(1, METERLENS_MQTT_UP, 0);
  line.room = 5;
  EXPECT_FALSE(line.publish({1, 2, 3}));
  EXPECT_EQ(line.port.unacknowledged(line.port.context), 0U);
  line.connect();
  EXPECT_EQ(line.port.state(line.port.context), METERLENS_MQTT_DOWN);
}

TEST(BridgedMqtt, BelievesOneIdentity) {
  Line line;
  const auto tell = [&](std::string_view device) {
    RecordWriter writer(RecordKind::identity, line.scratch);
    writer.u8(1).text("PROD01").text(device).text("user").text("password");
    return line.mqtt.hear({RecordKind::identity, writer.finish().subspan(record_head_bytes)}, 1);
  };
  EXPECT_FALSE(tell("no name"));
  EXPECT_FALSE(line.mqtt.knows_identity());
  line.mqtt.ask_identity();
  EXPECT_EQ(line.only().kind, RecordKind::ask);
  EXPECT_TRUE(tell("m1"));
  EXPECT_FALSE(tell("m2"));
  EXPECT_EQ(line.mqtt.identity().product, "PROD01");
  EXPECT_EQ(line.mqtt.identity().device, "m1");
  EXPECT_EQ(line.mqtt.identity().password, "password");
  EXPECT_EQ(line.mqtt.identity().dialect, protocol::Dialect::smartdtu);
}

TEST(BridgedMqtt, AnyRecordsDoNoHarm) {
  std::mt19937 random(1);
  const auto any = [&](std::uint32_t below) { return static_cast<std::uint8_t>(random() % below); };
  Line line;
  line.connect();
  std::uint32_t published = 0, heard = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    // A status with some fields out of range, or any bytes.
    Buffer body = {any(2), 0, 0, 0, any(4), any(200)};
    body.resize(17 + (any(8) == 0 ? any(3) : 0U));
    if (any(4) == 0)
      for (auto& byte : body) byte = any(256);
    const RecordKind kind = any(3) == 0 ? RecordKind::identity : RecordKind::status;
    heard += line.mqtt.hear({kind, body}, i) ? 1 : 0;
    published += line.publish({1}) ? 1 : 0;
    ASSERT_LE(line.port.unacknowledged(line.port.context), published);
  }
  EXPECT_GT(heard, 1'000U);
  EXPECT_GT(published, 1'000U);
}

TEST(BridgedMqtt, BrokenRecordsChangeNothing) {
  Line line;
  line.connect();
  const Buffer body = {1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};  // a state that is none
  EXPECT_FALSE(line.mqtt.hear({RecordKind::status, body}, 1));
  EXPECT_FALSE(line.mqtt.hear({RecordKind::status, protocol::Bytes(body).first(4)}, 1));
  EXPECT_FALSE(line.mqtt.hear({RecordKind::message, body}, 1));
  EXPECT_EQ(line.port.state(line.port.context), METERLENS_MQTT_CONNECTING);
}

}  // namespace
}  // namespace meterlens::boards::qemu
