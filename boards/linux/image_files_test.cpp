#include "boards/linux/image_files.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace meterlens::boards {
namespace {

namespace fs = std::filesystem;

class ImageFilesTest : public ::testing::Test {
 protected:
  ImageFilesTest() {
    std::string pattern = (fs::temp_directory_path() / "meterlens-slots-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    start();
  }
  ~ImageFilesTest() override { fs::remove_all(folder_); }
  void start() {
    files_.reset();
    auto opened = ImageFiles::open(folder_, 5);
    ASSERT_TRUE(opened) << opened.error();
    files_ = *std::move(opened);
    port_ = files_->port();
  }
  bool offer(const std::string& image) {
    EXPECT_EQ(port_.erase(port_.context), 1);
    EXPECT_TRUE(port_.program(port_.context, 0, image.data(),
                              static_cast<std::uint32_t>(image.size())));
    return port_.try_new(port_.context);
  }

  fs::path folder_;
  std::unique_ptr<ImageFiles> files_;
  MeterlensImages port_{};
};

TEST_F(ImageFilesTest, AnImageIsTriedOnceAndStaysWhenConfirmed) {
  EXPECT_EQ(port_.version, 5U);
  ASSERT_TRUE(offer("meterlens-linux 7\nprogram"));
  start();
  EXPECT_EQ(port_.version, 7U);
  EXPECT_TRUE(port_.on_trial);
  ASSERT_TRUE(port_.confirm(port_.context));
  start();
  EXPECT_EQ(port_.version, 7U);
  EXPECT_FALSE(port_.on_trial || port_.fell_back);
}

TEST_F(ImageFilesTest, AnImageThatIsNotConfirmedGivesWay) {
  ASSERT_TRUE(offer("meterlens-linux 7\n"));
  start();
  start();
  EXPECT_EQ(port_.version, 5U);
  EXPECT_TRUE(port_.fell_back);
  EXPECT_FALSE(port_.on_trial);
  ASSERT_TRUE(offer("meterlens-linux 8\n"));
  start();
  EXPECT_EQ(port_.version, 8U);
  EXPECT_FALSE(port_.fell_back);
}

TEST_F(ImageFilesTest, WhatIsNoImageOfThisBoardIsNotTaken) {
  for (const char* image : {"", "\n", "meterlens-linux \n", "meterlens-linux 0\n",
                            "meterlens-linux 7x\n", "meterlens-linux 4294967296\n", "ELF 7\n"}) {
    EXPECT_FALSE(offer(image)) << image;
    start();
    EXPECT_EQ(port_.version, 5U);
  }
}

TEST_F(ImageFilesTest, PacketsMayComeInAnyOrder) {
  EXPECT_EQ(port_.erase(port_.context), 1);
  const std::string late(16, 'b'), early(16, 'a');
  EXPECT_TRUE(port_.program(port_.context, 16, late.data(), 16));
  EXPECT_TRUE(port_.program(port_.context, 0, early.data(), 16));
  std::string back(32, ' ');
  EXPECT_TRUE(port_.read(port_.context, 0, back.data(), 32));
  EXPECT_EQ(back, early + late);
  EXPECT_FALSE(port_.read(port_.context, 16, back.data(), 32));
  EXPECT_FALSE(port_.program(port_.context, ImageFiles::image_bytes_max, late.data(), 16));
}

TEST_F(ImageFilesTest, ADamagedStateIsToldAndNotGuessed) {
  std::ofstream(folder_ / "state") << "nonsense";
  EXPECT_FALSE(ImageFiles::open(folder_, 5));
}

}  // namespace
}  // namespace meterlens::boards
