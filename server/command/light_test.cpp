#include "server/command/light.h"

#include <gtest/gtest.h>

#include <set>

namespace meterlens::command {
namespace {

using protocol::Part;
using protocol::SettingValues;

SettingValues values(std::initializer_list<std::pair<const char*, std::int32_t>> changes) {
  SettingValues out(Part::camera);
  for (const auto& [name, value] : changes)
    EXPECT_TRUE(out.set(protocol::find_setting(Part::camera, name).value(), value));
  return out;
}

SettingValues after(SettingValues now, const std::vector<std::uint8_t>& entries) {
  std::uint8_t refused[4];
  EXPECT_EQ(now.take(entries, refused), 0U);
  return now;
}

TEST(OtherLight, makes_a_dark_photo_lighter_and_takes_the_glare_away) {
  const auto off = values({{"light", 0}});
  const auto lighter = other_light("dark", 1, off, {});
  ASSERT_TRUE(lighter);
  EXPECT_EQ(lighter->text, "lamp at 100 %");
  EXPECT_EQ(after(off, lighter->entries).get("light"), 1);
  const auto on = values({});
  const auto darker = other_light("glare", 1, on, {});
  ASSERT_TRUE(darker);
  EXPECT_EQ(darker->text, "lamp off");
  EXPECT_EQ(after(on, darker->entries).get("light"), 0);
  EXPECT_TRUE(other_light("blur", 1, on, {}));
  EXPECT_TRUE(other_light("low confidence", 1, on, {}));
}

TEST(OtherLight, helps_no_other_fault) {
  for (const char* fault : {"", "mirrored", "several meters", "no meter", "turning", "damaged"})
    EXPECT_FALSE(other_light(fault, 1, values({}), {})) << fault;
}

TEST(OtherLight, is_another_one_each_time_and_undone_exactly) {
  for (const char* fault : {"dark", "glare", "blur", "low confidence"}) {
    for (const int lamp : {0, 40, 100}) {
      const auto now = values({{"light", lamp > 0 ? 1 : 0}, {"light_percent", lamp},
                               {"exposure", 300}});
      std::set<std::vector<std::uint8_t>> seen;
      for (int number = 1; number <= light_tries_max; ++number) {
        const auto light = other_light(fault, number, now, {});
        if (!light) continue;
        EXPECT_TRUE(seen.insert(light->entries).second) << fault << number;
        const auto then = after(now, light->entries);
        EXPECT_FALSE(then == now) << fault << number;
        EXPECT_TRUE(after(then, light->undo) == now) << fault << number;
      }
      EXPECT_GE(seen.size(), 2U) << fault << lamp;
      EXPECT_FALSE(other_light(fault, light_tries_max + 1, now, {}));
    }
  }
}

TEST(OtherLight, asks_nothing_of_a_camera_that_has_no_lamp) {
  const auto place = protocol::find_setting(Part::camera, "light").value();
  const std::uint8_t key = protocol::settings_of(Part::camera)[place].key;
  EXPECT_FALSE(other_light("dark", 1, values({{"light", 0}}), {key}));
}

TEST(LightTry, states_have_names_that_are_found_again) {
  for (const auto state : {LightTry::State::setting, LightTry::State::shooting,
                           LightTry::State::undoing, LightTry::State::done})
    EXPECT_EQ(light_state_named(name(state)), state);
  EXPECT_FALSE(light_state_named("x"));
}

}  // namespace
}  // namespace meterlens::command
