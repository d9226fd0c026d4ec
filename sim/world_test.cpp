// Stories in whole worlds: calm, under seeded faults, with power cut at every write to the flash
// and the server killed between any two writes of its store. A failure prints what replays it.
#include <gtest/gtest.h>

#include "sim/goodput.h"
#include "sim/story_test.h"

namespace meterlens::sim {
namespace {

TEST_F(WorldTest, WithoutFaultsEveryOrderBringsItsPhoto) {
  const Outcome outcome = World({.seed = 1, .devices = 3, .minutes = 60}).run();
  EXPECT_EQ(words_of(outcome), "");
  EXPECT_GE(outcome.kept, 12U);
  EXPECT_EQ(outcome.stored, outcome.kept);
  EXPECT_EQ(outcome.commands_failed, 0U);
}

TEST_F(WorldTest, ASeedIsAWorld) {
  const auto trace = [](std::uint64_t seed) {
    return World({.seed = seed, .devices = 2, .minutes = 20, .faults = *faults_named("hostile")})
        .run()
        .trace;
  };
  EXPECT_EQ(trace(5), trace(5));
  EXPECT_NE(trace(5), trace(6));
}

// ---- 100 seeds ----

class Hostile : public testing::TestWithParam<int> {};

TEST_P(Hostile, LosesNothing) {
  spdlog::set_level(spdlog::level::off);
  for (int seed = GetParam(); seed < GetParam() + 25; ++seed) {
    Plan plan{.seed = static_cast<std::uint64_t>(seed), .devices = 2, .minutes = 20};
    plan.faults = *faults_named("hostile");
    const Outcome outcome = World(plan).run();
    ASSERT_EQ(words_of(outcome), "")
        << "replay: meterlens sim --seed " << seed << " --devices 2 --minutes 20 --faults hostile";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Hostile, testing::Values(1, 26, 51, 76));

// ---- every write ----

void cut_at_every_flash_write(int waiting, Site site = Site::awake) {
  Story calm(waiting, site);
  calm.one_more();
  ASSERT_EQ(words_of(calm.world.outcome()), "");
  const int writes = calm.world.device(0).flash().writes() - calm.writes_before;
  ASSERT_GE(writes, 4) << "erase, data, head, mark";
  for (int write = 1; write <= writes; ++write) {
    for (const double share : {0.0, 0.3, 0.9, 1.0}) {
      Story story(waiting, site);
      const std::uint64_t starts = story.world.device(0).camera_starts();
      story.world.device(0).cut_at_flash_write(write, share);
      story.one_more();
      ASSERT_GT(story.world.device(0).camera_starts(), starts);
      // Life goes on.
      const std::uint64_t stored = story.world.outcome().stored;
      story.one_more();
      ASSERT_EQ(words_of(story.world.outcome()), "") << "write " << write << ", done " << share;
      ASSERT_GT(story.world.outcome().stored, stored) << "write " << write << ", done " << share;
    }
  }
}

TEST_F(WorldTest, PowerCutAtEveryFlashWrite) { cut_at_every_flash_write(0); }

TEST_F(WorldTest, PowerCutAtEveryFlashWriteOfAFullRing) { cut_at_every_flash_write(3); }

// What wakes a sleeping camera is followed by the writes of the photo.
TEST_F(WorldTest, PowerCutAtEveryFlashWriteOfALightSleeper) {
  cut_at_every_flash_write(0, Site::light);
}

TEST_F(WorldTest, PowerCutAtEveryFlashWriteOfADeepSleeper) {
  cut_at_every_flash_write(0, Site::deep);
}

TEST_F(WorldTest, PowerCutAtEveryFlashWriteOfADeepSleepersFullRing) {
  cut_at_every_flash_write(3, Site::deep);
}

// Power comes back, and goes again in one of the next writes.
TEST_F(WorldTest, PowerCutTwiceAtEveryPairOfFlashWrites) {
  for (const int waiting : {0, 3}) {
    for (int first = 1; first <= 6; ++first) {
      for (int second = 1; second <= 4; ++second) {
        Story story(waiting);
        Device& device = story.world.device(0);
        device.cut_at_flash_write(first, 0.6);
        story.world.server().capture("m1");
        const std::int64_t end_us = story.world.events().now_us() + 10 * minute_ms * 1000;
        while (device.camera_starts() < 2 && story.world.events().step(end_us)) {
        }
        device.cut_at_flash_write(second, 0.4);
        story.one_more();
        device.restore();
        story.one_more();
        ASSERT_EQ(words_of(story.world.outcome()), "")
            << waiting << " waiting, writes " << first << " and " << second;
      }
    }
  }
}

TEST_F(WorldTest, ServerKilledBetweenAnyTwoWrites) {
  Story calm(0);
  calm.one_more();
  const int writes = calm.world.server().writes() - calm.server_writes_before;
  ASSERT_GE(writes, 4) << "command, photo, states";
  for (int write = 0; write <= writes; ++write) {
    Story story(0);
    story.world.server().kill_at_write(write, 2'000'000);
    for (int photo = 0; photo < 3; ++photo) story.one_more();
    story.world.judge().demand_commands(story.world.server());
    const Outcome outcome = story.world.outcome();
    ASSERT_EQ(words_of(outcome), "") << "after " << write << " writes";
    // An order is kept once it is stored; at most the one that nobody could store is not.
    ASSERT_GE(outcome.stored, 2U) << "after " << write << " writes";
  }
}

TEST_F(WorldTest, AFullRingLosesTheOldestAndCountsIt) {
  Story story(5);
  story.world.device(0).mute_camera(false);
  EXPECT_TRUE(story.world.run_to_arrival(arrival_ms_max));
  const Outcome outcome = story.world.outcome();
  EXPECT_EQ(words_of(outcome), "");
  EXPECT_EQ(outcome.kept, 5U);
  EXPECT_EQ(outcome.stored, 3U);
  EXPECT_EQ(outcome.lost, 2U);
}

// ---- the DTU's own timer ----

constexpr std::uint32_t timer_period_s = 240;

TEST_F(WorldTest, CapturesGoOnWhileServerAndBrokerAreAway) {
  World world({.seed = 7, .devices = 1, .minutes = 60, .site = Site::awake});
  world.start();
  world.run_until(10'000);
  Device& device = world.device(0);
  device.set_timer(timer_period_s);
  // What the DTU was told stays when it loses its power.
  device.cut_dtu(1'000'000);
  world.run_until(minute_ms);
  const std::uint64_t before = world.outcome().kept;
  EXPECT_EQ(world.outcome().stored, before);
  // What comes of the same timer, said once more, makes the server write: then it dies, before the
  // broker goes.
  world.server().kill_at_write(0, 13 * minute_ms * 1000);
  device.set_timer(timer_period_s);
  while (world.server().running() && world.events().now_ms() < 2 * minute_ms)
    world.run_until(world.events().now_ms() + 1000);
  ASSERT_FALSE(world.server().running());
  world.broker().restart(13 * minute_ms * 1000);
  world.run_until(13 * minute_ms);
  EXPECT_EQ(world.outcome().kept, before + 3);
  EXPECT_EQ(world.outcome().stored, before);
  world.run_until(16 * minute_ms);
  EXPECT_TRUE(world.run_to_arrival(arrival_ms_max));
  world.judge().demand_timer(device, minute_ms, world.events().now_ms());
  EXPECT_EQ(words_of(world.outcome()), "");
  EXPECT_EQ(world.outcome().lost, 0U);
  const std::uint64_t kept = world.outcome().kept;
  EXPECT_EQ(kept, before + 4) << "one a period";
  device.set_timer(0);
  world.run_until(world.events().now_ms() + 3 * std::int64_t{timer_period_s} * 1000);
  EXPECT_EQ(world.outcome().kept, kept);
}

// ---- the judge sees ----

TEST_F(WorldTest, ATimerThatBringsNoPhotoIsSeen) {
  World world({.seed = 7, .devices = 1, .minutes = 60, .site = Site::awake});
  world.start();
  world.run_until(10'000);
  world.device(0).set_timer(timer_period_s);
  world.device(0).cut_camera(60 * minute_ms * 1000);
  world.run_until(20 * minute_ms);
  world.judge().demand_timer(world.device(0), minute_ms, world.events().now_ms());
  EXPECT_NE(words_of(world.outcome()).find("timer brought no photo"), std::string::npos);
}

TEST_F(WorldTest, APhotoThatVanishesIsSeen) {
  Story story(1);
  story.world.device(0).flash().wipe();
  story.world.device(0).cut_camera(1'000'000);
  story.world.run_until(story.world.events().now_ms() + minute_ms);
  EXPECT_NE(words_of(story.world.outcome()).find("gone from the flash"), std::string::npos)
      << words_of(story.world.outcome());
}

TEST_F(WorldTest, APhotoThatDoesNotArriveIsSeen) {
  Story story(2);
  EXPECT_FALSE(story.world.run_to_arrival(arrival_ms_max));
  story.world.judge().demand_arrival();
  EXPECT_NE(words_of(story.world.outcome()).find("has not arrived in time"), std::string::npos);
}

TEST_F(WorldTest, AStoredPhotoThatNobodyShotIsSeen) {
  Story story(0);
  photo::Photo forged;
  forged.device = "m1";
  forged.photo_id = 99;
  forged.bytes = {1};
  ASSERT_TRUE(story.world.server().store().add_photos({&forged, 1}));
  story.world.judge().look(story.world.server());
  EXPECT_NE(words_of(story.world.outcome()).find("no camera has kept it"), std::string::npos);
}

// ---- goodput ----

TEST(Goodput, ACleanLineIsFullAndTheDeployedWayIsNot) {
  spdlog::set_level(spdlog::level::off);
  EXPECT_GE(measure_goodput({.way = "near"}, 1).share, 0.97);
  EXPECT_GE(measure_goodput({.way = "near, lossy", .loss = 0.01, .rounds = 20}, 1).share, 0.93);
  const Goodput deployed = measure_goodput(
      {.way = "deployed", .smartdtu = true, .piece_bytes = 1024, .pause_ms = 1250}, 1);
  EXPECT_NEAR(deployed.share, 0.063, 0.005) << "as measured on the real programs";
}

}  // namespace
}  // namespace meterlens::sim
