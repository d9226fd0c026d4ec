// The DTU's own settings, timers and status, in both dialects.
#include <gtest/gtest.h>

#include "device/dtu/test_world.h"
#include "protocol/json.h"

namespace meterlens::dtu {
namespace {

using namespace test;
using protocol::Part;
using protocol::Settings;

constexpr const char* up = "meterlens/D1X/up";
constexpr const char* down = "meterlens/D1X/down";
constexpr const char* control = "PROD01/D1X/control";
constexpr const char* event = "PROD01/D1X/event";
constexpr std::uint64_t minute_ms = 60'000;

Buffer entry(std::string_view name, std::int32_t value) {
  const auto place = protocol::find_setting(Part::dtu, name);
  Buffer bytes = {protocol::settings_of(Part::dtu)[*place].key};
  for (int shift = 0; shift < 32; shift += 8)
    bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint32_t>(value) >> shift));
  return bytes;
}

Buffer settings_frame(std::uint32_t revision, std::string_view name, std::int32_t value,
                      Part part = Part::dtu) {
  const Buffer entries = entry(name, value);
  return frame_of(Settings{part, revision, entries});
}

// The newest status as JSON.
std::string status_of(const DtuWorld& world, std::string_view key) {
  static std::string text;
  text = FakeMqtt::text(world.mqtt.on("meterlens/D1X/status").back());
  const auto json = protocol::json_text(text);
  const auto member = json ? protocol::json_member(*json, key) : std::nullopt;
  return member ? std::string(member->text) : "";
}

TEST(DtuSettingsFrames, TakenKeptAnsweredAndNotForwarded) {
  DtuWorld world;
  world.pull_all();
  world.say(down, settings_frame(5, "window", 3));
  world.run(2);
  EXPECT_TRUE(world.pull_frames().empty());
  ASSERT_EQ(world.mqtt.on(up).size(), 1U);
  const auto answer = protocol::decode_message(world.mqtt.on(up)[0].payload);
  ASSERT_TRUE(answer);
  const auto& taken = std::get<protocol::SettingsTaken>(*answer);
  EXPECT_EQ(taken.part, Part::dtu);
  EXPECT_EQ(taken.revision, 5U);
  EXPECT_TRUE(taken.refused_keys.empty());
  EXPECT_EQ(status_of(world, "settings_revision"), "5");
  for (const bool restarted : {false, true}) {
    if (restarted) world.restart();
    world.mqtt.acknowledges = false;
    world.mqtt.unacknowledged = 0;
    world.mqtt.messages.clear();
    for (std::uint16_t i = 0; i < 9; ++i) world.hear(packet_frame(i));
    EXPECT_EQ(world.mqtt.on(up).size(), 3U) << restarted;
    world.mqtt.acknowledges = true;
    world.mqtt.unacknowledged = 0;
    world.run(2);
  }
}

TEST(DtuSettingsFrames, ThoseOfTheCameraAreCarried) {
  DtuWorld world;
  world.pull_all();
  const Buffer frame = settings_frame(5, "window", 3, Part::camera);
  world.say(down, frame);
  EXPECT_EQ(world.pull_frames(), (std::vector<Buffer>{frame}));
  EXPECT_TRUE(world.mqtt.on(up).empty());
}

TEST(DtuSettingsFrames, TheStatusPeriodIsObeyed) {
  DtuWorld world;
  const std::size_t before = world.mqtt.on("meterlens/D1X/status").size();
  world.run(10 * minute_ms);
  EXPECT_EQ(world.mqtt.on("meterlens/D1X/status").size(), before);
  world.say(down, settings_frame(1, "status_period_s", 60));
  world.run(10 * minute_ms);
  EXPECT_EQ(world.mqtt.on("meterlens/D1X/status").size(), before + 10);
}

TEST(DtuStatus, TellsHowItWas) {
  DtuWorld world;
  EXPECT_EQ(status_of(world, "reset_cause"), "\"unknown\"");
  EXPECT_EQ(status_of(world, "crash_address"), "");
  world.settings.power.reset_cause = METERLENS_RESET_CRASH;
  world.settings.power.crash_address = 0x4008'1234;
  world.areas.memory[0][3] = 7;  // broken settings
  world.restart();
  EXPECT_EQ(status_of(world, "reset_cause"), "\"crash\"");
  EXPECT_EQ(status_of(world, "crash_address"), "\"40081234\"");
  EXPECT_EQ(status_of(world, "settings_broken"), "1");
  EXPECT_EQ(status_of(world, "waiting"), "0");
  EXPECT_EQ(status_of(world, "settings_refused"), "0");
  EXPECT_EQ(status_of(world, "line_switches"), "0");
  EXPECT_EQ(status_of(world, "line_falls"), "0");
  const std::array<std::uint8_t, 5> unknown{200, 1, 0, 0, 0};
  world.say(down, frame_of(protocol::Settings{Part::dtu, 3, unknown}));
  world.run(2);
  EXPECT_EQ(status_of(world, "settings_refused"), "1");
}

std::vector<std::uint32_t> orders(DtuWorld& world) {
  std::vector<std::uint32_t> ids;
  for (const Buffer& frame : world.pull_frames()) {
    const auto message = protocol::decode_message(frame);
    if (const auto* capture = message ? std::get_if<protocol::Capture>(&*message) : nullptr)
      ids.push_back(capture->command_id);
  }
  return ids;
}

