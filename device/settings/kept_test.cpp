#include "device/settings/kept.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace meterlens::settings {
namespace {

using protocol::Part;
using protocol::Settings;

// Two areas of memory; a write may be cut after some bytes, or fail.
struct Memory {
  std::array<std::vector<std::uint8_t>, 2> areas{std::vector<std::uint8_t>(512, 0xFF),
                                                 std::vector<std::uint8_t>(512, 0xFF)};
  std::size_t cut_after = SIZE_MAX;
  bool fails = false;

  MeterlensAreas port() {
    MeterlensAreas port{};
    port.context = this;
    port.bytes = 512;
    port.read = [](void* self, std::uint8_t area, void* out, std::uint32_t bytes) {
      const auto& from = static_cast<Memory*>(self)->areas[area];
      std::copy_n(from.begin(), bytes, static_cast<std::uint8_t*>(out));
      return true;
    };
    port.write = [](void* self, std::uint8_t area, const void* data, std::uint32_t bytes) {
      auto& memory = *static_cast<Memory*>(self);
      if (memory.fails) return false;
      std::ranges::fill(memory.areas[area], std::uint8_t{0xFF});
      std::copy_n(static_cast<const std::uint8_t*>(data),
                  std::min<std::size_t>(bytes, memory.cut_after), memory.areas[area].begin());
      return true;
    };
    return port;
  }

  Kept loaded() {
    Kept kept(Part::dtu, port());
    kept.load();
    return kept;
  }
};

std::vector<std::uint8_t> window_entry(std::uint8_t value) { return {5, value, 0, 0, 0}; }

std::optional<protocol::SettingsTaken> take(Kept& kept, std::uint32_t revision,
                                            std::uint8_t window,
                                            std::span<std::uint8_t> refused = {}) {
  const auto entries = window_entry(window);
  return kept.take(Settings{Part::dtu, revision, entries}, refused);
}

TEST(Kept, SurvivesAResetAndCountsNothingOnAnEmptyFlash) {
  Memory memory;
  Kept kept = memory.loaded();
  EXPECT_EQ(kept.revision(), 0U);
  EXPECT_EQ(kept.get("window"), 16);
  const auto taken = take(kept, 3, 8);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->revision, 3U);
  EXPECT_TRUE(taken->refused_keys.empty());
  const Kept again = memory.loaded();
  EXPECT_EQ(again.get("window"), 8);
  EXPECT_EQ(again.revision(), 3U);
  EXPECT_EQ(again.counters().broken_areas, 0U);
}

TEST(Kept, APowerCutAtAnyByteLeavesTheOldOrTheNewSettings) {
  for (std::size_t cut = 0; cut <= area_bytes_max; ++cut) {
    Memory memory;
    Kept kept = memory.loaded();
    for (std::uint32_t revision = 1; revision <= 3; ++revision)
      take(kept, revision, static_cast<std::uint8_t>(revision));
    memory.cut_after = cut;
    take(kept, 4, 40);
    memory.cut_after = SIZE_MAX;
    Kept again = memory.loaded();
    const bool is_old = again.get("window") == 3 && again.revision() == 3;
    const bool is_new = again.get("window") == 40 && again.revision() == 4;
    ASSERT_TRUE(is_old || is_new) << cut;
    take(again, 5, 50);
    const Kept last = memory.loaded();
    EXPECT_EQ(last.get("window"), 50) << cut;
    EXPECT_EQ(last.revision(), 5U) << cut;
  }
}

TEST(Kept, EveryTurnedBitOfTheNewestIsFoundOut) {
  Memory memory;
  Kept kept = memory.loaded();
  take(kept, 1, 11);
  take(kept, 2, 12);
  const std::vector<std::uint8_t> whole = memory.areas[1];
  for (std::size_t bit = 0; bit < 8 * (16 + 5 * protocol::settings_of(Part::dtu).size() + 4);
       ++bit) {
    memory.areas[1] = whole;
    memory.areas[1][bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const Kept again = memory.loaded();
    ASSERT_EQ(again.get("window"), 11) << bit;
    EXPECT_EQ(again.counters().broken_areas, 1U);
  }
}

TEST(Kept, ASecondAndAnOldRevisionChangeNothing) {
  Memory memory;
  Kept kept = memory.loaded();
  take(kept, 5, 20);
  EXPECT_EQ(take(kept, 5, 21)->revision, 5U);
  EXPECT_EQ(take(kept, 4, 22)->revision, 4U);
  EXPECT_EQ(kept.get("window"), 20);
}

TEST(Kept, RefusedKeysAreNamedAndForeignPartsPassedOver) {
  Memory memory;
  Kept kept = memory.loaded();
  std::array<std::uint8_t, 4> refused{};
  const auto taken = take(kept, 1, 0, refused);
  ASSERT_TRUE(taken);
  ASSERT_EQ(taken->refused_keys.size(), 1U);
  EXPECT_EQ(taken->refused_keys[0], 5);
  EXPECT_EQ(kept.get("window"), 16);
  const auto entries = window_entry(1);
  EXPECT_FALSE(kept.take(Settings{Part::camera, 2, entries}, {}));
}

TEST(Kept, AFailedWriteIsInForceAndCounted) {
  Memory memory;
  Kept kept = memory.loaded();
  memory.fails = true;
  take(kept, 1, 30);
  EXPECT_EQ(kept.get("window"), 30);
  EXPECT_EQ(kept.counters().failed_writes, 1U);
  EXPECT_TRUE(kept.counters().unsaved);
  memory.fails = false;
  EXPECT_TRUE(kept.set("window", 31));
  EXPECT_FALSE(kept.counters().unsaved);
  EXPECT_FALSE(kept.set("window", 1000));
  EXPECT_EQ(memory.loaded().get("window"), 31);
}

}  // namespace
}  // namespace meterlens::settings
