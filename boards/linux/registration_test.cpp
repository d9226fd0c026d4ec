#include "boards/linux/registration.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace meterlens::boards {
namespace {

class RegistrationTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name =
        (std::filesystem::temp_directory_path() / "registration_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(RegistrationTest, NothingIsAskedWithoutAServer) {
  EXPECT_EQ(registered_password(folder_ / "none", "m1", {}).value(), "");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "none"));
}

TEST_F(RegistrationTest, AKeptPasswordAsksNobody) {
  std::ofstream(folder_ / "password") << "given-by-hand\n";
  EXPECT_EQ(registered_password(folder_, "m1", {"http://127.0.0.1:1", "P", "s", ""}).value(),
            "given-by-hand");
}

TEST_F(RegistrationTest, AFolderThatCannotBeIsNamed) {
  std::ofstream(folder_ / "file") << "x";
  const RegistrationOptions options{"http://127.0.0.1:1", "P", "s", ""};
  const auto got = registered_password(folder_ / "file", "m1", options);
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().find("cannot be written"), std::string::npos) << got.error();
}

}  // namespace
}  // namespace meterlens::boards
