#include "device/camera/camera.h"

#include <gtest/gtest.h>

#include <set>

#include "device/camera/test_board.h"

namespace meterlens::camera {
namespace {

using protocol::CaptureFailure;
using protocol::CaptureState;

std::uint8_t type_of(protocol::Bytes frame) { return frame[1]; }

TEST(Camera, TakesAndDeliversAPhoto) {
  World world;
  world.sensor.photo = make_photo(30'720, 2);
  ASSERT_TRUE(world.run(200, [&] { return !world.server.hellos.empty(); }));
  world.capture(7);
  const std::uint64_t begin_ms = world.now_ms;
  ASSERT_TRUE(world.run_until_stored(1));
  EXPECT_EQ(world.server.stored.at(1), world.sensor.photo);
  ASSERT_EQ(world.server.offers.size(), 1U);
  EXPECT_EQ(world.server.offers[0].command_id, 7U);
  // The time of the shot, not of the arrival.
  EXPECT_NEAR(static_cast<double>(world.server.offers[0].captured_at_ms),
              static_cast<double>(world.server.unix_ms + begin_ms), 200);
  ASSERT_EQ(world.server.reports.size(), 2U);
  EXPECT_EQ(world.server.reports[0].state, CaptureState::received);
  EXPECT_EQ(world.server.reports[1].state, CaptureState::shooting);
  EXPECT_EQ(world.server.packet_indexes.size(), 30U);
  EXPECT_EQ(world.sensor.releases, 1);
  // 30 KB at 11,500 bytes/s, and what goes with it.
  EXPECT_LT(world.now_ms - begin_ms, 3000U);
}

TEST(Camera, DeliversPhotosOfEverySize) {
  for (const std::size_t bytes : {1U, 2U, 1023U, 1024U, 1025U, 2048U, 8193U, 40'000U, 65'408U}) {
    World world;
    world.sensor.photo = make_photo(bytes, 3);
    world.capture(1);
    ASSERT_TRUE(world.run_until_stored(1)) << bytes;
    EXPECT_EQ(world.server.stored.begin()->second, world.sensor.photo);
  }
}

TEST(Camera, HelloIsRepeatedUntilTheClockComes) {
  World world;
  world.server.unix_ms = 0;
  world.run(3000 + 6000 + 12000 + 100);
  EXPECT_EQ(world.server.hellos.size(), 4U);
  EXPECT_EQ(world.server.firmware, "test-1");
  world.server.unix_ms = 1'700'000'000'000;
  world.run(200'000);
  EXPECT_EQ(world.server.hellos.size(), 5U);
}

TEST(Camera, ShotBeforeTheClockStillBearsItsTime) {
  World world;
  const std::uint64_t right_ms = world.server.unix_ms;
  world.server.unix_ms = 0;
  world.line_up = false;
  world.capture(1);
  world.run(1000);
  world.order(protocol::Clock{right_ms + world.now_ms});
  world.run(8000);
  world.line_up = true;
  ASSERT_TRUE(world.run_until_stored(1));
  EXPECT_NEAR(static_cast<double>(world.server.offers[0].captured_at_ms),
              static_cast<double>(right_ms), 1000);
}

TEST(Camera, WithoutAClockTheOfferSaysSo) {
  World world;
  world.server.unix_ms = 0;
  world.capture(1);
  ASSERT_TRUE(world.run_until_stored(1));
  EXPECT_EQ(world.server.offers[0].captured_at_ms, 0U);
}

struct Mishap {
  const char* what;
  World::Fate fate;
};

// The n-th frame of the whole exchange, either way, meets a mishap; nothing else does.
TEST(Camera, SurvivesEveryMessageLostDoubledOrLate) {
  for (const Mishap& mishap :
       {Mishap{"lost", {0, 0, 0}}, Mishap{"doubled", {2, 0, 0}}, Mishap{"late", {1, 4000, 0}},
        Mishap{"doubled late", {2, 9000, 100}}}) {
    for (int nth = 0; nth < 24; ++nth) {
      World world;
      world.sensor.photo = make_photo(8000, 4);
      int seen = 0;
      world.judge = [&](protocol::Bytes, bool) {
        return seen++ == nth ? mishap.fate : World::Fate{};
      };
      world.capture(5);
      ASSERT_TRUE(world.run_until_stored(1)) << mishap.what << " " << nth;
      world.run(20'000);  // late ones arrive and change nothing
      ASSERT_EQ(world.server.stored.size(), 1U);
      ASSERT_EQ(world.server.stored.begin()->second, world.sensor.photo);
      ASSERT_EQ(world.sensor.starts, 1);
    }
  }
}

TEST(Camera, SurvivesHeavyLossBothWays) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    World world;
    std::mt19937 random(seed);
    world.judge = [&](protocol::Bytes, bool) {
      const auto roll = random() % 10;
      return World::Fate{roll < 3 ? 0 : roll == 9 ? 2 : 1, random() % 300, 0};
    };
    world.sensor.photo = make_photo(30'000, seed);
    while (world.sensor.starts == 0) {
      world.capture(9);
      world.run(500);
    }
    ASSERT_TRUE(world.run_until_stored(1, 3'600'000)) << seed;
    EXPECT_EQ(world.server.stored.begin()->second, world.sensor.photo);
  }
}

TEST(Camera, SendsExactlyWhatIsMissing) {
  World world;
  world.sensor.photo = make_photo(40 * 1024, 5);
  const std::set<int> lost = {0, 7, 8, 23, 39};
  bool first_pass = true;
  world.judge = [&](protocol::Bytes frame, bool up) {
    if (!up) return World::Fate{};
    if (type_of(frame) == protocol::Sent::type) first_pass = false;
    const auto message = protocol::decode_message(frame);
    const auto* packet = std::get_if<protocol::Packet>(&*message);
    const bool loses = packet != nullptr && first_pass && lost.contains(packet->index);
    return World::Fate{loses ? 0 : 1, 0, 0};
  };
  world.capture(1);
  ASSERT_TRUE(world.run_until_stored(1));
  const auto& indexes = world.server.packet_indexes;
  const std::vector<std::uint16_t> again(indexes.begin() + 35, indexes.end());
  EXPECT_EQ(again, (std::vector<std::uint16_t>{0, 7, 8, 23, 39}));
  EXPECT_EQ(world.camera->transfer_counters().repeats, 5U);
}

TEST(Camera, ADoubledMissingIsAnsweredOnce) {
  World world;
  world.sensor.photo = make_photo(20 * 1024, 5);
  bool first_pass = true;
  world.judge = [&](protocol::Bytes frame, bool up) {
    if (type_of(frame) == protocol::Missing::type) return World::Fate{2, 0, 500};
    if (type_of(frame) == protocol::Sent::type) first_pass = false;
    return World::Fate{up && first_pass && type_of(frame) == protocol::Packet::type ? 0 : 1, 0, 0};
  };
  world.capture(1);
  ASSERT_TRUE(world.run_until_stored(1));
  EXPECT_EQ(world.server.packet_indexes.size(), 20U);
}

TEST(Camera, ALostOfferCostsOnlyWhatWentBeforeItsRepetition) {
  World world;
  world.sensor.photo = make_photo(30 * 1024, 5);
  bool lost = false;
  world.judge = [&](protocol::Bytes frame, bool) {
    const bool loses = !lost && type_of(frame) == protocol::Offer::type;
    lost = lost || loses;
    return World::Fate{loses ? 0 : 1, 1500, 0};
  };
  world.capture(1);
  ASSERT_TRUE(world.run_until_stored(1, 60'000));
  // What is sent in one round trip of 3 s, and the photo.
  EXPECT_LE(world.server.packet_indexes.size(), 64U);
}

TEST(Camera, AMissingDuringTheFirstPassIsFollowed) {
  World world;
  world.sensor.photo = make_photo(30 * 1024, 5);
  world.capture(1);
  world.run(1500);
  const Buffer bitmap = {0, 0, 0, 0xFF};
  world.order(protocol::Missing{1, bitmap});
  ASSERT_TRUE(world.run_until_stored(1, 20'000));
  EXPECT_EQ(world.camera->transfer_counters().flash_flaws, 0U);
}

TEST(Camera, RepeatsSentInTheRowOfTheSpec) {
  World world;
  std::vector<std::uint64_t> times;
  world.judge = [&](protocol::Bytes frame, bool up) {
    if (up && type_of(frame) == protocol::Sent::type) times.push_back(world.now_ms);
    return World::Fate{type_of(frame) == protocol::Clock::type ? 1 : 0, 0, 0};
  };
  world.capture(1);
  world.run(300'000);
  ASSERT_GE(times.size(), 8U);
  const std::vector<std::uint64_t> expected_s = {3, 6, 12, 24, 48, 60, 60};
  for (std::size_t i = 0; i < expected_s.size(); ++i)
    EXPECT_NEAR(static_cast<double>(times[i + 1] - times[i]),
                static_cast<double>(expected_s[i] * 1000), 30)
        << i;
}

TEST(Camera, ABusyServerIsOfferedAgainAfterAMinute) {
  for (const auto reason : {protocol::Refusal::busy, protocol::Refusal::storage_full}) {
    World world;
    world.server.refuses = reason;
    world.capture(1);
    world.run(5'000);
    EXPECT_EQ(world.server.offers.size(), 1U);
    world.run(57'000);
    EXPECT_EQ(world.server.offers.size(), 2U);
    EXPECT_EQ(world.camera->ring().waiting_count(), 1U);
    world.server.refuses.reset();
    EXPECT_TRUE(world.run_until_stored(1));
  }
}

TEST(Camera, APhotoNobodyCanUseIsForgotten) {
  for (const auto reason : {protocol::Refusal::too_large, protocol::Refusal::empty}) {
    World world;
    world.server.refuses = reason;
    world.capture(1);
    EXPECT_TRUE(world.run(5'000, [&] {
      return world.camera->transfer_counters().refused == 1 &&
             world.camera->ring().waiting_count() == 0;
    }));
    EXPECT_EQ(world.camera->ring().lost_count(), 0U);
  }
}

TEST(Camera, StoredWithAForeignHashIsNotBelieved) {
  World world;
  world.judge = [](protocol::Bytes, bool up) { return World::Fate{up ? 0 : 1, 0, 0}; };
  world.capture(1);
  world.run(4'000);
  world.order(protocol::Stored{1, protocol::Digest{}});
  world.run(500);
  EXPECT_EQ(world.camera->ring().waiting_count(), 1U);
  EXPECT_EQ(world.camera->transfer_counters().wrong_stored, 1U);
}

TEST(Camera, RottenFlashIsFoundOutAndGivenUp) {
  World world;
  world.line_up = false;
  world.capture(1);
  world.run(500);
  world.flash.slot(0)[slot_head_bytes + 100] ^= 1;
  world.line_up = true;
  ASSERT_TRUE(world.run(600'000, [&] { return world.camera->ring().waiting_count() == 0; }));
  EXPECT_TRUE(world.server.stored.empty());
  EXPECT_EQ(world.camera->ring().lost_count(), 1U);
  EXPECT_EQ(world.camera->transfer_counters().flash_flaws, 3U);
  world.capture(2);
  EXPECT_TRUE(world.run_until_stored(1));
}

TEST(Camera, ADoubledCommandTakesOnePhoto) {
  World world;
  world.capture(3);
  world.capture(3);
  ASSERT_TRUE(world.run_until_stored(1));
  world.capture(3);
  world.run(5'000);
  EXPECT_EQ(world.sensor.starts, 1);
  EXPECT_EQ(world.camera->counters().doubled_commands, 2U);
  // Also after a reset: the flash remembers.
  world.power_on();
  world.capture(3);
  world.run(5'000);
  EXPECT_EQ(world.sensor.starts, 1);
  world.capture(4);
  ASSERT_TRUE(world.run_until_stored(2));
}

TEST(Camera, ADoubledCommandThatFailedIsAnsweredAgain) {
  World world;
  world.sensor.answers = false;
  world.capture(3);
  world.run(500);
  world.capture(3);
  world.run(500);
  ASSERT_EQ(world.server.reports.size(), 2U);
  for (const auto& report : world.server.reports) {
    EXPECT_EQ(report.state, CaptureState::failed);
    EXPECT_EQ(report.failure, CaptureFailure::sensor);
  }
}

TEST(Camera, FailedShotsSayWhy) {
  struct Case {
    std::function<void(World&)> fault;
    CaptureFailure failure;
  };
  const Case cases[] = {
      {[](World& w) { w.sensor.answers = false; }, CaptureFailure::sensor},
      {[](World& w) { w.sensor.result = -1; }, CaptureFailure::sensor},
      {[](World& w) { w.sensor.polls = 1 << 30; }, CaptureFailure::sensor},
      {[](World& w) { w.sensor.photo.clear(); }, CaptureFailure::empty},
      {[](World& w) { w.sensor.photo.resize(70'000); }, CaptureFailure::too_large},
      {[](World& w) { w.flash.program_failures = 100; }, CaptureFailure::flash},
  };
  for (const Case& c : cases) {
    World world;
    c.fault(world);
    world.capture(1);
    world.run(20'000);
    ASSERT_FALSE(world.server.reports.empty());
    EXPECT_EQ(world.server.reports.back().state, CaptureState::failed);
    EXPECT_EQ(world.server.reports.back().failure, c.failure);
    EXPECT_EQ(world.camera->ring().waiting_count(), 0U);
  }
}

TEST(Camera, ASecondCommandDuringAShotIsBusy) {
  World world;
  world.sensor.polls = 50;
  world.capture(1);
  world.run(100);
  world.capture(2);
  ASSERT_TRUE(world.run_until_stored(1));
  EXPECT_EQ(world.server.reports.back().command_id, 2U);
  EXPECT_EQ(world.server.reports.back().failure, CaptureFailure::busy);
}

TEST(Camera, OneBadSlotDoesNotCostThePhoto) {
  World world;
  world.flash.program_failures = 2;
  world.capture(1);
  ASSERT_TRUE(world.run_until_stored(1));
}

TEST(Camera, PhotosWaitAndGoInOrder) {
  World world;
  world.line_up = false;
  for (std::uint32_t id = 1; id <= 3; ++id) {
    world.sensor.photo = make_photo(3000, id);
    world.capture(id);
    world.run(1000);
  }
  EXPECT_EQ(world.camera->ring().waiting_count(), 3U);
  world.line_up = true;
  ASSERT_TRUE(world.run_until_stored(3));
  for (std::uint32_t id = 1; id <= 3; ++id) {
    EXPECT_EQ(world.server.offers[id - 1].photo_id, id);
    EXPECT_EQ(world.server.stored.at(id), make_photo(3000, id));
  }
}

TEST(Camera, AFullRingDropsTheOldestAndSaysSo) {
  World world;
  world.line_up = false;
  for (std::uint32_t id = 1; id <= 6; ++id) {
    world.sensor.photo = make_photo(3000, id);
    world.capture(id);
    world.run(1000);
  }
  EXPECT_EQ(world.camera->ring().waiting_count(), 3U);
  EXPECT_EQ(world.camera->ring().lost_count(), 3U);
  world.power_on();
  world.line_up = true;
  ASSERT_TRUE(world.run_until_stored(3));
  EXPECT_EQ(world.server.hellos.back().photos_lost, 3U);
  EXPECT_EQ(world.server.hellos.back().photos_waiting, 3U);
  EXPECT_TRUE(world.server.stored.contains(4) && world.server.stored.contains(6));
}

TEST(Camera, ThePhotoInTransferMayBePushedOut) {
  World world;
  world.sensor.photo = make_photo(30'000, 1);
  world.capture(1);
  world.run(1000);
  EXPECT_FALSE(world.server.packet_indexes.empty());
  world.line_up = false;
  for (std::uint32_t id = 2; id <= 4; ++id) {
    world.capture(id);
    world.run(1000);
  }
  world.line_up = true;
  ASSERT_TRUE(world.run_until_stored(3));
  EXPECT_FALSE(world.server.stored.contains(1));
}

TEST(Camera, AResetInMidTransferLosesNothing) {
  for (std::uint64_t at_ms = 100; at_ms < 3200; at_ms += 150) {
    World world;
    world.sensor.photo = make_photo(30'000, 8);
    world.capture(1);
    world.run(at_ms);
    world.power_on();
    ASSERT_TRUE(world.run_until_stored(1)) << at_ms;
    ASSERT_EQ(world.server.stored.begin()->second, world.sensor.photo);
  }
}

TEST(Camera, AServerThatForgotThePartIsOfferedAgain) {
  World world;
  world.sensor.photo = make_photo(20'000, 9);
  world.capture(1);
  world.run(1000);
  EXPECT_EQ(world.server.partials.size(), 1U);
  world.server.partials.clear();
  ASSERT_TRUE(world.run_until_stored(1, 20'000));
  EXPECT_EQ(world.server.stored.begin()->second, world.sensor.photo);
}

TEST(Camera, NoiseAndEchoAreCountedAndHarmless) {
  World world;
  std::mt19937 random(6);
  world.run(100);
  for (int i = 0; i < 200'000; ++i) {
    const std::uint8_t byte = static_cast<std::uint8_t>(random());
    world.camera->receive({&byte, 1}, world.now_ms);
  }
  world.order(protocol::Sent{1});
  world.run(100);
  EXPECT_GT(world.camera->counters().frame_errors, 0U);
  EXPECT_EQ(world.camera->dialect(), protocol::Dialect::native);
  world.capture(1);
  ASSERT_TRUE(world.run_until_stored(1));
}

// Power goes at each flash write of a story in turn; whatever was committed arrives whole.
TEST(Camera, PowerCutAtEveryFlashWrite) {
  const auto story = [](World& world) {
    world.line_up = false;
    for (std::uint32_t id = 1; id <= 5; ++id) {
      world.sensor.photo = make_photo(9000, id);
      world.capture(id);
      world.run(300);
    }
    world.line_up = true;
    world.run(20'000, [&] { return !world.flash.has_power(); });
  };
  World calm;
  story(calm);
  ASSERT_EQ(calm.camera->ring().waiting_count(), 0U);
  ASSERT_GT(calm.flash.writes(), 20);
  for (int cut = 1; cut <= 3 * calm.flash.writes(); ++cut) {
    World world;
    world.flash.cut_power_after((cut + 2) / 3, cut % 3 * 0.5);
    story(world);
    ASSERT_FALSE(world.flash.has_power());
    world.power_on();
    std::vector<std::uint32_t> waiting;
    for (std::uint32_t id = 1; id <= 5; ++id)
      if (world.camera->ring().find(id)) waiting.push_back(id);
    ASSERT_LE(waiting.size(), 3U);
    ASSERT_EQ(waiting.size(), world.camera->ring().waiting_count());
    world.run(30'000);
    ASSERT_EQ(world.camera->ring().waiting_count(), 0U) << cut;
    for (const std::uint32_t id : waiting) ASSERT_TRUE(world.server.stored.contains(id)) << cut;
    for (const auto& [id, photo] : world.server.stored) ASSERT_EQ(photo, make_photo(9000, id));
    // Each of the photos before the cut is stored, waiting, or counted as lost.
    const std::uint32_t newest =
        world.server.stored.empty() ? 0 : world.server.stored.rbegin()->first;
    ASSERT_EQ(world.server.stored.size() + world.camera->ring().lost_count(), newest) << cut;
    const std::size_t before = world.server.stored.size();
    world.capture(99);
    ASSERT_TRUE(world.run_until_stored(before + 1)) << cut;
    ASSERT_EQ(world.server.stored.rbegin()->first, newest + 1) << cut;
  }
}

}  // namespace
}  // namespace meterlens::camera
