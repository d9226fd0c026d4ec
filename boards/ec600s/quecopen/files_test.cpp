// Areas and settings file over the stand-in's folder.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "boards/ec600s/quecopen/board.h"
#include "boards/ec600s/quecopen/stand_in/stand_in.h"

namespace meterlens::boards {
namespace {

using Buffer = std::vector<std::uint8_t>;

class ModuleFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "files_XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    quecopen::use_folder(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Buffer area(std::uint8_t number, std::uint32_t bytes) {
    Buffer out(bytes, 0x11);
    EXPECT_TRUE(areas_.read(areas_.context, number, out.data(), bytes));
    return out;
  }
  bool write(std::uint8_t number, const Buffer& data) {
    return areas_.write(areas_.context, number, data.data(),
                        static_cast<std::uint32_t>(data.size()));
  }

  std::string folder_;
  MeterlensAreas areas_ = meterlens_files_areas();
};

TEST_F(ModuleFiles, AnAreaNeverWrittenIsErased) {
  EXPECT_GE(areas_.bytes, 512U);
  EXPECT_EQ(area(0, 512), Buffer(512, 0xFF));
}

TEST_F(ModuleFiles, AreasAreReplacedAndApart) {
  EXPECT_TRUE(write(0, Buffer(300, 1)));
  EXPECT_TRUE(write(1, Buffer(400, 2)));
  EXPECT_TRUE(write(0, Buffer(100, 3)));
  Buffer expected(100, 3);
  expected.resize(512, 0xFF);
  EXPECT_EQ(area(0, 512), expected);
  EXPECT_EQ(area(1, 400), Buffer(400, 2));
}

TEST_F(ModuleFiles, OutOfRange) {
  Buffer data(areas_.bytes + 1);
  EXPECT_FALSE(write(2, Buffer(4)));
  EXPECT_FALSE(write(0, data));
  EXPECT_FALSE(areas_.read(areas_.context, 2, data.data(), 4));
  EXPECT_FALSE(areas_.read(areas_.context, 0, data.data(), areas_.bytes + 1));
}

TEST_F(ModuleFiles, NoFolderIsNoWrite) {
  quecopen::use_folder(folder_ + "/none");
  EXPECT_FALSE(write(0, Buffer(4)));
  EXPECT_EQ(area(0, 16), Buffer(16, 0xFF));
}

TEST_F(ModuleFiles, SettingsFile) {
  std::array<char, 8> out{};
  EXPECT_EQ(meterlens_files_read("meterlens.txt", out.data(), out.size()), -1);
  std::ofstream(folder_ + "/meterlens.txt") << "0123456789";
  EXPECT_EQ(meterlens_files_read("meterlens.txt", out.data(), out.size()), 8);
  EXPECT_EQ(meterlens_files_read(std::string(80, 'a').c_str(), out.data(), out.size()), -1);
}

TEST(ModuleClock, IsTheNetworksInUtc) {
  const auto now_ms = static_cast<std::uint64_t>(std::time(nullptr)) * 1000;
  const std::uint64_t told_ms = meterlens_network_unix_ms();
  EXPECT_GE(told_ms, now_ms);
  EXPECT_LE(told_ms, now_ms + 2000);
}

}  // namespace
}  // namespace meterlens::boards
