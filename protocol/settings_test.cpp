#include "protocol/settings.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace meterlens::protocol {
namespace {

TEST(Settings, TheTablesHoldTogether) {
  for (const Part part : {Part::camera, Part::dtu}) {
    std::set<int> keys;
    std::set<std::string_view> names;
    for (const Setting& setting : settings_of(part)) {
      EXPECT_TRUE(keys.insert(setting.key).second) << setting.name;
      EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
      EXPECT_LE(setting.least, setting.initial) << setting.name;
      EXPECT_LE(setting.initial, setting.most) << setting.name;
      const auto place = find_setting(part, setting.key);
      ASSERT_TRUE(place);
      EXPECT_EQ(find_setting(part, setting.name), place);
      EXPECT_EQ(SettingValues(part).at(*place), setting.initial);
    }
  }
  EXPECT_FALSE(find_setting(Part::camera, std::uint8_t{0}));
  EXPECT_FALSE(find_setting(Part::dtu, "frame_size"));
}

TEST(Settings, WhatIsWrittenIsTaken) {
  SettingValues values(Part::camera);
  ASSERT_TRUE(values.set(*find_setting(Part::camera, "exposure_bias"), -2));
  ASSERT_TRUE(values.set(*find_setting(Part::camera, "lamp_rgb"), 0x102030));
  std::array<std::uint8_t, setting_bytes * setting_count_max> bytes;
  const std::size_t count = values.write(bytes);
  EXPECT_EQ(count, setting_bytes * settings_of(Part::camera).size());
  SettingValues other(Part::camera);
  EXPECT_NE(other, values);
  EXPECT_EQ(other.take(Bytes(bytes).first(count), {}), 0U);
  EXPECT_EQ(other, values);
}

TEST(Settings, WhatIsUnknownOrOutOfRangeIsNamed) {
  SettingValues values(Part::dtu);
  std::array<std::uint8_t, 2> refused{};
  const std::vector<std::uint8_t> entries = {
      5, 8, 0, 0, 0,                // window 8
      5, 0, 0, 0, 0,                // window 0: below its range
      99, 1, 0, 0, 0,               // no such key
      4, 0xFF, 0xFF, 0xFF, 0xFF,    // status_period_s -1
  };
  EXPECT_EQ(values.take(entries, refused), 3U);
  EXPECT_EQ(refused, (std::array<std::uint8_t, 2>{5, 99}));
  EXPECT_EQ(values.get("window"), 8);
  EXPECT_EQ(values.get("status_period_s"), 900);
}

TEST(Settings, ACutEntryChangesNothing) {
  SettingValues values(Part::dtu);
  EXPECT_FALSE(values.take(std::vector<std::uint8_t>{5, 8, 0, 0, 0, 5}, {}));
  EXPECT_EQ(values, SettingValues(Part::dtu));
}

}  // namespace
}  // namespace meterlens::protocol
