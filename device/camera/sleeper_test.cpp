#include "device/camera/sleeper.h"

#include <gtest/gtest.h>

#include <vector>

namespace meterlens::camera {
namespace {

constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

// A Sleeper on a board that notes what it is asked for.
struct Story {
  struct Slept {
    bool deep;
    std::uint64_t ms;
    bool operator==(const Slept&) const = default;
  };

  explicit Story(SleepMode mode, MeterlensReset cause = METERLENS_RESET_POWER_ON,
                 std::uint32_t survived = 0)
      : number(survived), sleeper({mode, 10'000}, port(cause)) {
    sleeper.start(0);
  }
  MeterlensPower port(MeterlensReset cause) {
    MeterlensPower power{};
    power.context = this;
    power.reset_cause = cause;
    power.survives_sleep = &number;
    power.sleep = [](void* self, bool deep, std::uint64_t ms) {
      static_cast<Story*>(self)->slept.push_back({deep, ms});
    };
    return power;
  }
  // Turns at the times that the sleeper asks for, until it sleeps; false: it never does.
  bool sleep(const Sleeper::Situation& situation, std::uint64_t most_ms = 100'000) {
    const std::size_t before = slept.size();
    const std::uint64_t end_ms = now_ms + most_ms;
    while (now_ms < end_ms) {
      sleeper.wakes(now_ms);
      sleeper.step(situation, true, true, now_ms);
      if (slept.size() > before) return true;
      if (sleeper.word_due()) sleeper.say();
      now_ms = std::min(end_ms, std::max(now_ms + 1, sleeper.due_ms(situation)));
    }
    return false;
  }

  std::vector<Slept> slept;
  std::uint32_t number = 0;
  std::uint64_t now_ms = 0;
  Sleeper sleeper;
};

TEST(Sleeper, SleepsAfterTheTimeOfItsSetting) {
  for (const SleepMode mode : {SleepMode::light, SleepMode::deep}) {
    Story story(mode);
    ASSERT_TRUE(story.sleep({}));
    EXPECT_NEAR(static_cast<double>(story.now_ms), 10'000 + leaving_ms, 3);
    EXPECT_EQ(story.slept[0], (Story::Slept{mode == SleepMode::deep, never}));
  }
  EXPECT_FALSE(Story(SleepMode::none).sleep({}));
}

TEST(Sleeper, WhatForbidsIt) {
  const struct {
    Sleeper::Situation situation;
    bool sleeps, deep;
  } table[] = {
      {{}, true, true},
      {{.at_work = true}, false, false},
      {{.unfinished = true}, true, true},
      {{.remembers = true}, true, false},
      {{.line_at_rest = false}, false, false},
  };
  for (const auto& row : table) {
    Story story(SleepMode::deep);
    EXPECT_EQ(story.sleep(row.situation), row.sleeps);
    EXPECT_EQ(!story.slept.empty() && story.slept[0].deep, row.deep);
  }
}

TEST(Sleeper, EveryWordPutsItOff) {
  Story story(SleepMode::light);
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(story.sleep({}, 9'000));
    story.sleeper.hear_word(story.now_ms);
  }
  EXPECT_TRUE(story.sleep({}));
}

TEST(Sleeper, AWordOfTheDtusIsNoProgress) {
  Story story(SleepMode::light);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(story.sleep({.unfinished = true}, 9'000), i == 2);
    story.sleeper.hear_word(story.now_ms);
  }
}

TEST(Sleeper, BytesKeepTheLeavingAwake) {
  Story story(SleepMode::light);
  story.sleeper.step({}, true, true, 10'000);
  ASSERT_TRUE(story.sleeper.word_due());
  story.sleeper.say();
  EXPECT_FALSE(story.sleeper.word_due());
  story.sleeper.step({}, true, false, 10'050);
  story.sleeper.step({}, true, true, 10'050 + leaving_ms - 1);
  EXPECT_TRUE(story.sleeper.hear_bytes(10'050 + leaving_ms - 1)) << "Sleep was said";
  EXPECT_FALSE(story.sleeper.silent());
  story.sleeper.step({}, true, true, 10'050 + leaving_ms);
  EXPECT_TRUE(story.slept.empty());
}

TEST(Sleeper, NapsDoubleUpToAnHourAndSurviveDeepSleep) {
  std::uint32_t survived = 0;
  std::uint64_t expected_ms = nap_first_ms;
  for (int nap = 0; nap < 9; ++nap) {
    Story story(SleepMode::deep, METERLENS_RESET_WAKE, survived);
    ASSERT_TRUE(story.sleep({.unfinished = true}));
    EXPECT_EQ(story.slept[0].ms, expected_ms) << nap;
    expected_ms = std::min(2 * expected_ms, nap_last_ms);
    survived = story.number;
  }
  EXPECT_EQ(expected_ms, nap_last_ms);
  Story after_power_on(SleepMode::deep, METERLENS_RESET_POWER_ON, survived);
  ASSERT_TRUE(after_power_on.sleep({.unfinished = true}));
  EXPECT_EQ(after_power_on.slept[0].ms, nap_first_ms);
  Story spoken_to(SleepMode::deep, METERLENS_RESET_WAKE, survived);
  spoken_to.sleeper.encourage();
  ASSERT_TRUE(spoken_to.sleep({.unfinished = true}));
  EXPECT_EQ(spoken_to.slept[0].ms, nap_first_ms);
  // Whatever survived: nothing overflows.
  Story garbage(SleepMode::deep, METERLENS_RESET_WAKE, 0xFFFFFFFF);
  ASSERT_TRUE(garbage.sleep({.unfinished = true}));
  EXPECT_LE(garbage.slept[0].ms, nap_last_ms);
}

TEST(Sleeper, ItsOwnTimerEndsASleep) {
  Story story(SleepMode::light);
  ASSERT_TRUE(story.sleep({.next_wake_ms = 70'000}));
  EXPECT_EQ(story.slept[0].ms, 70'000 - story.now_ms);
  story.now_ms = 80'000;
  ASSERT_TRUE(story.sleep({.next_wake_ms = 70'000})) << "one that is late";
  EXPECT_EQ(story.slept[1].ms, 0U);
}

}  // namespace
}  // namespace meterlens::camera
