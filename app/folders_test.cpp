#include "app/folders.h"

#include <gtest/gtest.h>

#include <fstream>

#include "app/fixture.h"

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;

using FoldersTest = test::FolderTest;

TEST_F(FoldersTest, ADataFolderIsOneServersAlone) {
  auto first = FolderLock::take(folder_);
  ASSERT_TRUE(first) << first.error();
  const auto second = FolderLock::take(folder_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find(folder_.string()), std::string::npos) << second.error();
  first->reset();
  EXPECT_TRUE(FolderLock::take(folder_));
}

TEST_F(FoldersTest, ALockThatCannotBeWrittenIsNamed) {
  const auto lock = FolderLock::take(folder_ / "nowhere");
  ASSERT_FALSE(lock);
  EXPECT_NE(lock.error().find("nowhere/lock"), std::string::npos) << lock.error();
}

TEST_F(FoldersTest, ThePhotoFolderIsMadeAndLeftEmpty) {
  const fs::path photos = folder_ / "public" / "images";
  const auto made = make_photo_folder(photos);
  ASSERT_TRUE(made) << made.error();
  EXPECT_TRUE(fs::is_empty(photos));
}

TEST_F(FoldersTest, APhotoFolderThatCannotBeWrittenNamesTheUnitsSetting) {
  std::ofstream(folder_ / "file") << "x";
  for (const fs::path& folder : {folder_ / "file", folder_ / "file" / "images"}) {
    const auto made = make_photo_folder(folder);
    ASSERT_FALSE(made) << folder;
    EXPECT_NE(made.error().find("ReadWritePaths=" + folder.string()), std::string::npos)
        << made.error();
  }
}

}  // namespace
}  // namespace meterlens::app
