#include "boards/linux/photo_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace meterlens::boards {
namespace {

class PhotoFolderTest : public ::testing::Test {
 protected:
  PhotoFolderTest() {
    std::string name = (std::filesystem::temp_directory_path() / "photos_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~PhotoFolderTest() override { std::filesystem::remove_all(folder_); }
  void add(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::filesystem::path folder_;
};

std::string shoot(MeterlensSensor sensor) {
  const std::uint8_t* bytes = nullptr;
  std::uint32_t count = 0;
  if (!sensor.start(sensor.context) || sensor.poll(sensor.context, &bytes, &count) != 1) return "-";
  const std::string text(bytes, bytes + count);
  sensor.release(sensor.context);
  return text;
}

TEST_F(PhotoFolderTest, TakesItsPhotosInTurn) {
  add("b.JPG", "B");
  add("a.jpg", "A");
  add("c.jpeg", "");
  add("d.png", "D");
  const auto source = PhotoFolder::open(folder_);
  ASSERT_TRUE(source) << source.error();
  const MeterlensSensor sensor = (*source)->port();
  EXPECT_EQ(shoot(sensor), "A");
  EXPECT_EQ(shoot(sensor), "B");
  EXPECT_EQ(shoot(sensor), "");
  EXPECT_EQ(shoot(sensor), "A");
  std::filesystem::remove(folder_ / "b.JPG");
  EXPECT_EQ(shoot(sensor), "-");
  EXPECT_EQ(shoot(sensor), "");
}

TEST_F(PhotoFolderTest, SaysWhatIsWrong) {
  EXPECT_NE(PhotoFolder::open(folder_).error().find("no .jpg"), std::string::npos);
  EXPECT_FALSE(PhotoFolder::open(folder_ / "none"));
}

}  // namespace
}  // namespace meterlens::boards
