#include "server/notify/announce.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

namespace meterlens::notify {
namespace {

using nlohmann::json;
using validate::Medium;

MeterState state() {
  MeterState out;
  out.meter.id = "cellar.1";
  out.meter.medium = Medium::water;
  out.meter.unit = "m3";
  out.meter.factor = "10";
  out.meter.serial = "S-1";
  out.meter.place = "Cellar";
  out.devices = {"cam1"};
  out.reading = validate::Reading{};
  out.reading->id = 7;
  out.reading->value = "195.419";
  out.reading->verdict = validate::Verdict::accepted;
  return out;
}

std::map<std::string, std::string> by_topic(const MeterState& state,
                                            const HomeAssistantSettings& settings = {}) {
  std::map<std::string, std::string> out;
  for (const Message& message : messages_of(settings, state, "1.2"))
    EXPECT_TRUE(out.emplace(message.topic, message.payload).second) << message.topic;
  return out;
}

TEST(Announce, DescribesAMeterAsHomeAssistantReadsIt) {
  const auto said = by_topic(state());
  const auto config =
      json::parse(said.at("homeassistant/sensor/meterlens_cellar_2e1/value/config"));
  EXPECT_EQ(config["state_class"], "total_increasing");
  EXPECT_EQ(config["device_class"], "water");
  EXPECT_EQ(config["unit_of_measurement"], "m³");
  EXPECT_EQ(config["unique_id"], "meterlens_cellar_2e1_value");
  EXPECT_EQ(config["state_topic"], "meterlens-home/cellar.1/value");
  EXPECT_EQ(config["availability_topic"], "meterlens-home/server/status");
  EXPECT_EQ(config["device"]["identifiers"], json::array({"meterlens_cellar_2e1"}));
  EXPECT_EQ(config["device"]["serial_number"], "S-1");
  EXPECT_EQ(config["origin"]["name"], "Meterlens");
  EXPECT_EQ(said.at("meterlens-home/cellar.1/value"), "1954.190");
  EXPECT_EQ(json::parse(said.at("meterlens-home/cellar.1/attributes"))["register"], "195.419");
  EXPECT_EQ(said.at("meterlens-home/cellar.1/problem"), "OFF");
  EXPECT_EQ(said.at("meterlens-home/cellar.1/online"), "OFF");
  const auto problem =
      json::parse(said.at("homeassistant/binary_sensor/meterlens_cellar_2e1/problem/config"));
  EXPECT_EQ(problem["device_class"], "problem");
  const auto image = json::parse(said.at("homeassistant/image/meterlens_cellar_2e1/photo/config"));
  EXPECT_EQ(image["image_topic"], "meterlens-home/cellar.1/photo");
  EXPECT_EQ(image["content_type"], "image/jpeg");
  EXPECT_FALSE(image.contains("state_topic"));
}

TEST(Announce, SaysAProblemWhileAnAlarmIsOpen) {
  MeterState leaking = state();
  leaking.online = true;
  leaking.alarms.push_back({.id = 1, .kind = store::AlarmKind::leak, .subject = "cellar.1",
                            .reason = "flow", .raised_ms = 0, .acknowledged_by = ""});
  const auto said = by_topic(leaking);
  EXPECT_EQ(said.at("meterlens-home/cellar.1/problem"), "ON");
  EXPECT_EQ(said.at("meterlens-home/cellar.1/online"), "ON");
  EXPECT_EQ(json::parse(said.at("meterlens-home/cellar.1/alarms"))["alarms"][0]["kind"], "leak");
}

TEST(Announce, SaysNoValueWithoutAReading) {
  MeterState fresh = state();
  fresh.reading.reset();
  const auto said = by_topic(fresh);
  EXPECT_FALSE(said.contains("meterlens-home/cellar.1/value"));
  EXPECT_TRUE(said.contains("homeassistant/sensor/meterlens_cellar_2e1/value/config"));
  fresh.corrects = "195.919";
  EXPECT_EQ(by_topic(fresh).at("meterlens-home/cellar.1/value"), "None");
  HomeAssistantSettings blind;
  blind.photos = false;
  EXPECT_EQ(by_topic(fresh, blind).at("homeassistant/image/meterlens_cellar_2e1/photo/config"), "");
}

TEST(Announce, TakesBackEveryTopic) {
  const HomeAssistantSettings settings;
  std::map<std::string, int> gone;
  for (const Message& message : farewell_of(settings, "cellar.1")) {
    EXPECT_EQ(message.payload, "");
    ++gone[message.topic];
  }
  for (const auto& [topic, payload] : by_topic(state())) EXPECT_EQ(gone[topic], 1) << topic;
  EXPECT_EQ(gone[photo_topic(settings, "cellar.1")], 1);
}

TEST(Announce, KeepsNamesApart) {
  EXPECT_EQ(object_id("Aa0-"), "Aa0-");
  EXPECT_NE(object_id("a.b"), object_id("a_2eb"));
  EXPECT_NE(object_id("a_b"), object_id("a.b"));
}

TEST(Announce, GivesAClassOnlyWithAUnitThatItHas) {
  EXPECT_EQ(class_of(Medium::gas, "m3").device_class, "gas");
  EXPECT_EQ(class_of(Medium::electricity, "kwh").unit, "kWh");
  EXPECT_EQ(class_of(Medium::electricity, "kWh").device_class, "energy");
  EXPECT_EQ(class_of(Medium::heat, "GJ").device_class, "energy");
  EXPECT_EQ(class_of(Medium::water, "kWh").device_class, "");
  EXPECT_EQ(class_of(Medium::water, "bucket").device_class, "");
  EXPECT_EQ(class_of(Medium::water, "bucket").unit, "bucket");
  EXPECT_EQ(class_of(Medium::unknown, "m3").device_class, "");
}

TEST(Announce, NeverShowsAFallWithoutAReason) {
  validate::Reading newest;
  newest.verdict = validate::Verdict::accepted;
  newest.value = "195.419";
  EXPECT_EQ(next_of({}, newest, false), Next::show);
  EXPECT_EQ(next_of(Shown{"195.418"}, newest, false), Next::show);
  EXPECT_EQ(next_of(Shown{"195.419"}, newest, false), Next::show);
  EXPECT_EQ(next_of(Shown{"195.420"}, newest, false), Next::hold);
  EXPECT_EQ(next_of(Shown{"195.420", false}, newest, false), Next::show);
  EXPECT_EQ(next_of(Shown{"99995.420"}, newest, true), Next::show);
  newest.value = "195.41";
  EXPECT_EQ(next_of(Shown{"195.419"}, newest, false), Next::keep);
  EXPECT_EQ(next_of(Shown{"195.42"}, newest, false), Next::hold);
  newest.verdict = validate::Verdict::manual;
  EXPECT_EQ(next_of(Shown{"300.000"}, newest, false), Next::show);
}

}  // namespace
}  // namespace meterlens::notify
