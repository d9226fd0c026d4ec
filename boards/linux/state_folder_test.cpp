#include "boards/linux/state_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <fstream>

namespace meterlens::boards {
namespace {

namespace fs = std::filesystem;

class StateFolderTest : public testing::Test {
 protected:
  StateFolderTest() {
    std::string name = (fs::temp_directory_path() / "state_test_XXXXXX").string();
    folder_ = fs::path(mkdtemp(name.data())) / "m1";
  }
  ~StateFolderTest() override { fs::remove_all(folder_.parent_path()); }
  std::unique_ptr<StateFolder> open() { return *StateFolder::open(folder_); }

  fs::path folder_;
};

TEST_F(StateFolderTest, AreasSurviveAndBeginErased) {
  std::array<std::uint8_t, 4> bytes{};
  auto state = open();
  MeterlensAreas areas = state->areas();
  ASSERT_TRUE(areas.read(areas.context, 1, bytes.data(), 4));
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 4>{0xFF, 0xFF, 0xFF, 0xFF}));
  ASSERT_TRUE(areas.write(areas.context, 1, "abc", 3));
  state.reset();
  state = open();
  areas = state->areas();
  ASSERT_TRUE(areas.read(areas.context, 1, bytes.data(), 4));
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 4>{'a', 'b', 'c', 0xFF}));
}

TEST_F(StateFolderTest, KnowsHowTheLastProgramEnded) {
  EXPECT_EQ(open()->run().reset_cause(), METERLENS_RESET_UNKNOWN);
  auto state = open();
  EXPECT_EQ(state->run().reset_cause(), METERLENS_RESET_CRASH);
  state->run().ended();
  state.reset();
  EXPECT_EQ(open()->run().reset_cause(), METERLENS_RESET_RESTART);
  std::ofstream(folder_ / "run") << "00000000-another-boot\n";
  EXPECT_EQ(open()->run().reset_cause(), METERLENS_RESET_POWER_ON);
}

TEST_F(StateFolderTest, IsForOneProgram) {
  const auto state = open();
  const auto second = StateFolder::open(folder_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("another program"), std::string::npos);
  EXPECT_FALSE(StateFolder::open("/dev/null/x"));
}

}  // namespace
}  // namespace meterlens::boards
