#include "boards/esp32cam/portable/wifi.h"

#include <gtest/gtest.h>

#include <vector>

namespace meterlens::esp32cam {
namespace {

TEST(Attempts, PausesGrowAndBeginAnew) {
  Attempts attempts;
  std::uint64_t now_ms = 0;
  for (const std::uint64_t pause_ms :
       {1'000U, 2'000U, 4'000U, 8'000U, 16'000U, 32'000U, 60'000U, 60'000U}) {
    attempts.failed(now_ms);
    EXPECT_EQ(attempts.due_ms() - now_ms, pause_ms);
    now_ms = attempts.due_ms();
  }
  attempts.succeeded();
  attempts.failed(now_ms);
  EXPECT_EQ(attempts.due_ms() - now_ms, Attempts::pause_first_ms);
}

TEST(Roaming, ScansOnlyAfterALastingWeakness) {
  Roaming roaming;
  EXPECT_FALSE(roaming.look(-71, 0));
  EXPECT_FALSE(roaming.look(-71, 1));
  EXPECT_FALSE(roaming.look(-70, 2));  // strong enough: the count begins anew
  EXPECT_FALSE(roaming.look(-90, 3));
  EXPECT_FALSE(roaming.look(-90, 4));
  EXPECT_TRUE(roaming.look(-90, 5));
  EXPECT_FALSE(roaming.look(-90, 6)) << "a scan has just been asked for";
}

TEST(Roaming, MovesOnlyForAGain) {
  const AccessPoint here{{1}, -80};
  struct Case {
    const char* why;
    std::vector<AccessPoint> found;
    int to;  // the first byte of the BSSID; 0: stay
  };
  const Case cases[] = {
      {"nothing", {}, 0},
      {"only this one", {{{1}, -60}}, 0},
      {"a little better", {{{1}, -80}, {{2}, -73}}, 0},
      {"better", {{{1}, -80}, {{2}, -72}}, 2},
      {"the best of three", {{{2}, -70}, {{3}, -50}, {{1}, -80}}, 3},
      {"this one is better than it was", {{{1}, -60}, {{2}, -55}}, 0},
      {"this one was not heard", {{{2}, -72}}, 2},
  };
  for (const Case& c : cases) {
    Roaming roaming;
    const auto to = roaming.choose(here, c.found, 0);
    EXPECT_EQ(to ? to->bssid[0] : 0, c.to) << c.why;
  }
}

TEST(Roaming, RarerScansWhileNothingIsBetter) {
  Roaming roaming;
  const AccessPoint here{{1}, -80};
  std::vector<std::uint64_t> scans;
  for (std::uint64_t now_ms = 0; now_ms < 20'000'000; now_ms += 5'000) {
    if (!roaming.look(-80, now_ms)) continue;
    scans.push_back(now_ms);
    roaming.choose(here, {}, now_ms);
  }
  ASSERT_GE(scans.size(), 8U);
  EXPECT_EQ(scans[1] - scans[0], 2 * Roaming::scan_pause_first_ms);
  EXPECT_EQ(scans.back() - scans[scans.size() - 2], Roaming::scan_pause_last_ms);
}

TEST(SetupDoor, IsOpenWithoutSetUp) {
  SetupDoor door(false, 0);
  EXPECT_TRUE(door.open(false, false, 0));
  EXPECT_TRUE(door.open(true, false, 10));
}

TEST(SetupDoor, OpensWhenTheConnectionIsMissingForLong) {
  SetupDoor door(true, 0);
  EXPECT_FALSE(door.open(false, false, SetupDoor::patience_first_ms - 1));
  EXPECT_TRUE(door.open(false, false, SetupDoor::patience_first_ms));
  std::uint64_t now_ms = SetupDoor::patience_first_ms + 1'000;
  EXPECT_FALSE(door.open(true, false, now_ms)) << "it is back";
  now_ms += 100 * SetupDoor::patience_ms;
  EXPECT_FALSE(door.open(false, false, now_ms)) << "just lost";
  EXPECT_FALSE(door.open(false, false, now_ms + SetupDoor::patience_ms - 1));
  EXPECT_TRUE(door.open(false, false, now_ms + SetupDoor::patience_ms));
}

TEST(SetupDoor, OpensForAVisitWhenTheButtonIsHeld) {
  SetupDoor door(true, 0);
  EXPECT_FALSE(door.open(true, true, 1'000));
  EXPECT_FALSE(door.open(true, false, 2'000)) << "let go too early";
  EXPECT_FALSE(door.open(true, true, 3'000));
  EXPECT_TRUE(door.open(true, true, 3'000 + SetupDoor::hold_ms));
  const std::uint64_t end_ms = 3'000 + SetupDoor::hold_ms + SetupDoor::visit_ms;
  EXPECT_TRUE(door.open(true, false, end_ms - 1));
  EXPECT_FALSE(door.open(true, false, end_ms));
  door.visited(end_ms);
  EXPECT_TRUE(door.open(true, false, end_ms + 1));
}

}  // namespace
}  // namespace meterlens::esp32cam
