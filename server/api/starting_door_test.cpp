#include "server/api/starting_door.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/api/raw_client.h"

namespace meterlens::api {
namespace {

using test::body_of;
using test::get;
using test::status_of;

TEST(StartingDoor, SaysHowFarItIsAndLeavesThePort) {
  Settings settings;
  settings.port = 0;
  settings.version = "9.9";
  auto door = StartingDoor::start(settings);
  ASSERT_TRUE(door) << door.error();
  settings.port = (*door)->port();
  (*door)->say("the schema is 4 of 7 after 12 s");
  for (const char* path : {"/health", "/api/v1/health"}) {
    const std::string answer = get(settings.port, path);
    EXPECT_EQ(status_of(answer), 503) << path;
    EXPECT_NE(answer.find("Retry-After: 5"), std::string::npos) << answer;
    const auto health = nlohmann::json::parse(body_of(answer));
    EXPECT_EQ(health["status"], "starting");
    EXPECT_EQ(health["version"], "9.9");
    EXPECT_EQ(health["store"], "the schema is 4 of 7 after 12 s");
  }
  EXPECT_EQ(status_of(get(settings.port, "/api/v1/devices")), 503);
  EXPECT_NE(body_of(get(settings.port, "/")).find("is starting"), std::string::npos);

  const auto second = StartingDoor::start(settings);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("in use"), std::string::npos) << second.error();
  // Who comes next has the port at once.
  door->reset();
  EXPECT_TRUE(StartingDoor::start(settings).has_value());
}

}  // namespace
}  // namespace meterlens::api
