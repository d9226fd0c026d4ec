#include "app/user.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "server/door/secret.h"
#include "server/store/access.h"

namespace meterlens::app {
namespace {

class UserTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "user_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    options_.config = (folder_ / "a.toml").string();
    std::ofstream(options_.config) << "[storage]\ndata_folder = '" << name << "'\n";
    ASSERT_TRUE(open());
    options_.name = "ana";
    options_.role = "administrator";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<store::Store> open() const {
    auto store = store::Store::open((folder_ / "meterlens.db").string());
    return store ? *std::move(store) : nullptr;
  }
  // Runs one subcommand; what it printed.
  std::string said(int (*run)(const UserOptions&), int status = 0) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(run(options_), status);
    std::fflush(stdout);
    return testing::internal::GetCapturedStdout();
  }

  std::filesystem::path folder_;
  UserOptions options_;
};

TEST_F(UserTest, IsMadeListedAndChanged) {
  std::string password = said(user_add);
  password.pop_back();
  auto store = open();
  store::Access access(*store);
  EXPECT_TRUE(door::is_password(access.user("ana")->password_hash, password));
  EXPECT_NE(said(user_list).find("ana                  administrator  enabled"),
            std::string::npos);
  EXPECT_EQ(said(user_add, 1), "") << "twice";
  EXPECT_EQ(said(user_disable, 1), "") << "the last administrator";
  std::string other = said(user_password);
  other.pop_back();
  EXPECT_TRUE(door::is_password(access.user("ana")->password_hash, other));
  options_.name = "bob";
  said(user_add);
  said(user_disable);
  EXPECT_TRUE(access.user("bob")->disabled);
  said(user_enable);
  EXPECT_FALSE(access.user("bob")->disabled);
  const auto entries = access.entries(0, 100);
  ASSERT_EQ(entries->size(), 5U);
  EXPECT_EQ(entries->front().method, "enable");
  EXPECT_EQ(entries->front().who, "command line");
}

TEST_F(UserTest, WhatIsWrongIsRefused) {
  options_.role = "root";
  said(user_add, 1);
  options_.role = "viewer";
  options_.name = "../x";
  said(user_add, 1);
  options_.name = "nobody";
  said(user_password, 1);
  said(user_disable, 1);
}

}  // namespace
}  // namespace meterlens::app
