#include "protocol/ids.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace meterlens::protocol {
namespace {

TEST(Ids, DeviceNames) {
  for (const char* good : {"m1", "D1D20JN080074930P", "house-3.cellar_b"})
    EXPECT_TRUE(is_device_name(good)) << good;
  for (const char* bad : {"", ".", "..", ".hidden", "a/b", "a b", "a+", "#", "caf\xc3\xa9", "a\n"})
    EXPECT_FALSE(is_device_name(bad)) << bad;
  EXPECT_TRUE(is_device_name(std::string(64, 'x')));
  EXPECT_FALSE(is_device_name(std::string(65, 'x')));
}

TEST(Ids, TopicsOfBothDialectsComeBackAsTheyWent) {
  for (const char* text : {"meterlens/m1/up", "meterlens/m1/down", "meterlens/m1/status",
                           "SEEDPROD01/D1X20SEED0000001P/event", "P/D/control"}) {
    const auto topic = parse_topic(text);
    ASSERT_TRUE(topic) << text;
    std::array<char, topic_chars_max> out;
    EXPECT_EQ(format_topic(*topic, out), text);
  }
  EXPECT_EQ(parse_topic("P/D/event")->dialect, Dialect::smartdtu);
  EXPECT_EQ(parse_topic("meterlens/D/up")->device, "D");
}

TEST(Ids, ForeignTopicsAreNone) {
  for (const char* text :
       {"", "/", "//", "meterlens", "meterlens/m1", "meterlens//up", "meterlens/m1/up/x",
        "meterlens/m1/event", "P/D/up", "P/D/status", "meterlens/../up", "P/a b/event", "/D/event"})
    EXPECT_FALSE(parse_topic(text)) << text;
}

}  // namespace
}  // namespace meterlens::protocol
