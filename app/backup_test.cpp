#include "app/backup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "app/fixture.h"
#include "server/store/store.h"

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;

class BackupTest : public test::FolderTest {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "data");
    fs::create_directories(folder_ / "images");
    std::ofstream(config_) << "[storage]\ndata_folder = " << data_ << "\nphoto_folder = "
                           << folder_ / "images" << '\n';
    ASSERT_TRUE(store::Store::open(data_ / "meterlens.db"));
  }
  void TearDown() override { umask(umask_); }

  int back_up(const std::string& place) { return backup({config_.string(), place}); }
  ino_t database() const {
    struct stat status {};
    return stat((data_ / "meterlens.db").c_str(), &status) == 0 ? status.st_ino : 0;
  }

  const mode_t umask_ = umask(022);
  const fs::path data_ = folder_ / "data", config_ = folder_ / "a.toml";
};

TEST_F(BackupTest, TheServersOwnFoldersAreNoPlace) {
  fs::create_directories(folder_ / "linked");
  fs::create_hard_link(data_ / "meterlens.db", folder_ / "linked" / "meterlens.db");
  fs::create_directory_symlink(data_, folder_ / "other_name");
  fs::create_directories(folder_ / "above");
  fs::create_directory_symlink(folder_ / "images", folder_ / "above" / "photos");
  const ino_t before = database();
  ASSERT_NE(before, 0U);
  for (const char* place : {"data", "data/", "data/../data", "images", "other_name", "linked",
                            "data/a.tar", "images/a.tar", "other_name/a.tar", "above"}) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(back_up((folder_ / place).string()), 1) << place;
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("outside of the folders in [storage]"), std::string::npos) << said;
    EXPECT_EQ(database(), before) << place;
    EXPECT_FALSE(fs::exists(data_ / "meterlens.db.part")) << place;
  }
  EXPECT_FALSE(fs::exists(data_ / "a.tar.folder"));
  EXPECT_TRUE(fs::is_empty(folder_ / "images"));
}

TEST_F(BackupTest, NobodyElseReadsIt) {
  ASSERT_EQ(back_up((folder_ / "saved").string()), 0);
  EXPECT_EQ(fs::status(folder_ / "saved").permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(folder_ / "saved" / "meterlens.db").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(BackupTest, ATarMayHaveAColonAndLeavesNothingBeside) {
  const std::string tar = (folder_ / "nas:1.tar").string();
  ASSERT_EQ(back_up(tar), 0);
  EXPECT_TRUE(fs::exists(tar));
  EXPECT_FALSE(fs::exists(tar + ".folder"));
  EXPECT_FALSE(fs::exists(tar + ".part"));
  fs::rename(data_, folder_ / "data.before");
  ASSERT_EQ(restore({config_.string(), tar}), 0);
  EXPECT_NE(database(), 0U);
  EXPECT_FALSE(fs::exists(tar + ".folder"));
}

TEST_F(BackupTest, AFailureLeavesNoWorkFolder) {
  const std::string tar = (folder_ / "a.tar").string();
  fs::create_directories(tar);  // cannot be replaced by a file
  std::ofstream(tar + "/x") << "x";
  EXPECT_EQ(back_up(tar), 1);
  EXPECT_FALSE(fs::exists(tar + ".folder"));
  EXPECT_FALSE(fs::exists(tar + ".part"));
  std::ofstream(folder_ / "b.tar") << "no tar";
  fs::rename(data_, folder_ / "data.before");
  EXPECT_EQ(restore({config_.string(), (folder_ / "b.tar").string()}), 1);
  EXPECT_FALSE(fs::exists(folder_ / "b.tar.folder"));
}

}  // namespace
}  // namespace meterlens::app
