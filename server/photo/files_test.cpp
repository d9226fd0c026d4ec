#include "server/photo/files.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <fstream>

namespace meterlens::photo {
namespace {

namespace fs = std::filesystem;

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() {
    std::string pattern = (fs::temp_directory_path() / "meterlens-files-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    folders_ = {root_ / "public/images", root_ / "var/quarantine"};
  }
  ~FilesTest() override { fs::remove_all(root_); }
  static Photo photo(std::uint32_t id, PhotoState state = PhotoState::stored) {
    Photo photo;
    photo.device = "m1";
    photo.photo_id = id;
    photo.bytes = {1, 2, 3, static_cast<std::uint8_t>(id)};
    photo.sha256 = protocol::sha256(photo.bytes);
    photo.state = state;
    photo.captured_at_ms = 1'795'363'894'123;
    return photo;
  }
  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root_))
      count += entry.is_regular_file();
    return count;
  }

  fs::path root_;
  Folders folders_;
};

TEST_F(FilesTest, good_and_quarantined_photos_have_their_places) {
  Files files_under_test(folders_);
  std::array photos = {photo(7), photo(8, PhotoState::quarantined)};
  ASSERT_TRUE(files_under_test.write(photos).has_value());
  EXPECT_TRUE(photos[0].path.starts_with((folders_.images / "m1/2026-11-22").string()))
      << photos[0].path;
  EXPECT_TRUE(photos[1].path.starts_with(folders_.quarantine.string())) << photos[1].path;
  for (const Photo& written : photos) EXPECT_EQ(*Files::read(written.path, 100), written.bytes);
  EXPECT_EQ(files(), 2u);
  files_under_test.remove(photos);
  EXPECT_EQ(files(), 0u);
}

TEST_F(FilesTest, what_was_there_before_is_not_taken_back) {
  Files files_under_test(folders_);
  std::array before = {photo(7)};
  ASSERT_TRUE(files_under_test.write(before).has_value());
  std::array photos = {photo(7), photo(8), photo(8)};
  ASSERT_TRUE(files_under_test.write(photos).has_value());
  files_under_test.remove(photos);
  ASSERT_EQ(files(), 1u);
  EXPECT_EQ(*Files::read(before[0].path, 100), before[0].bytes);
}

TEST_F(FilesTest, a_large_group_is_written_as_well) {
  Files files_under_test(folders_);
  std::vector<Photo> photos;
  for (std::uint32_t id = 1; id <= 50; ++id) photos.push_back(photo(id));
  ASSERT_TRUE(files_under_test.write(photos).has_value());
  EXPECT_EQ(files(), 50u);
}

TEST_F(FilesTest, who_is_asked_before_a_write_can_say_that_the_disk_is_full) {
  int asked = 0, room = 2;
  folders_.before_write = [&] { return ++asked <= room; };
  Files files_under_test(folders_);
  std::array photos = {photo(7)};
  photos[0].bytes.assign(10'000, 1);
  const auto written = files_under_test.write(photos);
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code, FileErrorCode::disk_full);
  EXPECT_EQ(asked, 3) << "the third part of three";
  EXPECT_EQ(files(), 0u);
  EXPECT_EQ(files_under_test.probe().error().code, FileErrorCode::disk_full);
  room = 1000;
  EXPECT_TRUE(files_under_test.probe().has_value());
  ASSERT_TRUE(files_under_test.write(photos).has_value());
  EXPECT_EQ(*Files::read(photos[0].path, 20'000), photos[0].bytes);
}

TEST_F(FilesTest, after_an_error_nothing_is_left) {
  fs::create_directories(root_ / "public");
  std::ofstream(folders_.images) << "in the way";
  Files files_under_test(folders_);
  std::array photos = {photo(8, PhotoState::quarantined), photo(7)};
  const auto written = files_under_test.write(photos);
  ASSERT_FALSE(written.has_value());
  EXPECT_NE(written.error().message.find(folders_.images.string()), std::string::npos);
  EXPECT_EQ(files(), 1u);
  EXPECT_FALSE(files_under_test.probe().has_value());
}

TEST_F(FilesTest, a_full_disk_is_told_as_such) {
  if (!fs::exists("/dev/full")) GTEST_SKIP();
  Files files_under_test(folders_);
  Photo one = photo(7);
  const fs::path path = path_of(one, folders_);
  fs::create_directories(path.parent_path());
  fs::create_symlink("/dev/full", path.parent_path() / (".part-" + path.filename().string()));
  const auto written = files_under_test.write(std::span(&one, 1));
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code, FileErrorCode::disk_full);
  EXPECT_NE(written.error().message.find("free some space"), std::string::npos);
}

TEST_F(FilesTest, reading_is_bounded) {
  std::ofstream(root_ / "long") << std::string(101, 'x');
  EXPECT_FALSE(Files::read((root_ / "long").string(), 100).has_value());
  EXPECT_FALSE(Files::read((root_ / "none").string(), 100).has_value());
}

}  // namespace
}  // namespace meterlens::photo