TEST(DtuTimer, OrdersCapturesWithoutTheServerUntilThePhotoIsOffered) {
  DtuWorld world;
  world.pull_all();
  world.say(down, settings_frame(1, "capture_period_s", 3600));
  world.run(2);
  orders(world);
  world.mqtt.reachable = false;
  world.mqtt.state = METERLENS_MQTT_DOWN;
  world.mqtt.unix_ms = 1'700'006'400'000;  // a full hour
  world.run(2);
  const auto first = orders(world);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0], timer_command | 1'700'006'400U);
  world.run(order_retry_first_ms + 10);
  EXPECT_EQ(orders(world), first);
  world.hear(frame_of(protocol::Offer{1, 10, first[0], 0, {}}));
  world.run(30 * minute_ms);
  EXPECT_TRUE(orders(world).empty());
  EXPECT_EQ(world.dtu->timer_counters().ordered, 1U);
}

TEST(DtuTimer, OrdersByTextInTheOtherDialect) {
  DtuWorld world(protocol::Dialect::smartdtu);
  protocol::SettingValues values(Part::dtu);
  settings::Kept kept(Part::dtu, world.areas.port());
  kept.load();
  ASSERT_TRUE(kept.set("capture_period_s", 600));
  world.mqtt.unix_ms = 1'700'006'400'000;
  world.restart();
  EXPECT_EQ(world.pull_text(), R"({"capture":1})");
  world.run(9 * minute_ms);
  EXPECT_EQ(world.pull_text(), "");
}

TEST(SmartSettings, TimersTellTheStateAndSurviveARestart) {
  DtuWorld world(protocol::Dialect::smartdtu);
  EXPECT_EQ(world.mqtt.on(event).size(), 1U);
  world.say_text(control,
                 R"({"timer1":{"status":1,"period":20000,"mode":1,"callback":"aht10,gpio"}})");
  world.run(2);
  ASSERT_EQ(world.mqtt.on(event).size(), 2U);
  const std::string told = FakeMqtt::text(world.mqtt.messages.back());
  EXPECT_NE(told.find(R"("timer1": {"status": 1, "period": 20000, "mode": 1, )"
                      R"("callback": "aht10,gpio"})"),
            std::string::npos)
      << told;
  ASSERT_TRUE(protocol::json_text(told));
  world.run(minute_ms + 1000);
  EXPECT_EQ(world.mqtt.on(event).size(), 5U);
  world.restart();
  EXPECT_EQ(world.mqtt.on(event).size(), 6U);
  world.run(minute_ms + 1000);
  EXPECT_EQ(world.mqtt.on(event).size(), 9U);
}

TEST(SmartSettings, ATimerMayFireOnce) {
  DtuWorld world(protocol::Dialect::smartdtu);
  world.say_text(control, R"({"timer2":{"status":1,"period":5000,"mode":0}})");
  world.run(minute_ms);
  EXPECT_EQ(world.mqtt.on(event).size(), 3U);
  EXPECT_NE(FakeMqtt::text(world.mqtt.messages.back()).find(R"("timer2": {"status": 0)"),
            std::string::npos);
  world.restart();
  world.run(minute_ms);
  EXPECT_EQ(world.mqtt.on(event).size(), 4U);
}

TEST(SmartSettings, TheUartIsSetAndTold) {
  DtuWorld world(protocol::Dialect::smartdtu);
  world.say_text(control, R"({"uart1":{"config":{"baud_rate":9600,"parity":7,"stop_bits":2}}})");
  world.run(2);
  const std::string told = FakeMqtt::text(world.mqtt.messages.back());
  EXPECT_NE(told.find(R"("uart1": {"baud_rate": 9600, "data_bits": 8, "parity": 0, )"
                      R"("stop_bits": 2, "flow_control": 0})"),
            std::string::npos)
      << told;
}

TEST(SmartSettings, TheOtherUartsAreKeptAndTold) {
  DtuWorld world(protocol::Dialect::smartdtu);
  world.say_text(control, R"({"uart2":{"config":{"baud_rate":4800}},"uart0":{"config":)"
                          R"({"parity":2},"payload":0}})");
  world.restart();
  world.run(2);
  const std::string told = FakeMqtt::text(world.mqtt.messages.back());
  EXPECT_NE(told.find(R"("uart2": {"baud_rate": 4800, "data_bits": 8)"), std::string::npos) << told;
  EXPECT_NE(told.find(R"("uart0": {"baud_rate": 115200, "data_bits": 8, "parity": 2)"),
            std::string::npos)
      << told;
  EXPECT_EQ(told.find("uart1"), std::string::npos) << told;
  // There is no such line here to write to.
  EXPECT_EQ(world.dtu->counters().unknown_keys, 0U);
  world.say_text(control, R"({"uart2":{"payload":{"a":1}}})");
  EXPECT_EQ(world.dtu->counters().unknown_keys, 1U);
  EXPECT_EQ(world.pull_text(), "");
}

TEST(SmartSettings, WhatADeployedOneObeysFromItsUartAloneIsCounted) {
  DtuWorld world(protocol::Dialect::smartdtu);
  world.say_text(control, R"({"fota":{"mode":1,"url":"http://x/y"},"pwm1":{},"system":{},)"
                          R"("socket":{},"mqtt_tencent":{},"timer4":{},"timer1":5})");
  world.run(2);
  EXPECT_EQ(world.dtu->counters().unknown_keys, 7U);
  EXPECT_EQ(world.mqtt.on(event).size(), 1U);
}

}  // namespace
}  // namespace meterlens::dtu
