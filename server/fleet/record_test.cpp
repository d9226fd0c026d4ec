#include "server/fleet/record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace meterlens::fleet {
namespace {

using nlohmann::json;

std::optional<Message> recorded(std::string_view topic, std::string_view payload,
                                const RecordLimits& limits = {}) {
  return record(topic, {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()}, 5,
                limits);
}

TEST(Record, TextStaysTextAndBytesAreHexadecimal) {
  const auto status = recorded("meterlens/m1/status", R"({"online":true})");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->device, "m1");
  EXPECT_EQ(status->direction, Direction::up);
  EXPECT_TRUE(status->is_text);
  EXPECT_EQ(status->payload, R"({"online":true})");
  const auto frame = recorded("meterlens/m1/down", std::string_view("\x01\x20\x00\xff", 4));
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->direction, Direction::down);
  EXPECT_FALSE(frame->is_text);
  EXPECT_EQ(frame->payload, "012000ff");
  EXPECT_EQ(recorded("P/D/control", "{}")->direction, Direction::down);
  EXPECT_FALSE(recorded("foreign", "{}"));
}

TEST(Record, PayloadsAreCutAndPhotosLeftOut) {
  const std::string text(2000, 'x');
  EXPECT_EQ(recorded("meterlens/m1/status", text)->payload.size(), 512U);
  EXPECT_EQ(recorded("meterlens/m1/status", text)->payload_bytes, 2000);
  const std::string packet("\x01\x11\x00\x00", 4);
  EXPECT_FALSE(recorded("meterlens/m1/up", packet));
  EXPECT_FALSE(recorded("P/D/event", R"({"uart1":{"payload":{"image":{"image_binary":"A"}}}})"));
  RecordLimits all;
  all.photo_data = true;
  EXPECT_TRUE(recorded("meterlens/m1/up", packet, all));
}

TEST(Record, SamplesHaveWhatIsKnown) {
  ingest::Packet packet{"m1", "meterlens", protocol::Dialect::native, 9, {}};
  packet.content = ingest::Presence{
      true, "", R"({"online":true,"uptime_s":7,"waiting":3,"up_dropped":1,"serial_errors":2,)"
                R"("signal_dbm":-71})"};
  auto sample = sample_of(packet);
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->source, "dtu");
  EXPECT_EQ(json::parse(sample->values_json),
            json::parse(R"({"signal_dbm":-71,"uptime_s":7,"queue":3,"errors":3})"));
  packet.content = ingest::SmartState{R"({"aht10":{"temperature":21.5,"humidity":40}})", ""};
  EXPECT_EQ(json::parse(sample_of(packet)->values_json),
            json::parse(R"({"temperature_c":21.5,"humidity_percent":40})"));
  packet.content = ingest::SmartState{R"({"aht10":{"temperature":-50,"humidity":0}})", ""};
  EXPECT_FALSE(sample_of(packet));
  packet.content = ingest::Presence{false, "", ""};
  EXPECT_FALSE(sample_of(packet));
  protocol::Health health;
  health.uptime_s = 60;
  health.no_answers = 2;
  packet.content = health;
  sample = sample_of(packet);
  EXPECT_EQ(sample->source, "camera");
  EXPECT_EQ(json::parse(sample->values_json),
            json::parse(R"({"uptime_s":60,"errors":2,"photos_lost":0})"));
}

}  // namespace
}  // namespace meterlens::fleet
