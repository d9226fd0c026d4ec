// Camera and DTU together: credit. See test_world.h.
#include <gtest/gtest.h>

#include <cstdio>

#include "device/link/test_world.h"

namespace meterlens::link {
namespace {

TEST(Credit, ObjectsKeepToTheirMemory) {
  std::printf("camera object: %zu bytes, DTU object: %zu bytes\n", sizeof(camera::Camera),
              sizeof(dtu::Dtu));
  EXPECT_LE(sizeof(camera::Camera), 24U * 1024);
  EXPECT_LE(sizeof(dtu::Dtu), 32U * 1024);
}

// From the photo in the flash to its last byte at the DTU, credit and all.
TEST(Credit, ACleanLineStaysFull) {
  LinkWorld world;
  constexpr std::size_t photo_bytes = 30'720;
  ASSERT_TRUE(world.run(2'000, [&] { return world.camera->link().known(); }));
  ASSERT_TRUE(world.shoot(photo_bytes));
  const std::uint64_t begin_ms = world.now_ms;
  const std::size_t begin_bytes = world.up.bytes;
  ASSERT_TRUE(world.run(10'000, [&] { return !world.uplink.server.stored.empty(); }));
  const auto line_bytes = static_cast<double>(world.up.bytes - begin_bytes);
  const double goodput =
      photo_bytes * 1000.0 / static_cast<double>(world.now_ms - begin_ms) / 11'520;
  std::printf("30 KiB photo at 115200: %.2f %% of the line's bytes, %.2f %% of its time\n",
              100 * photo_bytes / line_bytes, 100 * goodput);
  EXPECT_GE(photo_bytes / line_bytes, 0.97);
  EXPECT_GE(goodput, 0.97);
  EXPECT_EQ(world.camera->link().counters().stalls, 0U);
}

TEST(Credit, AnUplinkThatStandsStillStallsTheCamera) {
  for (const std::uint32_t baud_max : {115'200U, 921'600U}) {
    LinkWorld world(baud_max);
    ASSERT_TRUE(world.shoot(60'000));
    world.uplink.blocked = true;
    world.run(60'000);
    // 16 messages in the window, the queue, and nothing on the line but Marks. One is Health.
    const std::uint32_t sent = world.camera->transfer_counters().packets;
    constexpr std::uint32_t queued_max = dtu::up_queue_bytes / (protocol::frame_bytes_max + 2);
    EXPECT_GE(sent, 16U + queued_max - 5);
    EXPECT_LE(sent, 16U + queued_max + 1);
    EXPECT_EQ(world.camera->link().counters().stalls, 1U);
    const std::size_t idle_bytes = world.up.bytes;
    const std::uint32_t wakes = world.wakes;
    world.run(60'000);
    EXPECT_LT(world.up.bytes - idle_bytes, 120U * 12);
    EXPECT_LT(world.wakes - wakes, 120U * 10);
    EXPECT_EQ(world.camera->transfer_counters().packets, sent);
    world.uplink.blocked = false;
    ASSERT_TRUE(world.run_until_stored(1, 10'000));
    EXPECT_EQ(world.uplink.server.stored.begin()->second, world.sensor.photo);
    EXPECT_EQ(world.camera->transfer_counters().packets, 59U);
    EXPECT_EQ(world.camera->transfer_counters().repeats, 0U);
    EXPECT_EQ(world.dropped(), 0U);
  }
}

TEST(Credit, ASlowUplinkIsFilledAndNothingIsSentTwice) {
  for (const double bytes_per_s : {1'000.0, 5'000.0, 20'000.0}) {
    LinkWorld world(921'600);
    world.uplink.bytes_per_s = bytes_per_s;
    ASSERT_TRUE(world.shoot(50'000));
    const std::uint64_t begin_ms = world.now_ms;
    ASSERT_TRUE(world.run_until_stored(1)) << bytes_per_s;
    EXPECT_EQ(world.camera->transfer_counters().packets, 49U);
    EXPECT_EQ(world.dropped(), 0U);
    const double took_s = static_cast<double>(world.now_ms - begin_ms) / 1000;
    EXPECT_LT(took_s, 52'000 / bytes_per_s + 1) << bytes_per_s;
  }
}

// The n-th link message, either way, is lost or doubled; nothing else happens.
TEST(Credit, SurvivesEveryLinkMessageLostOrDoubled) {
  for (const int copies : {0, 2}) {
    for (int nth = 0; nth < 60; ++nth) {
      LinkWorld world(921'600);
      world.uplink.bytes_per_s = 12'000;
      int seen = 0;
      const auto judge = [&](Bytes unit) { return is_link(unit) && seen++ == nth ? copies : 1; };
      world.up.judge = world.down.judge = judge;
      ASSERT_TRUE(world.shoot(40'000));
      ASSERT_TRUE(world.run_until_stored(1, 9'000)) << copies << " copies of " << nth;
      ASSERT_EQ(world.dropped(), 0U) << copies << " copies of " << nth;
      ASSERT_EQ(world.camera->transfer_counters().repeats, 0U) << copies << " of " << nth;
    }
  }
}

TEST(Credit, SurvivesMostLinkMessagesLost) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    LinkWorld world(115'200, seed);
    world.uplink.bytes_per_s = 12'000;
    std::mt19937 random(seed);
    const auto judge = [&](Bytes unit) { return is_link(unit) && random() % 4 != 0 ? 0 : 1; };
    world.up.judge = world.down.judge = judge;
    ASSERT_TRUE(world.shoot(40'000));
    ASSERT_TRUE(world.run_until_stored(1, 120'000)) << seed;
    ASSERT_EQ(world.dropped(), 0U) << seed;
  }
}

TEST(Credit, AGrantOfAnotherMarkIsAnsweredByAMark) {
  CameraEnd end({}, 7);
  std::array<std::uint8_t, link_bytes_max> out;
  const auto mark = [&](std::uint64_t now_ms) {
    const auto said = decode_link(Bytes(out).first(end.next(out, {}, now_ms)));
    return said && std::holds_alternative<Mark>(*said) ? std::get<Mark>(*said).number : 0;
  };
  EXPECT_EQ(mark(0), 0);
  end.hear(Grant{0, 50'000, 1, 0}, 1);
  EXPECT_FALSE(end.open());
  EXPECT_EQ(mark(1), 7);
  end.hear(Grant{6, 50'000, 1, 0}, 2);
  EXPECT_FALSE(end.open());
  EXPECT_EQ(mark(2), 0);  // the answer to 7 is still to come
  end.hear(Grant{7, 2'000, 1, 0}, 3);
  EXPECT_TRUE(end.open());
  end.sent(protocol::frame_bytes_max, 3);
  EXPECT_FALSE(end.open());
  // The DTU was reset.
  end.hear(Grant{0, 0, 1, 0}, 4);
  EXPECT_EQ(mark(4), 8);
  end.hear(Grant{8, 2'000, 1, 0}, 5);
  EXPECT_TRUE(end.open());
  EXPECT_EQ(mark(1'000'000), 0);  // at rest it is silent
}

// Either side is reset at random bytes, again and again, with an uplink that comes and goes.
TEST(Credit, ResetsOfEitherSideLoseNothing) {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    LinkWorld world(seed % 2 == 0 ? 115'200 : 921'600, seed);
    world.uplink.bytes_per_s = std::array{3'000.0, 9'000.0, 1e9}[seed % 3];
    ASSERT_TRUE(world.shoot(60'000));
    for (int reset = 0; reset < 8; ++reset) {
      world.uplink.blocked = random() % 2 == 0;
      world.run(random() % (reset % 2 == 0 ? 6'000 : 60));
      if (random() % 2 == 0)
        world.reset_camera();
      else
        world.reset_dtu();
    }
    world.uplink.blocked = false;
    ASSERT_TRUE(world.run_until_stored(1, 120'000)) << "seed " << seed;
    ASSERT_EQ(world.uplink.server.stored.begin()->second, world.sensor.photo) << "seed " << seed;
    ASSERT_EQ(world.dropped(), 0U) << "seed " << seed;
  }
}

TEST(Credit, RandomDamageOfTheLineIsRepaired) {
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    LinkWorld world(seed % 2 == 0 ? 115'200 : 921'600, seed);
    double Wire::*const faults[] = {&Wire::flips, &Wire::drops, &Wire::inserts};
    world.up.*faults[seed % 3] = world.down.*faults[seed % 3] = seed < 15 ? 1e-4 : 4e-4;
    world.uplink.bytes_per_s = seed % 2 == 0 ? 9'000 : 1e9;
    world.sensor.photo = camera::make_photo(40'000, seed);
    while (world.sensor.starts == 0) {
      world.capture(1);
      world.run(1'000);
    }
    ASSERT_TRUE(world.run_until_stored(1)) << "seed " << seed;
    ASSERT_EQ(world.uplink.server.stored.begin()->second, world.sensor.photo) << "seed " << seed;
    ASSERT_EQ(world.dropped(), 0U) << "seed " << seed;
  }
}

// An older DTU knows no link; also one that takes the place of a newer one.
TEST(Credit, ADtuWithoutTheLinkIsServedAsEver) {
  const auto deaf = [](Bytes unit) { return is_link(unit) ? 0 : 1; };
  LinkWorld world(921'600);
  world.up.judge = world.down.judge = deaf;
  ASSERT_TRUE(world.shoot(40'000));
  ASSERT_TRUE(world.run_until_stored(1, 10'000));
  EXPECT_FALSE(world.camera->link().known());
  EXPECT_EQ(world.camera->transfer_counters().repeats, 0U);

  LinkWorld replaced(921'600);
  ASSERT_TRUE(replaced.shoot(60'000));
  ASSERT_TRUE(replaced.run(2'000, [&] { return replaced.at_baud(921'600); }));
  replaced.reset_dtu();
  replaced.up.judge = replaced.down.judge = deaf;
  ASSERT_TRUE(replaced.run_until_stored(1, 30'000));
  EXPECT_FALSE(replaced.camera->link().known());
  EXPECT_TRUE(replaced.at_baud(115'200));
}

TEST(Credit, AnotherDialectEndsTheLink) {
  LinkWorld world(921'600);
  ASSERT_TRUE(world.shoot(60'000));
  ASSERT_TRUE(world.run(2'000, [&] { return world.at_baud(921'600); }));
  const std::string_view text = R"({"capture": 1})";
  const std::uint64_t now_ms = 100'000;
  world.camera->receive({}, now_ms);
  world.camera->receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, now_ms);
  ASSERT_EQ(world.camera->dialect(), protocol::Dialect::smartdtu);
  std::array<std::uint8_t, 2048> out;
  world.camera->pull(out, now_ms);  // the end of the unit that was on its way
  world.camera->step(now_ms);
  EXPECT_FALSE(world.camera->link().known());
  EXPECT_EQ(world.camera->link().baud(), 115'200U);
  for (std::uint64_t ms = now_ms; ms < now_ms + 20'000; ms += 100) {
    world.camera->step(ms);
    const std::size_t count = world.camera->pull(out, ms);
    for (const std::uint8_t byte : Bytes(out).first(count)) ASSERT_TRUE(byte >= 32 && byte < 127);
  }
}

}  // namespace
}  // namespace meterlens::link
