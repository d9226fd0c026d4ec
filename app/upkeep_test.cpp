#include "app/upkeep.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "app/fixture.h"

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;

class UpkeepTest : public test::FolderTest {
 protected:
  void SetUp() override {
    settings_.storage_data_folder = folder_.string();
    settings_.storage_photo_folder = (folder_ / "not there").string();
  }

  Settings settings_;
};

TEST_F(UpkeepTest, TheNewestBackupsAreKept) {
  EXPECT_TRUE(backups_done(settings_).empty());
  for (int i = 1; i <= 12; ++i)
    ASSERT_TRUE(keep_backup(settings_, {i, "/mnt/\xe5\xa4\x87 \xff", i, 1, i % 2 == 0, "note"}));
  const auto done = backups_done(settings_);
  ASSERT_EQ(done.size(), backups_kept);
  EXPECT_EQ(done.front().at_ms, 12);
  EXPECT_TRUE(done.front().whole);
  EXPECT_EQ(done.back().at_ms, 3);
}

TEST_F(UpkeepTest, AForeignFileIsNoBackup) {
  for (const char* text : {"", "{", "{}", "[1]", R"([{"at_ms":"x"}])", "null", "\xff"}) {
    std::ofstream(folder_ / "backups.json") << text;
    EXPECT_TRUE(backups_done(settings_).empty()) << text;
  }
  EXPECT_TRUE(keep_backup(settings_, {7, "a", 1, 0, true, ""}));
  EXPECT_EQ(backups_done(settings_).size(), 1U);
}

TEST_F(UpkeepTest, WhatCannotBeWrittenIsSaid) {
  settings_.storage_data_folder = (folder_ / "nowhere").string();
  const auto kept = keep_backup(settings_, {1, "a", 0, 0, true, ""});
  ASSERT_FALSE(kept);
  EXPECT_NE(kept.error().find("nowhere"), std::string::npos);
}

TEST_F(UpkeepTest, RoomIsToldOfFoldersThatAreThere) {
  const auto upkeep = upkeep_of(settings_, nullptr);
  EXPECT_EQ(upkeep.store, "sqlite");
  ASSERT_EQ(upkeep.folders.size(), 1U);
  EXPECT_EQ(upkeep.folders[0].path, folder_.string());
  EXPECT_GT(upkeep.folders[0].all_bytes, upkeep.folders[0].free_bytes - 1);
}

TEST_F(UpkeepTest, RetentionTellsWhatItKeeps) {
  const auto store = *store::Store::open((folder_ / "a.db").string());
  settings_.retention_photo_days = 30;
  const Retention retention(settings_, *store);
  EXPECT_EQ(upkeep_of(settings_, &retention).retained.photo_days, 30);
}

}  // namespace
}  // namespace meterlens::app
