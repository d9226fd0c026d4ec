// Camera and DTU together: the speed of the line. See test_world.h.
#include <gtest/gtest.h>

#include <cstdio>

#include "device/link/test_world.h"

namespace meterlens::link {
namespace {

TEST(Rate, ListsAndSteps) {
  MeterlensLine line{};
  EXPECT_EQ(rates_of(line), 0b0001);
  line.baud_max = 921'600;
  EXPECT_EQ(rates_of(line), 0b0001);
  line.set_baud = [](void*, std::uint32_t) { return true; };
  EXPECT_EQ(rates_of(line), 0b1111);
  line.baud_max = 460'800;
  EXPECT_EQ(rates_of(line), 0b0111);
  EXPECT_EQ(rate_above(0b1101, 0), 2);
  EXPECT_EQ(rate_above(0b0001, 0), 0);
  EXPECT_EQ(rate_below(0b1101, 2), 0);
  EXPECT_EQ(rate_below(0b1101, 3), 2);
  EXPECT_EQ(rate_below(0b1101, 0), 0);
}

TEST(Rate, ClimbsToTheHighestForAPhotoAndRestsAtTheFirst) {
  for (const std::uint32_t baud_max : {115'200U, 230'400U, 460'800U, 921'600U}) {
    LinkWorld world(baud_max);
    ASSERT_TRUE(world.run(2'000, [&] { return world.camera->link().known(); }));
    world.sensor.photo = camera::make_photo(60'000, 1);
    const std::uint64_t begin_ms = world.now_ms;
    world.capture(1);
    ASSERT_TRUE(world.run_until_stored(1, 20'000));
    const double took_s = static_cast<double>(world.now_ms - begin_ms) / 1000;
    std::printf("60 KB photo, command to stored, up to %u baud: %.2f s\n", baud_max, took_s);
    EXPECT_LT(took_s, 60'000 * 10 * 1.03 / baud_max + 0.25);
    EXPECT_EQ(world.baud_most, baud_max);
    EXPECT_TRUE(world.at_baud(baud_max));
    EXPECT_EQ(world.camera->transfer_counters().repeats, 0U);
    EXPECT_EQ(world.camera->link().counters().failed_probes, 0U);
    world.run(rest_after_ms + 1'000);
    EXPECT_TRUE(world.at_baud(115'200));
    // At rest the line is silent, and so is the camera's timer.
    const std::size_t bytes = world.up.bytes + world.down.bytes;
    const std::uint32_t wakes = world.wakes;
    world.run(60'000);
    EXPECT_EQ(world.up.bytes + world.down.bytes, bytes);
    EXPECT_LT(world.wakes - wakes, 10U);
    EXPECT_EQ(world.dropped(), 0U);
  }
}

// In one direction or the other; the stated time holds, and the speed is not tried at once again.
TEST(Rate, ASpeedThatTheLineDoesNotCarryIsTakenBack) {
  for (const bool upwards : {true, false}) {
    LinkWorld world(921'600);
    (upwards ? world.up : world.down).works_up_to = 230'400;
    ASSERT_TRUE(world.shoot(60'000));
    ASSERT_TRUE(world.run(1'000, [&] { return world.at_baud(460'800); }));
    const std::uint64_t failed_ms = world.now_ms;
    ASSERT_TRUE(world.run(1'000, [&] { return world.at_baud(230'400); }));
    EXPECT_LE(world.now_ms - failed_ms, proof_wait_ms + prove_wait_ms + 10);
    ASSERT_TRUE(world.run_until_stored(1, 10'000));
    EXPECT_EQ(world.camera->link().counters().failed_probes, 1U);
    EXPECT_EQ(world.camera->transfer_counters().repeats, 0U);
    EXPECT_TRUE(world.at_baud(230'400));
    // Not tried again with the next photo, but later.
    ASSERT_TRUE(world.shoot(60'000, 2));
    ASSERT_TRUE(world.run_until_stored(2, 10'000));
    EXPECT_EQ(world.camera->link().counters().failed_probes, 1U);
    world.run(rate_ban_ms);
    (upwards ? world.up : world.down).works_up_to = 921'600;
    ASSERT_TRUE(world.shoot(60'000, 3));
    ASSERT_TRUE(world.run_until_stored(3, 10'000));
    EXPECT_TRUE(world.at_baud(921'600));
  }
}

// Short Probes pass and long frames do not: errors bring the speed down.
TEST(Rate, StepsDownWhenErrorsRise) {
  for (std::uint32_t seed = 0; seed < 10; ++seed) {
    LinkWorld world(921'600, seed);
    (seed % 2 == 0 ? world.up : world.down).works_up_to = 230'400;
    (seed % 2 == 0 ? world.up : world.down).garbles = seed % 2 == 0 ? 1e-3 : 1e-2;
    for (std::uint32_t id = 1; id <= 6; ++id) {
      ASSERT_TRUE(world.shoot(60'000, id)) << seed;
      ASSERT_TRUE(world.run_until_stored(id, 60'000)) << seed;
    }
    const auto& counters = world.camera->link().counters();
    EXPECT_GE(counters.lowered + counters.failed_probes, 1U) << seed;
    EXPECT_TRUE(world.at_baud(230'400) || world.at_baud(115'200)) << seed;
    EXPECT_EQ(world.dropped(), 0U);
  }
}

// Whoever is reset at a raised speed, and when: both meet at 115200 within a stated time.
TEST(Rate, FindsTheOtherSideAfterAReset) {
  for (const bool camera_falls : {true, false}) {
    for (std::uint64_t at_ms = 0; at_ms < 400; at_ms += 7) {
      LinkWorld world(921'600);
      ASSERT_TRUE(world.shoot(60'000));
      world.run(at_ms);
      if (camera_falls)
        world.reset_camera();
      else
        world.reset_dtu();
      ASSERT_TRUE(world.run(silence_ms + 200, [&] { return world.at_baud(115'200); })) << at_ms;
      ASSERT_TRUE(world.run_until_stored(1, 20'000)) << camera_falls << " " << at_ms;
      ASSERT_EQ(world.uplink.server.stored.begin()->second, world.sensor.photo);
      ASSERT_EQ(world.dropped(), 0U);
    }
  }
}

TEST(Rate, ADtuThatCannotStaysAndIsNotAskedAgain) {
  CameraEnd end(
      [] {
        MeterlensLine line{};
        line.baud_max = 921'600;
        line.set_baud = [](void*, std::uint32_t) { return true; };
        return line;
      }(),
      1);
  std::array<std::uint8_t, link_bytes_max> out;
  const auto say = [&](std::uint64_t now_ms) {
    return decode_link(Bytes(out).first(end.next(out, {true, true}, now_ms)));
  };
  end.hear(Grant{0, 0, 0b1111, 0}, 0);
  const auto mark = say(0);
  ASSERT_TRUE(mark && std::holds_alternative<Mark>(*mark));
  EXPECT_FALSE(end.open());
  end.hear(Grant{std::get<Mark>(*mark).number, 10'000, 0b1111, 0}, 1);
  EXPECT_TRUE(end.open());
  const auto wish = say(1);
  ASSERT_TRUE(wish && std::holds_alternative<Switch>(*wish));
  EXPECT_EQ(std::get<Switch>(*wish).rate, 1);
  EXPECT_FALSE(end.open());
  // An answer to another question is none.
  end.hear(Agree{static_cast<std::uint16_t>(std::get<Switch>(*wish).number + 1), 1}, 2);
  EXPECT_FALSE(end.open());
  end.hear(Agree{std::get<Switch>(*wish).number, 0}, 3);
  EXPECT_TRUE(end.open());
  EXPECT_FALSE(end.step(true, 3));
  EXPECT_EQ(end.baud(), 115'200U);
  const auto after = say(4);
  ASSERT_TRUE(after && std::holds_alternative<Mark>(*after));
  end.hear(Grant{std::get<Mark>(*after).number, 10'000, 0b1111, 0}, 5);
  EXPECT_FALSE(say(6));
}

}  // namespace
}  // namespace meterlens::link
