// Stories of what a server, a broker and the devices of the field do wrong.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <vector>

#include "sim/story_test.h"

namespace meterlens::sim {
namespace {

namespace fs = std::filesystem;

// ---- the server's disk ----

int torn_files(const fs::path& folder) {
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    count += entry.is_regular_file() && entry.path().filename().string().starts_with(".part-");
  return count;
}

TEST_F(WorldTest, ServerKilledInsideAnyFile) {
  int torn = 0;
  for (int write = 0; write <= 16; ++write) {
    Story story(0);
    story.world.device(0).sensor().photo_bytes_min = 11'000;
    story.world.device(0).sensor().photo_bytes_max = 12'000;
    story.world.server().kill_at_write(write, 2'000'000);
    story.world.server().capture("m1");
    const std::int64_t end_us = story.world.events().now_us() + 3 * minute_ms * 1000;
    while (story.world.server().running() && story.world.events().step(end_us)) {
    }
    torn += torn_files(story.world.folder());
    for (int photo = 0; photo < 2; ++photo) story.one_more();
    EXPECT_EQ(torn_files(story.world.folder()), 0) << "the photo came again, under its name";
    story.world.judge().demand_readings(story.world.server());
    ASSERT_EQ(words_of(story.world.outcome()), "") << "after " << write << " writes";
    ASSERT_GE(story.world.outcome().stored, 1U) << "after " << write << " writes";
  }
  EXPECT_GE(torn, 1) << "no death was in the middle of a file";
}

// Counts what the server says to a device.
struct Answers {
  explicit Answers(World& world) {
    world.broker().on_message = [this](std::string_view, protocol::Bytes payload) {
      const auto message = protocol::decode_message(payload);
      const auto* refused = message ? std::get_if<protocol::Refused>(&*message) : nullptr;
      if (refused != nullptr) ++refusals[refused->reason];
    };
  }
  std::map<protocol::Refusal, int> refusals;
};

TEST_F(WorldTest, AFullDiskCostsTimeAlone) {
  for (const Site site : {Site::awake, Site::light, Site::deep}) {
    Story story(2, site);
    Answers answers(story.world);
    const std::int64_t full_ms = 5 * minute_ms;
    story.world.server().fill_disk(full_ms * 1000);
    story.world.device(0).mute_camera(false);
    EXPECT_FALSE(story.world.run_to_arrival(full_ms - minute_ms));
    EXPECT_GE(answers.refusals[protocol::Refusal::storage_full], 1);
    EXPECT_TRUE(story.world.run_to_arrival(minute_ms + arrival_ms_max + 8 * minute_ms));
    EXPECT_EQ(words_of(story.world.outcome()), "");
    EXPECT_EQ(story.world.outcome().stored, 2U);
  }
}

// ---- bounds ----

// All at once, and more than the server may hold: some are told to wait, and nothing is lost.
TEST_F(WorldTest, MoreDevicesThanMemoryAllowsAtOnce) {
  for (const Server::Limits limits : {Server::Limits{3, 1 << 20}, Server::Limits{4096, 40'000}}) {
    constexpr int count = 16;
    World world({.seed = 3,
                 .devices = count,
                 .minutes = 60,
                 .faults = *faults_named("lossy"),
                 .site = Site::awake,
                 .limits = limits});
    Answers answers(world);
    world.start();
    world.run_until(10'000);
    for (int i = 0; i < count; ++i) {
      world.device(static_cast<std::size_t>(i)).sensor().photo_bytes_min = 11'000;
      world.server().capture(world.device(static_cast<std::size_t>(i)).name());
    }
    world.run_until(60'000);
    EXPECT_TRUE(world.run_to_arrival(30 * minute_ms));
    EXPECT_EQ(words_of(world.outcome()), "");
    EXPECT_GE(world.outcome().stored, 14U);
    EXPECT_GE(answers.refusals[protocol::Refusal::busy], 5);
  }
}

// ---- the reader ----

TEST_F(WorldTest, EachStoredPhotoHasItsOneReading) {
  Story story(0);
  for (int photo = 0; photo < 5; ++photo) story.one_more();
  story.world.run_until(story.world.events().now_ms() + minute_ms);
  story.world.judge().demand_readings(story.world.server());
  story.world.judge().demand_commands(story.world.server());
  EXPECT_EQ(words_of(story.world.outcome()), "");
  const auto readings = story.world.server().store().readings({});
  ASSERT_TRUE(readings);
  EXPECT_EQ(readings->size(), 5U);
}

TEST_F(WorldTest, APhotoWithoutAReadingIsSeen) {
  Story story(0);
  photo::Photo unread;
  unread.device = "m1";
  unread.photo_id = 99;
  ASSERT_TRUE(story.world.server().store().add_photos({&unread, 1}));
  story.world.judge().demand_readings(story.world.server());
  EXPECT_NE(words_of(story.world.outcome()).find("has 0 readings"), std::string::npos);
}

// ---- devices of the field ----

TEST_F(WorldTest, PresenceOfASmartDtuIsToldByTheBrokersLog) {
  World world({.seed = 1, .devices = 1, .minutes = 60, .site = Site::deployed});
  world.start();
  world.run_until(minute_ms);
  Deployed& device = world.deployed(0);
  EXPECT_EQ(world.server().online("m1"), true);
  device.cut_power(15 * minute_ms * 1000);
  world.run_until(5 * minute_ms);
  EXPECT_EQ(world.server().online("m1"), true) << "nobody has noticed yet";
  world.run_until(9 * minute_ms);
  EXPECT_FALSE(device.attached());
  EXPECT_EQ(world.server().online("m1"), false) << "300 s of keep-alive and half of it again";
  world.run_until(18 * minute_ms);
  EXPECT_EQ(world.server().online("m1"), true);
  // Long silence is no sign while the broker keeps the connection.
  world.run_until(60 * minute_ms);
  EXPECT_EQ(world.server().online("m1"), true);
}

TEST_F(WorldTest, DevicesOfTheFieldNeverBringAWrongPhoto) {
  for (const char* faults : {"none", "lossy", "hostile"}) {
    std::uint64_t stored = 0, kept = 0;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      Plan plan{.seed = seed, .devices = 4, .minutes = 60, .site = Site::deployed};
      plan.faults = *faults_named(faults);
      const Outcome outcome = World(plan).run();
      ASSERT_EQ(words_of(outcome), "")
          << "replay: meterlens sim --seed " << seed << " --devices 4 --minutes 60 --faults "
          << faults << " --site deployed";
      stored += outcome.stored;
      kept += outcome.kept;
    }
    RecordProperty(std::string(faults) + "_stored", std::to_string(stored));
    RecordProperty(std::string(faults) + "_shot", std::to_string(kept));
    if (std::string_view(faults) == "none") {
      EXPECT_EQ(stored, kept);
    }
    EXPECT_GT(stored, kept / 4) << faults;
  }
}

}  // namespace
}  // namespace meterlens::sim
