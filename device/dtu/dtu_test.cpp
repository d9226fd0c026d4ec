#include "device/dtu/dtu.h"

#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "device/dtu/test_world.h"
#include "protocol/json.h"

namespace meterlens::dtu {
namespace {

using namespace test;

TEST(Dtu, ConnectsAndSaysOnline) {
  DtuWorld world;
  EXPECT_EQ(world.mqtt.client_id, "meterlens-D1X");
  EXPECT_EQ(world.mqtt.keep_alive_s, 30);
  EXPECT_EQ(world.mqtt.subscription, "meterlens/D1X/down");
  EXPECT_EQ(world.mqtt.will, R"(meterlens/D1X/status {"online":false})");
  const auto status = world.mqtt.on("meterlens/D1X/status");
  ASSERT_EQ(status.size(), 1U);
  EXPECT_TRUE(status[0].retain);
  EXPECT_EQ(status[0].qos, 1);
  const std::string text = FakeMqtt::text(status[0]);
  const auto json = protocol::json_text(text);
  ASSERT_TRUE(json);
  EXPECT_EQ(protocol::json_member(*json, "online")->text, "true");
  EXPECT_EQ(protocol::json_member(*json, "dialect")->text, "\"native\"");
  EXPECT_EQ(protocol::json_member(*json, "firmware")->text, "\"dtu-1\"");
  EXPECT_EQ(protocol::json_member(*json, "uptime_s")->text, "0");
  // The camera is given the time at once.
  ASSERT_EQ(world.pull_frames().size(), 1U);
}

TEST(Dtu, CarriesFramesUnchangedBothWays) {
  DtuWorld world;
  world.pull_all();
  std::vector<Buffer> up;
  for (std::uint16_t i = 0; i < 40; ++i) {
    up.push_back(packet_frame(i));
    world.hear(up.back());
  }
  const auto sent = world.mqtt.on("meterlens/D1X/up");
  ASSERT_EQ(sent.size(), up.size());
  for (std::size_t i = 0; i < up.size(); ++i) EXPECT_EQ(sent[i].payload, up[i]);
  EXPECT_EQ(sent[0].qos, 1);
  EXPECT_FALSE(sent[0].retain);
  const Buffer bitmap(256, 0xFF);
  const std::vector<Buffer> down = {frame_of(protocol::Capture{5}),
                                    frame_of(protocol::Missing{1, bitmap}),
                                    frame_of(protocol::Stored{1, {}})};
  for (const Buffer& frame : down) world.say("meterlens/D1X/down", frame);
  EXPECT_EQ(world.pull_frames(), down);
}

TEST(Dtu, CarriesFramesOfTypesItDoesNotKnow) {
  DtuWorld world;
  world.pull_all();
  Buffer frame(20);
  frame.resize(protocol::encode_frame(0x7F, Bytes(), frame));
  world.hear(frame);
  world.say("meterlens/D1X/down", frame);
  EXPECT_EQ(world.mqtt.on("meterlens/D1X/up").size(), 1U);
  EXPECT_EQ(world.pull_frames().size(), 1U);
}

TEST(Dtu, AnswersHelloWithTheClock) {
  DtuWorld world;
  world.pull_all();
  world.hear(frame_of(protocol::Hello{1, 0, 0, "cam"}));
  const auto frames = world.pull_frames();
  ASSERT_EQ(frames.size(), 1U);
  const auto message = protocol::decode_message(frames[0]);
  ASSERT_TRUE(message);
  EXPECT_EQ(std::get<protocol::Clock>(*message).unix_ms, world.mqtt.unix_ms);
  EXPECT_EQ(world.mqtt.on("meterlens/D1X/up").size(), 1U);
  world.mqtt.unix_ms = 0;
  world.hear(frame_of(protocol::Hello{1, 0, 0, "cam"}));
  EXPECT_TRUE(world.pull_frames().empty());
}

TEST(Dtu, DropsAndCountsBrokenFrames) {
  DtuWorld world;
  world.pull_all();
  Buffer frame = packet_frame(1);
  frame[10] ^= 1;
  world.hear(frame);
  world.say("meterlens/D1X/down", frame);
  world.say("meterlens/other/down", packet_frame(1));
  world.say("meterlens/D1X/down", Buffer(5000, 1));
  EXPECT_TRUE(world.mqtt.on("meterlens/D1X/up").empty());
  EXPECT_TRUE(world.pull_frames().empty());
  EXPECT_EQ(world.dtu->counters().serial_errors, 1U);
  EXPECT_EQ(world.dtu->counters().foreign, 3U);
}

TEST(Dtu, AFullQueueDropsAndCounts) {
  DtuWorld world;
  world.mqtt.takes = false;
  for (std::uint16_t i = 0; i < 50; ++i) world.hear(packet_frame(i));
  const std::size_t waiting = world.dtu->waiting_count();
  EXPECT_EQ(waiting, up_queue_bytes / (1038 + 2));
  EXPECT_EQ(world.dtu->counters().up_dropped, 50 - waiting);
  world.mqtt.takes = true;
  world.run(10);
  const auto sent = world.mqtt.on("meterlens/D1X/up");
  ASSERT_EQ(sent.size(), waiting);
  for (std::uint16_t i = 0; i < waiting; ++i) EXPECT_EQ(sent[i].payload, packet_frame(i));
  for (int i = 0; i < 10; ++i) world.say("meterlens/D1X/down", packet_frame(1));
  EXPECT_EQ(world.dtu->counters().down_dropped, 10U - 3 + 0U);
}

TEST(Dtu, KeepsToTheWindow) {
  DtuWorld world;
  world.mqtt.acknowledges = false;
  for (std::uint16_t i = 0; i < 20; ++i) world.hear(packet_frame(i));
  EXPECT_EQ(world.mqtt.on("meterlens/D1X/up").size(), 16U);
  world.mqtt.unacknowledged -= 3;
  world.run(2);
  EXPECT_EQ(world.mqtt.on("meterlens/D1X/up").size(), 16U + 3);
}

TEST(Dtu, ComesBackWithGrowingJitteredPauses) {
  DtuWorld world;
  world.mqtt.reachable = false;
  world.mqtt.state = METERLENS_MQTT_DOWN;
  std::vector<std::uint64_t> at;
  for (int last = world.mqtt.connects; at.size() < 10; world.run(1)) {
    if (world.mqtt.connects == last) continue;
    last = world.mqtt.connects;
    at.push_back(world.now_ms);
  }
  std::uint64_t pause_ms = 2000;  // the first pause was that before at[0]
  for (std::size_t i = 1; i < at.size(); ++i) {
    EXPECT_GE(at[i] - at[i - 1], pause_ms / 2);
    EXPECT_LE(at[i] - at[i - 1], pause_ms * 3 / 2 + 5);
    pause_ms = std::min<std::uint64_t>(2 * pause_ms, 60'000);
  }
  world.hear(packet_frame(3));
  world.mqtt.reachable = true;
  world.run(100'000);
  EXPECT_TRUE(world.dtu->online());
  EXPECT_EQ(world.mqtt.on("meterlens/D1X/up").size(), 1U);
  EXPECT_EQ(world.mqtt.on("meterlens/D1X/status").size(), 2U);
}

TEST(Dtu, TwoDevicesDoNotComeBackInStep) {
  std::vector<std::uint64_t> at;
  for (const std::uint32_t seed : {1U, 2U, 3U}) {
    FakeMqtt mqtt;
    mqtt.reachable = false;
    DtuSettings settings;
    settings.session = {Dialect::native, "", "D", "", "", seed};
    Dtu dtu(mqtt.port(), settings);
    dtu.start(0);
    std::uint64_t now_ms = 0;
    while (mqtt.connects < 4) dtu.step(now_ms++);
    at.push_back(now_ms);
  }
  EXPECT_TRUE(at[0] != at[1] && at[1] != at[2]);
}

TEST(Dtu, AnUnansweredConnectIsGivenUp) {
  DtuWorld world;
  world.mqtt.reachable = false;
  world.mqtt.answer = METERLENS_MQTT_CONNECTING;
  world.mqtt.state = METERLENS_MQTT_DOWN;
  world.run(1'600);
  EXPECT_EQ(world.mqtt.connects, 2);
  world.run(connect_timeout_ms);
  EXPECT_EQ(world.mqtt.disconnects, 1);
  world.run(5'000);
  EXPECT_EQ(world.mqtt.connects, 3);
}

TEST(Dtu, ABrokerThatAcknowledgesNothingIsLeftForANewConnection) {
  DtuWorld world;
  world.mqtt.acknowledges = false;
  world.hear(packet_frame(1));
  world.run(acknowledge_timeout_ms / 2);
  world.hear(packet_frame(2));
  --world.mqtt.unacknowledged;  // the first one: there is life
  world.run(acknowledge_timeout_ms - 10);
  EXPECT_EQ(world.mqtt.disconnects, 0);
  world.run(20);
  EXPECT_EQ(world.mqtt.disconnects, 1);
  world.mqtt.acknowledges = true;
  world.run(5'000);
  EXPECT_EQ(world.mqtt.connects, 2);
  EXPECT_TRUE(world.dtu->online());
  world.run(2 * acknowledge_timeout_ms);  // nothing is open
  EXPECT_EQ(world.mqtt.connects, 2);
}

TEST(Dtu, WhatIsSentAfterARestWithoutStepsHasItsTime) {
  DtuWorld world;
  world.now_ms += 3 * acknowledge_timeout_ms;
  world.mqtt.acknowledges = false;
  world.hear(packet_frame(1));
  ASSERT_EQ(world.mqtt.unacknowledged, 1U) << "sent before the next step";
  world.run(acknowledge_timeout_ms - 10);
  EXPECT_EQ(world.mqtt.disconnects, 0);
  world.run(20);
  EXPECT_EQ(world.mqtt.disconnects, 1);
}

TEST(Dtu, SaysOfflineBeforeItLeaves) {
  DtuWorld world;
  world.mqtt.acknowledges = false;
  world.dtu->stop(world.now_ms);
  world.run(100);
  EXPECT_FALSE(world.dtu->stopped());
  const auto status = world.mqtt.on("meterlens/D1X/status");
  EXPECT_EQ(FakeMqtt::text(status.back()), R"({"online":false})");
  EXPECT_TRUE(status.back().retain);
  world.mqtt.unacknowledged = 0;
  world.run(2);
  EXPECT_TRUE(world.dtu->stopped());
  EXPECT_EQ(world.mqtt.disconnects, 1);
  DtuWorld stuck;
  stuck.mqtt.acknowledges = false;
  stuck.dtu->stop(stuck.now_ms);
  stuck.run(farewell_timeout_ms + 2);
  EXPECT_TRUE(stuck.dtu->stopped());
}

TEST(Dtu, RandomBytesOnTheLineAreHarmless) {
  for (const Dialect dialect : {Dialect::native, Dialect::smartdtu}) {
    DtuWorld world(dialect);
    std::mt19937 random(9);
    for (unsigned i = 0; i < 100'000; ++i) {
      const auto byte =
          static_cast<std::uint8_t>(random() % (i % 2 == 0 ? 256 : 96) + 32 * (i % 2));
      world.dtu->serial_in({&byte, 1}, world.now_ms);
      if (i % 50 == 0) world.run(60);
    }
    EXPECT_TRUE(world.mqtt.on("meterlens/D1X/up").empty());
    for (const auto& event : world.mqtt.on("PROD01/D1X/event"))
      ASSERT_TRUE(protocol::json_text(FakeMqtt::text(event))) << FakeMqtt::text(event);
  }
}

TEST(SmartDtu, ConnectsAsTheDevicesInTheField) {
  DtuWorld world(Dialect::smartdtu);
  EXPECT_EQ(world.mqtt.client_id, "PROD01D1X");
  EXPECT_EQ(world.mqtt.keep_alive_s, 300);
  EXPECT_EQ(world.mqtt.will, "");
  EXPECT_EQ(world.mqtt.subscription, "PROD01/D1X/control");
  const auto events = world.mqtt.on("PROD01/D1X/event");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].qos, 0);
  EXPECT_FALSE(events[0].retain);
  const std::string text = FakeMqtt::text(events[0]);
  const auto state = protocol::json_text(text);
  ASSERT_TRUE(state);
  for (const char* key : {"modem", "aht10", "gpio"})
    EXPECT_TRUE(protocol::json_member(*state, key)) << key;
  EXPECT_EQ(protocol::json_member(*protocol::json_member(*state, "modem"), "sn")->text, "\"D1X\"");
  EXPECT_EQ(world.pull_text(), "");
}

TEST(SmartDtu, ControlGoesToTheUart) {
  struct Case {
    const char* control;
    const char* uart;
  };
  for (const Case& c :
       {Case{R"({"uart1":{"payload":{"capture":1}}})", R"({"capture":1})"},
        Case{R"({"uart1": {"payload": "text"}})", R"("text")"},
        Case{R"({"uart1":{"payload":0}})", ""}, Case{R"({"uart1":{"payload":{}}})", ""},
        Case{R"({"uart1":{"payload":""}})", ""},
        Case{R"({"uart1":{"config":{"baud_rate":9600}}})", ""}, Case{R"({"uart1":5})", ""},
        Case{R"({"uart2":{"payload":{"a":1}}})", ""}, Case{"[1]", ""}, Case{"{", ""},
        Case{"", ""}}) {
    DtuWorld world(Dialect::smartdtu);
    world.say_text("PROD01/D1X/control", c.control);
    EXPECT_EQ(world.pull_text(), c.uart) << c.control;
  }
}

TEST(SmartDtu, PinsAreSetAndEchoed) {
  DtuWorld world(Dialect::smartdtu);
  world.say_text("PROD01/D1X/control", R"({"gpio":{"gpio5":1,"gpio14":7,"gpio15":1,"x":1}})");
  world.run(2);
  const std::string text = FakeMqtt::text(world.mqtt.messages.back());
  EXPECT_NE(text.find(R"("gpio5": 1)"), std::string::npos);
  EXPECT_NE(text.find(R"("gpio14": 1)"), std::string::npos);
  EXPECT_NE(text.find(R"("gpio1": 0)"), std::string::npos);
  EXPECT_EQ(text.find("gpio15"), std::string::npos);
}

// The payload of the one event that followed the first.
std::string payload_of(const DtuWorld& world, std::size_t nth = 1) {
  const auto events = world.mqtt.on("PROD01/D1X/event");
  if (events.size() <= nth) return "";
  static std::string text;
  text = FakeMqtt::text(events[nth]);
  const auto event = protocol::json_text(text);
  if (!event) return "no JSON: " + text;
  const auto uart = protocol::json_member(*event, "uart1");
  EXPECT_TRUE(protocol::json_member(*uart, "config"));
  return std::string(protocol::json_member(*uart, "payload")->text);
}

TEST(SmartDtu, TextsBecomeEvents) {
  struct Case {
    const char* uart;
    const char* payload;
  };
  for (const Case& c : {Case{R"({"image":{"image_end":true}})", R"({"image":{"image_end":true}})"},
                        Case{"hello \"you\"", R"("hello \"you\"")"},
                        Case{R"({"a":1)", R"("{\"a\":1")"}, Case{"12", ""}, Case{"[1,2]", ""},
                        Case{R"({"payload":1})", ""}, Case{"\xff\xfe{}", ""}, Case{"\r\n ", ""}}) {
    DtuWorld world(Dialect::smartdtu);
    world.hear_text(c.uart);
    world.run(uart_pause_ms + 5);
    EXPECT_EQ(payload_of(world), c.payload) << c.uart;
    EXPECT_LE(world.mqtt.on("PROD01/D1X/event").size(), 2U);
  }
}

TEST(SmartDtu, GluedObjectsAreTwoEvents) {
  DtuWorld world(Dialect::smartdtu);
  world.hear_text(R"({"a":1} {"b":2})");
  EXPECT_EQ(payload_of(world, 1), R"({"a":1})");
  EXPECT_EQ(payload_of(world, 2), R"({"b":2})");
}

TEST(SmartDtu, CutsWhereTheReaderOfTheFieldCuts) {
  DtuWorld world(Dialect::smartdtu, 10);
  world.hear_text(R"({"abc":12345})");
  world.run(uart_pause_ms + 5);
  EXPECT_EQ(payload_of(world, 1), R"("{\"abc\":123")");
  EXPECT_EQ(payload_of(world, 2), R"("45}")");
}

TEST(SmartDtu, ANativeHelloIsNotPublished) {
  DtuWorld world(Dialect::smartdtu);
  world.hear(frame_of(protocol::Hello{1, 0, 0, "cam"}));
  world.run(uart_pause_ms + 5);
  EXPECT_EQ(world.mqtt.on("PROD01/D1X/event").size(), 1U);
  EXPECT_EQ(world.dtu->uart_counters().not_ascii, 1U);
  world.hear_text(R"({"a":1})");
  EXPECT_EQ(payload_of(world), R"({"a":1})");
}

TEST(MessageQueue, IsAQueueWhateverTheSizes) {
  std::mt19937 random(1);
  Buffer memory(300);
  MessageQueue queue(memory);
  std::deque<Buffer> model;
  int refused = 0;
  for (int i = 0; i < 100'000; ++i) {
    if (random() % 5 < 3) {
      const Buffer message(random() % 120, static_cast<std::uint8_t>(i));
      if (queue.push(message))
        model.push_back(message);
      else
        ++refused;
    } else if (!model.empty()) {
      const auto front = queue.front();
      ASSERT_TRUE(front);
      ASSERT_EQ(Buffer(front->begin(), front->end()), model.front());
      queue.pop();
      model.pop_front();
    }
    ASSERT_EQ(queue.count(), model.size());
  }
  EXPECT_GT(refused, 0);
  while (queue.count() > 0) queue.pop();
  EXPECT_TRUE(queue.push(Buffer(298)));
  EXPECT_FALSE(queue.push(Buffer(0)));
}

}  // namespace
}  // namespace meterlens::dtu
