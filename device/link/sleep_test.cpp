// Camera and DTU together: the camera sleeps, and is woken. See test_world.h.
#include <gtest/gtest.h>

#include "device/link/test_world.h"

namespace meterlens::link {
namespace {

using camera::SleepMode;

constexpr std::uint64_t awake_ms = 3'000;

struct SleepWorld : LinkWorld {
  explicit SleepWorld(SleepMode mode, std::uint32_t baud_max = 115'200, std::uint32_t seed = 1)
      : LinkWorld(baud_max, seed) {
    sleep = {mode, awake_ms};
    wake_up_ms = mode == SleepMode::deep ? 1'500 : 5;
    reset_camera();
  }
  bool run_until_asleep(std::uint64_t most_ms = 60'000) {
    return run(most_ms, [this] { return asleep; });
  }
  // As a server does: until the camera has taken the photo.
  bool order(std::uint32_t command) {
    const int before = sensor.releases;
    for (int attempt = 0; attempt < 3; ++attempt) {
      capture(command);
      if (run(10'000, [&] { return sensor.releases > before; })) return true;
    }
    return false;
  }
  // Nothing of the camera's reaches the DTU.
  void break_line(bool broken) {
    up.judge = nullptr;
    if (broken) up.judge = [](Bytes) { return 0; };
  }
};

class EachMode : public testing::TestWithParam<SleepMode> {};

INSTANTIATE_TEST_SUITE_P(Sleep, EachMode, testing::Values(SleepMode::light, SleepMode::deep));

TEST_P(EachMode, SleepsOnceAllIsDoneAndACommandWakesIt) {
  for (const std::uint32_t baud_max : {115'200U, 921'600U}) {
    SleepWorld world(GetParam(), baud_max);
    ASSERT_TRUE(world.run_until_asleep(awake_ms + 1'000)) << "nothing to do from the beginning";
    EXPECT_EQ(world.deep, GetParam() == SleepMode::deep);
    EXPECT_EQ(world.sleeps_ms.back(), UINT64_MAX);
    for (std::uint32_t photo = 1; photo <= 3; ++photo) {
      world.run(100'000);
      ASSERT_TRUE(world.asleep) << "until it is woken";
      ASSERT_TRUE(world.dtu->link().asleep());
      const std::uint64_t begin_ms = world.now_ms;
      world.capture(photo);
      ASSERT_TRUE(world.run_until_stored(photo, 12'000));
      EXPECT_LT(world.now_ms - begin_ms, world.wake_up_ms + 1'000) << "the one command came";
      EXPECT_EQ(world.sensor.starts, static_cast<int>(photo));
      ASSERT_TRUE(world.run_until_asleep(awake_ms + 1'000));
    }
    EXPECT_EQ(world.dropped(), 0U);
    EXPECT_TRUE(world.at_baud(115'200));
  }
}

TEST_P(EachMode, AsleepTheLineIsSilent) {
  SleepWorld world(GetParam());
  ASSERT_TRUE(world.run_until_asleep());
  world.run(100);
  const std::size_t bytes = world.up.bytes + world.down.bytes;
  world.run(600'000);
  EXPECT_EQ(world.up.bytes + world.down.bytes, bytes);
  EXPECT_EQ(world.sleeps_ms.size(), 1U);
}

// Whenever the command comes, also while the camera is saying that it sleeps.
TEST_P(EachMode, ACommandAtAnyMomentIsObeyed) {
  SleepWorld calm(GetParam());
  ASSERT_TRUE(calm.run_until_asleep());
  const std::uint64_t first_ms = calm.now_ms - camera::leaving_ms - 200;
  for (std::uint64_t at_ms = first_ms; at_ms < calm.now_ms + 20; ++at_ms) {
    SleepWorld world(GetParam());
    world.run(at_ms - world.now_ms);
    world.capture(1);
    ASSERT_TRUE(world.run_until_stored(1, 12'000)) << at_ms;
  }
}

// The camera is dead: it is spoken to all the same, and what was held is not for ever.
TEST_P(EachMode, WakingEnds) {
  SleepWorld world(GetParam());
  ASSERT_TRUE(world.run_until_asleep());
  world.wake_up_ms = 1'000'000;
  const std::uint32_t down = world.dtu->counters().down;
  const std::size_t bytes = world.down.bytes;
  world.capture(1);
  const std::uint64_t limit_ms = GetParam() == SleepMode::deep ? wake_deep_ms : wake_light_ms;
  world.run(limit_ms - 50);
  EXPECT_EQ(world.dtu->counters().down, down);
  EXPECT_EQ(world.down.bytes - bytes, wake_zero_count * limit_ms / wake_step_ms);
  world.run(100);
  EXPECT_EQ(world.dtu->counters().down, down + 1);
  EXPECT_FALSE(world.dtu->link().asleep());
}

// Nobody hears of the photo: short naps, then longer ones.
TEST_P(EachMode, WhatNobodyTakesIsTriedAgainAfterGrowingNaps) {
  SleepWorld world(GetParam());
  world.run(1'000);
  world.break_line(true);
  ASSERT_TRUE(world.shoot(40'000));
  ASSERT_TRUE(world.run(4'000'000, [&] { return world.sleeps_ms.size() == 5; }));
  const std::uint64_t first = camera::nap_first_ms;
  EXPECT_EQ(world.sleeps_ms,
            (std::vector<std::uint64_t>{first, 2 * first, 4 * first, 8 * first, 16 * first}));
  world.break_line(false);
  const std::uint64_t begin_ms = world.now_ms;
  ASSERT_TRUE(world.run_until_stored(1, 17 * first));
  EXPECT_GT(world.now_ms - begin_ms, 15 * first);
  ASSERT_TRUE(world.run_until_asleep());
  EXPECT_EQ(world.sleeps_ms.back(), UINT64_MAX);
  EXPECT_EQ(world.naps, 0U);
}

// The uplink comes back while the camera naps: what the server answers wakes it.
TEST_P(EachMode, AnAnswerEndsANap) {
  SleepWorld world(GetParam());
  world.uplink.blocked = true;
  ASSERT_TRUE(world.shoot(40'000));
  ASSERT_TRUE(world.run(4'000'000, [&] { return world.sleeps_ms.size() == 5; }));
  world.uplink.blocked = false;
  EXPECT_TRUE(world.run_until_stored(1, 15'000));
}

TEST_P(EachMode, ADtuThatWasResetIsNoticed) {
  SleepWorld world(GetParam());
  ASSERT_TRUE(world.run_until_asleep());
  world.reset_dtu();
  world.run(10);
  EXPECT_FALSE(world.dtu->link().asleep());
  // Its first Grant woke the camera, which says so, and sleeps again.
  ASSERT_TRUE(world.run(20'000, [&] { return world.sleeps_ms.size() == 2; }));
  world.run(1'000);
  EXPECT_TRUE(world.dtu->link().asleep());
  world.capture(1);
  ASSERT_TRUE(world.run_until_stored(1, 12'000));
}

// Found by the simulator: woken while the DTU could not hear it, the camera gave the link up, slept
// without a word, and every order only woke it.
TEST_P(EachMode, ALinkThatWasGivenUpComesBackWithTheNextWaking) {
  for (const bool reset : {false, true}) {
    SleepWorld world(GetParam());
    ASSERT_TRUE(world.run_until_asleep());
    world.up.judge = world.down.judge = [](Bytes) { return 0; };
    world.capture(1);
    ASSERT_TRUE(world.run(60'000, [&] { return world.sleeps_ms.size() == 2; }));
    EXPECT_FALSE(world.dtu->link().asleep()) << "nobody has heard of it";
    world.up.judge = world.down.judge = nullptr;
    if (reset) world.reset_dtu();
    world.run(20'000);
    const std::size_t sleeps = world.sleeps_ms.size();
    world.capture(2);
    ASSERT_TRUE(world.run(60'000, [&] { return world.sleeps_ms.size() > sleeps; }));
    world.run(100);
    EXPECT_TRUE(world.dtu->link().asleep()) << "it has said so, whether that order came or not";
    world.capture(2);
    ASSERT_TRUE(world.run_until_stored(1, 12'000)) << (reset ? "DTU reset" : "DTU as it was");
  }
}

// A reset of either side, at any moment of a story with sleep in it, loses no photo.
TEST_P(EachMode, ResetsAnywhereLoseNothing) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SleepWorld world(GetParam(), 921'600, seed);
    std::mt19937 random(seed);
    for (std::uint32_t command = 1; command <= 3; ++command) {
      world.sensor.photo = camera::make_photo(5'000, command);
      ASSERT_TRUE(world.order(command)) << "seed " << seed;
      world.run(random() % 6'000);
      if (random() % 2 == 0)
        world.reset_camera();
      else
        world.reset_dtu();
      world.run(random() % 6'000);
    }
    ASSERT_TRUE(world.run_until_stored(3, 2'000'000)) << "seed " << seed;
  }
}

TEST_P(EachMode, NoiseOnTheLineCostsTimeAlone) {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    SleepWorld world(GetParam(), 921'600, seed);
    world.up.flips = world.down.flips = 0.0003;
    world.up.drops = world.down.inserts = 0.0001;
    for (std::uint32_t command = 1; command <= 5; ++command) {
      ASSERT_TRUE(world.run(200'000, [&] { return world.asleep; })) << "seed " << seed;
      world.sensor.photo = camera::make_photo(9'000, command);
      for (int attempt = 0; world.uplink.server.stored.size() < command; ++attempt) {
        ASSERT_LT(attempt, 5) << "seed " << seed;
        world.capture(command);
        world.run_until_stored(command, 30'000);
      }
    }
  }
}

TEST(Sleep, APhotoWhoseTimeOnlyMemoryKnowsForbidsDeepSleep) {
  SleepWorld world(SleepMode::deep);
  const std::uint64_t right_ms = world.uplink.unix_ms;
  world.uplink.unix_ms = 0;
  world.reset_camera();
  world.run(500);
  world.break_line(true);
  ASSERT_TRUE(world.shoot(3'000));
  const std::uint64_t shot_ms = world.now_ms;
  ASSERT_TRUE(world.run_until_asleep());
  EXPECT_FALSE(world.deep);
  world.run(30'000);
  world.break_line(false);
  world.uplink.unix_ms = right_ms + world.now_ms - shot_ms;
  ASSERT_TRUE(world.run_until_stored(1));
  EXPECT_NEAR(static_cast<double>(world.uplink.server.offers.back().captured_at_ms),
              static_cast<double>(right_ms), 65'000);
  ASSERT_TRUE(world.run_until_asleep());
  EXPECT_TRUE(world.deep);
}

// Found by the simulator: a deep sleeper forgot how often the photo had failed, and sent it for
// ever.
TEST(Sleep, ARottenPhotoIsGivenUpAndTheNextOneGoes) {
  SleepWorld world(SleepMode::deep);
  world.run(1'000);
  world.break_line(true);
  ASSERT_TRUE(world.shoot(3'000, 1));
  ASSERT_TRUE(world.shoot(4'000, 2));
  world.flash.slot(0)[1'000] ^= 1;
  world.flash.slot(1)[1'000] ^= 1;
  world.break_line(false);
  EXPECT_TRUE(world.run(600'000, [&] { return world.camera->ring().waiting_count() == 0; }));
  EXPECT_EQ(world.camera->ring().lost_count(), 2U);
  ASSERT_TRUE(world.run_until_asleep());
  EXPECT_TRUE(world.deep);
}

// As a board has it: `sleep` is a call that comes back later, in the middle of `step`.
TEST(Sleep, ACallThatReturnsIsFollowedByATurnAtOnce) {
  camera::FakeFlash flash;
  camera::FakeSensor sensor;
  std::uint64_t now_ms = 0;
  MeterlensPower power{};
  power.context = &now_ms;
  power.sleep = [](void* now, bool, std::uint64_t) {
    *static_cast<std::uint64_t*>(now) += 3'600'000;
  };
  camera::CameraSettings settings;
  settings.sleep = {SleepMode::light, 1'000};
  camera::Camera camera(sensor.port(), flash.port(), settings, {}, power);
  camera.start(now_ms);
  std::array<std::uint8_t, 200> out;
  std::vector<Buffer> said;
  UnitReader reader;
  for (const LinkMessage& message : {LinkMessage(Grant{}), LinkMessage(Grant{1, 9'000, 1, 0})}) {
    Buffer unit(unit_bytes_max), content(link_bytes_max);
    content.resize(encode_link(message, content));
    unit.resize(encode_unit(content, unit));
    camera.receive(unit, now_ms);
    camera.pull(out, now_ms);
  }
  Buffer unit(unit_bytes_max);
  const Buffer clock = camera::FakeServer::frame_of(protocol::Clock{1'700'000'000'000});
  unit.resize(encode_unit(clock, unit));
  camera.receive(unit, now_ms);
  while (now_ms < 3'600'000) {
    const std::uint64_t turn_ms = now_ms;
    camera.step(turn_ms);
    const std::size_t count = camera.pull(out, turn_ms);
    for (std::size_t i = 0; i < count; ++i)
      if (const auto heard = reader.put(out[i])) said.emplace_back(heard->begin(), heard->end());
    if (now_ms == turn_ms) now_ms = std::max(now_ms + 1, camera.due_ms(now_ms));
    ASSERT_NE(now_ms, UINT64_MAX) << "it would never sleep";
  }
  ASSERT_FALSE(said.empty());
  EXPECT_TRUE(std::holds_alternative<Sleep>(*decode_link(said.back())));
  EXPECT_LE(camera.due_ms(now_ms), now_ms) << "it has slept: its turn is now";
  EXPECT_EQ(camera.pull(out, now_ms), 0U) << "and not before";
  camera.step(now_ms);
  const std::size_t count = camera.pull(out, now_ms);
  std::optional<LinkMessage> first;
  for (std::size_t i = 0; i < count && !first; ++i)
    if (const auto heard = reader.put(out[i])) first = decode_link(*heard);
  ASSERT_TRUE(first);
  EXPECT_TRUE(std::holds_alternative<Mark>(*first)) << "so that the DTU knows";
}

TEST(Sleep, NoneNeverSleepsAndNeitherDoesABoardThatCannot) {
  SleepWorld world(SleepMode::none);
  world.run(200'000);
  EXPECT_TRUE(world.sleeps_ms.empty());
}

}  // namespace
}  // namespace meterlens::link
