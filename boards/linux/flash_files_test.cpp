#include "boards/linux/flash_files.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <string>
#include <vector>

namespace meterlens::boards {
namespace {

// A folder that is gone after the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "flash_XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

TEST(FlashFiles, KeepsTheSettings) {
  const Folder folder;
  const std::string data = "the settings";
  std::string out(16, 'x');
  const auto flash = FlashFiles::open(folder.path);
  ASSERT_TRUE(flash) << flash.error();
  const MeterlensAreas areas = (*flash)->areas();
  ASSERT_TRUE(areas.read(areas.context, 1, out.data(), 16));
  EXPECT_EQ(out, std::string(16, '\xFF'));
  ASSERT_TRUE(areas.write(areas.context, 1, data.data(), 12));
  ASSERT_TRUE(areas.read(areas.context, 1, out.data(), 16));
  EXPECT_EQ(out, data + std::string(4, '\xFF'));
}

TEST(FlashFiles, TellsACrashFromAStop) {
  const Folder folder;
  const auto open = [&] { return *FlashFiles::open(folder.path); };
  EXPECT_EQ(open()->run().reset_cause(), METERLENS_RESET_UNKNOWN);
  auto flash = open();
  EXPECT_EQ(flash->run().reset_cause(), METERLENS_RESET_CRASH);
  flash->run().ended();
  flash.reset();
  EXPECT_EQ(open()->run().reset_cause(), METERLENS_RESET_RESTART);
}

TEST(FlashFiles, ARestartThatWasPlannedIsNoCrash) {
  const Folder folder;
  auto flash = *FlashFiles::open(folder.path);
  int restarts = 0;
  MeterlensPower real{};
  real.context = &restarts;
  real.restart = [](void* count) { ++*static_cast<int*>(count); };
  const MeterlensPower power = flash->run().ending(real);
  power.restart(power.context);
  EXPECT_EQ(restarts, 1);
  flash.reset();
  flash = *FlashFiles::open(folder.path);
  EXPECT_EQ(flash->run().reset_cause(), METERLENS_RESET_RESTART);
  EXPECT_EQ(flash->run().ending({}).restart, nullptr);
}

TEST(FlashFiles, KeepsWhatWasProgrammed) {
  const Folder folder;
  const std::string data = "sixteen bytes !!";
  {
    const auto flash = FlashFiles::open(folder.path / "deep" / "er");
    ASSERT_TRUE(flash) << flash.error();
    EXPECT_EQ((*flash)->erase(3), 1);
    EXPECT_TRUE((*flash)->program(3, 128, data.data(), 16));
    EXPECT_TRUE((*flash)->program(3, 0, data.data(), 16));
  }
  const auto flash = FlashFiles::open(folder.path / "deep" / "er");
  ASSERT_TRUE(flash);
  std::vector<char> out(200);
  ASSERT_TRUE((*flash)->read(3, 0, out.data(), 200));
  EXPECT_EQ(std::string(out.data(), 16), data);
  EXPECT_EQ(std::string(out.data() + 16, 112), std::string(112, '\xFF'));
  EXPECT_EQ(std::string(out.data() + 128, 16), data);
  EXPECT_EQ(std::string(out.data() + 144, 56), std::string(56, '\xFF'));
}

TEST(FlashFiles, ErasedReadsAsErased) {
  const Folder folder;
  const auto flash = FlashFiles::open(folder.path);
  ASSERT_TRUE(flash);
  EXPECT_TRUE((*flash)->program(0, 0, "x", 1));
  EXPECT_EQ((*flash)->erase(0), 1);
  EXPECT_EQ((*flash)->erase(0), 1);
  unsigned char byte = 0;
  ASSERT_TRUE((*flash)->read(0, 5, &byte, 1));
  EXPECT_EQ(byte, 0xFF);
}

TEST(FlashFiles, HasOneUser) {
  const Folder folder;
  const auto first = FlashFiles::open(folder.path);
  ASSERT_TRUE(first);
  const auto second = FlashFiles::open(folder.path);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("another camera"), std::string::npos);
}

TEST(FlashFiles, SaysWhyItCannot) {
  const Folder folder;
  std::ofstream(folder.path / "file") << "x";
  const auto flash = FlashFiles::open(folder.path / "file");
  ASSERT_FALSE(flash);
  EXPECT_NE(flash.error().find("file"), std::string::npos);
}

}  // namespace
}  // namespace meterlens::boards
