#include "app/second_settings.h"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace meterlens::app {
namespace {

TEST(SecondSettings, ask_nobody_unless_they_say_so) {
  unsetenv(second::key_variable);
  unsetenv(second::secret_variable);
  const auto none = second_settings({});
  ASSERT_TRUE(none) << none.error();
  EXPECT_FALSE(none->keys);
  EXPECT_EQ(none->policy, second::Policy::local);
  Settings wanted;
  wanted.second_policy = "baidu";
  const auto without_keys = second_settings(wanted);
  ASSERT_FALSE(without_keys);
  EXPECT_NE(without_keys.error().find("keys_file"), std::string::npos);
}

TEST(SecondSettings, are_taken_in_the_servers_units) {
  setenv(second::key_variable, "k", 1);
  setenv(second::secret_variable, "s", 1);
  Settings settings;
  settings.second_policy = "both-must-agree";
  settings.second_price = "0.0035";
  settings.second_send = "photo";
  settings.second_base_url = "http://127.0.0.1:8000/";
  const auto taken = second_settings(settings);
  ASSERT_TRUE(taken) << taken.error();
  EXPECT_EQ(taken->policy, second::Policy::both_must_agree);
  EXPECT_EQ(taken->baidu.price_micro, 3500);
  EXPECT_TRUE(taken->whole_photo);
  EXPECT_EQ(taken->baidu.base_url, "http://127.0.0.1:8000");
  for (const char* price : {"", "x", "0.0000001", "-1", "2000", "1e3"}) {
    settings.second_price = price;
    EXPECT_FALSE(second_settings(settings)) << price;
  }
  settings.second_price = "0";
  settings.second_base_url = "http://example.org";
  EXPECT_FALSE(second_settings(settings)) << "keys in the clear";
  unsetenv(second::key_variable);
  unsetenv(second::secret_variable);
}

}  // namespace
}  // namespace meterlens::app
