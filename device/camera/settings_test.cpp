// What the server wishes of the camera, and what the camera says of itself.
#include <gtest/gtest.h>

#include "device/camera/test_board.h"

namespace meterlens::camera {
namespace {

using protocol::Aim;
using protocol::Part;
using protocol::Settings;

// Two areas that survive a reset; the write that is cut leaves half of it.
struct FakeAreas {
  std::array<Buffer, 2> areas{Buffer(512, 0xFF), Buffer(512, 0xFF)};
  bool cut_next = false;

  MeterlensAreas port() {
    MeterlensAreas out{};
    out.context = this;
    out.bytes = 512;
    out.read = [](void* self, std::uint8_t area, void* to, std::uint32_t bytes) {
      std::memcpy(to, static_cast<FakeAreas*>(self)->areas[area].data(), bytes);
      return true;
    };
    out.write = [](void* self, std::uint8_t area, const void* from, std::uint32_t bytes) {
      auto& it = *static_cast<FakeAreas*>(self);
      std::memcpy(it.areas[area].data(), from, it.cut_next ? bytes / 2 : bytes);
      return !it.cut_next;
    };
    return out;
  }
};

// A world whose camera keeps settings; what it says beside photos is collected.
struct SetWorld : World {
  SetWorld() {
    settings.areas = areas.port();
    power.reset_cause = METERLENS_RESET_BROWN_OUT;
    judge = [this](protocol::Bytes frame, bool up) {
      const auto message = protocol::decode_message(frame);
      if (up && message) note(*message);
      return Fate{};
    };
    power_on();
  }
  void note(const protocol::Message& message) {
    if (const auto* m = std::get_if<protocol::Health>(&message)) healths.push_back(*m);
    if (const auto* m = std::get_if<protocol::SettingsTaken>(&message)) {
      taken.push_back(m->revision);
      refused.assign(m->refused_keys.begin(), m->refused_keys.end());
    }
    if (const auto* m = std::get_if<protocol::View>(&message)) {
      views[m->number].insert(views[m->number].end(), m->data.begin(), m->data.end());
      view_counts[m->number] = m->count;
    }
  }
  void set(std::uint32_t revision, std::uint8_t key, std::int32_t value) {
    const auto bits = static_cast<std::uint32_t>(value);
    Buffer entry{key};
    for (const int shift : {0, 8, 16, 24})
      entry.push_back(static_cast<std::uint8_t>(bits >> shift & 255U));
    order(Settings{Part::camera, revision, entry});
  }
  bool wait_taken(std::uint32_t revision) {
    return run(5'000, [&] { return !taken.empty() && taken.back() == revision; });
  }

  FakeAreas areas;
  std::vector<protocol::Health> healths;
  std::vector<std::uint32_t> taken;
  Buffer refused;
  std::map<int, Buffer> views;
  std::map<int, int> view_counts;
};

TEST(CameraSettings, AreTakenAnsweredAndBroughtToTheSensorOnce) {
  SetWorld world;
  world.set(1, 1, 5);
  ASSERT_TRUE(world.wait_taken(1));
  EXPECT_TRUE(world.refused.empty());
  world.capture(1);
  ASSERT_TRUE(world.run_until_stored(1));
  ASSERT_EQ(world.sensor.tunes.size(), 1U);
  EXPECT_EQ(world.sensor.tunes[0].frame_size, 5);
  EXPECT_EQ(world.sensor.tunes[0].jpeg_quality, 12);
  world.capture(2);
  ASSERT_TRUE(world.run_until_stored(2));
  EXPECT_EQ(world.sensor.tunes.size(), 1U);
  // Out of range, unknown, and a doubled one.
  world.set(2, 1, 6);
  ASSERT_TRUE(world.wait_taken(2));
  EXPECT_EQ(world.refused, Buffer{1});
  world.set(2, 1, 0);
  world.run(1'000);
  EXPECT_EQ(world.taken.size(), 3U);
  EXPECT_EQ(world.camera->kept().get("frame_size"), 5);
}

TEST(CameraSettings, WhatTheBoardCannotObeyIsKeptAndToldAsRefused) {
  SetWorld world;
  world.settings.deaf_keys = 1U << 14;  // saturation
  world.power_on();
  world.set(1, 14, 2);
  ASSERT_TRUE(world.wait_taken(1));
  EXPECT_EQ(world.refused, Buffer{14});
  EXPECT_EQ(world.camera->kept().get("saturation"), 2);
  // Named once, also when it is out of range; what it does anyway is obeyed.
  world.set(2, 14, 9);
  ASSERT_TRUE(world.wait_taken(2));
  EXPECT_EQ(world.refused, Buffer{14});
  world.set(3, 14, 0);
  ASSERT_TRUE(world.wait_taken(3));
  EXPECT_TRUE(world.refused.empty());
  world.set(4, 12, 1);
  ASSERT_TRUE(world.wait_taken(4));
  EXPECT_TRUE(world.refused.empty());
}

TEST(CameraSettings, WishesThatAreRefusedAreCountedInTheHealth) {
  SetWorld world;
  world.set(1, 200, 1);
  ASSERT_TRUE(world.wait_taken(1));
  world.run(1'000);
  EXPECT_EQ(world.healths.back().settings_refused, 1U);
  EXPECT_EQ(world.healths.back().line_falls, 0U);
}

TEST(CameraSettings, SurviveAResetAndAPowerCutWhileTheyAreWritten) {
  SetWorld world;
  world.set(1, 1, 5);
  ASSERT_TRUE(world.wait_taken(1));
  world.power_on();
  EXPECT_EQ(world.camera->kept().get("frame_size"), 5);
  world.areas.cut_next = true;
  world.set(2, 1, 2);
  ASSERT_TRUE(world.wait_taken(2));
  world.run(1'000);
  EXPECT_TRUE(world.healths.back().settings_unsaved);
  world.areas.cut_next = false;
  world.power_on();
  EXPECT_EQ(world.camera->kept().get("frame_size"), 5);
  EXPECT_EQ(world.camera->kept().revision(), 1U);
  world.run(3'000);
  EXPECT_EQ(world.healths.back().broken_areas, 1);
}

TEST(CameraSettings, ThatAreSavedAfterAFailureAreSaidToBe) {
  SetWorld world;
  world.areas.cut_next = true;
  world.set(1, 1, 5);
  ASSERT_TRUE(world.wait_taken(1));
  world.run(1'000);
  EXPECT_TRUE(world.healths.back().settings_unsaved);
  world.areas.cut_next = false;
  world.set(2, 1, 2);
  ASSERT_TRUE(world.wait_taken(2));
  world.run(1'000);
  EXPECT_FALSE(world.healths.back().settings_unsaved);
}

TEST(CameraSettings, ATuneThatFailsIsToldAndTriedAgain) {
  SetWorld world;
  world.sensor.tune_works = false;
  world.capture(1);
  ASSERT_TRUE(world.run_until_stored(1));
  world.run(1'000);
  EXPECT_TRUE(world.healths.back().tune_failed);
  world.sensor.tune_works = true;
  world.capture(2);
  ASSERT_TRUE(world.run_until_stored(2));
  world.run(1'000);
  EXPECT_FALSE(world.healths.back().tune_failed);
}

TEST(CameraTimer, TakesAPhotoAtEachMultipleOfThePeriod) {
  SetWorld world;
  world.run(1'000);
  world.set(1, 30, 60);
  ASSERT_TRUE(world.wait_taken(1));
  world.run(50'000);
  world.sensor.answers = false;  // one of them fails
  world.run(60'000);
  world.sensor.answers = true;
  world.run(130'000);
  // 1'700'000'000 s is 20 s after a whole minute: they are due after 40, 100, 160 and 220 s.
  ASSERT_EQ(world.server.offers.size(), 3U);
  for (const auto& offer : world.server.offers) {
    EXPECT_EQ(offer.command_id, 0U);
    EXPECT_LT(offer.captured_at_ms % 60'000, 200U);
  }
  EXPECT_EQ(world.camera->counters().failed_shots, 1U);
}

TEST(CameraHealth, IsToldAtTheStartDailyAndWhenTheSensorFails) {
  SetWorld world;
  world.run(1'000);
  ASSERT_EQ(world.healths.size(), 1U);
  EXPECT_EQ(world.healths[0].reset_cause, METERLENS_RESET_BROWN_OUT);
  EXPECT_EQ(world.healths[0].photo_id, 0U);
  world.sensor.answers = false;
  world.capture(1);
  world.run(1'000);
  EXPECT_EQ(world.healths.back().no_answers, 1U);
  world.sensor.answers = true;
  world.sensor.polls = 1 << 30;
  world.capture(2);
  world.run(shot_timeout_ms + 1'000);
  EXPECT_EQ(world.healths.back().frame_timeouts, 1U);
  world.sensor.polls = 3;
  world.sensor.result = -1;
  world.capture(3);
  world.run(1'000);
  EXPECT_EQ(world.healths.back().frame_failures, 1U);
  world.sensor.result = 1;
  world.sensor.photo.clear();
  world.capture(4);
  world.run(1'000);
  EXPECT_EQ(world.healths.back().empty_frames, 1U);
  EXPECT_EQ(world.healths.size(), 5U);
  world.run(86'400'000, [] { return false; }, 500);
  EXPECT_EQ(world.healths.size(), 6U);
}

TEST(CameraAiming, ShowsFramesAndCapturesMeanwhile) {
  SetWorld world;
  world.run(1'000);
  world.sensor.photo = make_photo(3000, 5);
  world.order(Aim{10, 1000});
  world.run(3'500);
  EXPECT_GE(world.views.size(), 3U);
  EXPECT_EQ(world.views.at(1), world.sensor.photo);
  EXPECT_EQ(world.view_counts.at(1), 3);
  EXPECT_EQ(world.sensor.tunes.back().frame_size, 0);
  world.capture(1);
  ASSERT_TRUE(world.run_until_stored(1));
  EXPECT_EQ(world.server.stored.at(1), world.sensor.photo);
  world.run(8'000);
  const std::size_t count = world.views.size();
  EXPECT_GE(count, 9U);
  EXPECT_LE(count, 11U);
  world.run(5'000);
  EXPECT_EQ(world.views.size(), count);
  EXPECT_EQ(world.sensor.starts, world.sensor.releases);
  EXPECT_EQ(world.camera->ring().next_id(), 2U);  // none of them in the flash
  // The shot was tuned as the settings have it, not as aiming does.
  EXPECT_TRUE(std::ranges::any_of(world.sensor.tunes,
                                  [](const auto& shot) { return shot.frame_size == 3; }));
}

TEST(CameraAiming, AFrameIsFinishedBeforeTheNextAndAZeroEndsIt) {
  SetWorld world;
  world.run(1'000);
  world.sensor.photo = make_photo(30'000, 6);  // takes 2.7 s of the line
  world.order(Aim{3600, 1000});
  world.run(10'000);
  EXPECT_GE(std::ranges::count_if(
                world.views, [](const auto& view) { return view.second.size() == 30'000U; }),
            3);
  world.order(Aim{0, 1000});
  world.run(2'000);
  const std::size_t count = world.views.size();
  world.run(5'000);
  EXPECT_EQ(world.views.size(), count);
  EXPECT_EQ(world.sensor.starts, world.sensor.releases);
}

}  // namespace
}  // namespace meterlens::camera
