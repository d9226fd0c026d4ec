#include "app/retention.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t day_ms = 86'400'000;

TEST(Retention, KeepsEverythingUnlessItIsTold) {
  const auto aging = aging_of(Settings(), 1000 * day_ms);
  EXPECT_EQ(aging.photos_before_ms, 0);
  EXPECT_EQ(aging.readings_before_ms, 0);
}

TEST(Retention, RemovesRowsAndTheirFiles) {
  const fs::path folder = fs::path(testing::TempDir()) / ("retention_" + std::to_string(getpid()));
  fs::remove_all(folder);
  fs::create_directories(folder);
  const auto store = *store::Store::open((folder / "a.db").string());
  std::vector<photo::Photo> photos(700);
  std::uint32_t number = 0;
  for (photo::Photo& photo : photos) {
    photo.device = "m1";
    photo.photo_id = ++number;
    photo.state = photo::PhotoState::quarantined;
    photo.received_at_ms = number <= 650 ? 10 * day_ms : 15 * day_ms;
    photo.path = (folder / std::to_string(number)).string();
    std::ofstream(photo.path) << "x";
  }
  ASSERT_TRUE(store->add_photos(photos));
  Settings settings;
  settings.retention_photo_days = 7;
  int pauses = 0;
  const auto removed = sweep(*store, aging_of(settings, 20 * day_ms), [&] { return ++pauses > 0; });
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(removed->photos, 650);
  EXPECT_EQ(pauses, 3) << "in small transactions";
  EXPECT_FALSE(fs::exists(folder / "650"));
  EXPECT_TRUE(fs::exists(folder / "651"));
  EXPECT_EQ(store->photos({.count_max = 1000})->size(), 50U);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace meterlens::app
