#include "server/second/keys.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace meterlens::second {
namespace {

namespace fs = std::filesystem;

class KeysTest : public testing::Test {
 protected:
  KeysTest() {
    std::string name = (fs::temp_directory_path() / "keys_test_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    unsetenv(key_variable);
    unsetenv(secret_variable);
  }
  ~KeysTest() override { fs::remove_all(folder_); }
  std::string file(const std::string& text, mode_t mode) {
    const fs::path path = folder_ / "keys";
    std::ofstream(path, std::ios::binary) << text;
    chmod(path.c_str(), mode);
    return path.string();
  }
  fs::path folder_;
};

TEST_F(KeysTest, come_from_a_file_of_the_owner_alone) {
  const auto keys = load_keys(file("the-key\r\nthe-secret\n", 0600));
  ASSERT_TRUE(keys) << keys.error();
  EXPECT_EQ(keys->key, "the-key");
  EXPECT_EQ(keys->secret, "the-secret");
  for (const mode_t mode : {0640U, 0604U, 0660U, 0644U, 0601U}) {
    const auto refused = load_keys(file("the-key\nthe-secret\n", mode));
    ASSERT_FALSE(refused) << mode;
    EXPECT_NE(refused.error().find("chmod 600"), std::string::npos) << refused.error();
    EXPECT_EQ(refused.error().find("the-secret"), std::string::npos);
  }
}

TEST_F(KeysTest, are_refused_when_they_are_none_without_being_shown) {
  for (const char* text :
       {"", "the-key", "the-key\n\n", "the key\nthe-secret\n", "\nthe-secret\n"}) {
    const auto keys = load_keys(file(text, 0600));
    ASSERT_FALSE(keys) << text;
    EXPECT_EQ(keys.error().find("the-"), std::string::npos) << keys.error();
  }
  EXPECT_FALSE(load_keys(file(std::string(300, 'k') + "\ns\n", 0600)));
  EXPECT_FALSE(load_keys((folder_ / "missing").string()));
  EXPECT_FALSE(load_keys(folder_.string()));
}

TEST_F(KeysTest, come_from_the_environment_when_no_file_is_named) {
  EXPECT_FALSE(load_keys(""));
  setenv(key_variable, "env-key", 1);
  EXPECT_FALSE(load_keys("")) << "both are needed";
  setenv(secret_variable, "env-secret", 1);
  const auto keys = load_keys("");
  ASSERT_TRUE(keys) << keys.error();
  EXPECT_EQ(keys->secret, "env-secret");
  unsetenv(key_variable);
  unsetenv(secret_variable);
}

}  // namespace
}  // namespace meterlens::second
