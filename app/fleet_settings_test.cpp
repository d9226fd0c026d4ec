#include "app/fleet_settings.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;
using server::Role;

TEST(FleetSettings, EachRoleSaysWhatItLacks) {
  Settings settings;
  EXPECT_TRUE(check_role(settings, Role::whole).has_value());
  EXPECT_NE(check_role(settings, Role::worker).error().find("[fleet]"), std::string::npos);
  settings.fleet_rabbitmq = "amqp://mq1";
  EXPECT_NE(check_role(settings, Role::whole).error().find("--no-worker"), std::string::npos);
  EXPECT_NE(check_role(settings, Role::server).error().find("[store]"), std::string::npos);
  settings.store_url = "postgresql://db/meterlens";
  EXPECT_TRUE(check_role(settings, Role::server).has_value());
}

TEST(FleetSettings, NodesArePartedBySpacesAndAWholeServerHasNone) {
  Settings settings;
  settings.fleet_rabbitmq = "amqp://u@mq1:5673/ amqp://u@mq2";
  settings.fleet_queues = 8;
  server::Settings out;
  ASSERT_TRUE(fleet_settings(settings, Role::whole, out).has_value());
  EXPECT_TRUE(out.embedded.has_value());
  EXPECT_TRUE(out.queues.nodes.empty());
  ASSERT_TRUE(fleet_settings(settings, Role::worker, out).has_value());
  EXPECT_FALSE(out.embedded.has_value());
  ASSERT_EQ(out.queues.nodes.size(), 2U);
  EXPECT_EQ(out.queues.nodes[1].host, "mq2");
  EXPECT_EQ(out.queues.queue_count, 8);
  EXPECT_FALSE(out.share.worker.empty());
  settings.fleet_rabbitmq = "amqp://u:secret@mq1";
  const auto wrong = fleet_settings(settings, Role::worker, out);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().find("secret"), std::string::npos);
}

TEST(FleetSettings, APasswordThatOthersMayReadIsRefused) {
  const fs::path file = fs::temp_directory_path() / ("meterlens-amqp-" + std::to_string(getpid()));
  std::ofstream(file) << "hidden\n";
  Settings settings;
  settings.fleet_rabbitmq = "amqp://mq1";
  settings.fleet_password_file = file.string();
  server::Settings out;
  fs::permissions(file, fs::perms::owner_read | fs::perms::others_read);
  EXPECT_NE(fleet_settings(settings, Role::worker, out).error().find("chmod 600"),
            std::string::npos);
  fs::permissions(file, fs::perms::owner_read);
  ASSERT_TRUE(fleet_settings(settings, Role::worker, out).has_value());
  EXPECT_EQ(out.queues.password, "hidden");
  fs::remove(file);
}

}  // namespace
}  // namespace meterlens::app
