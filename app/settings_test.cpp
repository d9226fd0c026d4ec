#include "app/settings.h"

#include <gtest/gtest.h>

namespace meterlens::app {
namespace {

TEST(Settings, NeedNoFileAndNoKey) {
  const auto settings = parse_settings("", "empty.toml");
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_EQ(settings->http_port, 8080);
  EXPECT_EQ(settings->http_address, "127.0.0.1");
  EXPECT_EQ(settings->broker_port, 1883);
  EXPECT_TRUE(settings->broker_embedded);
  EXPECT_EQ(settings->storage_photo_folder, "public/images");
}

TEST(Settings, TakeWhatIsWritten) {
  const auto settings = parse_settings(
      "[http]\nport = 9000 # other\n[broker]\nembedded = false\naddress = \"10.0.0.1\"\n"
      "[log]\nlevel = 'warn'\n", "a.toml");
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_EQ(settings->http_port, 9000);
  EXPECT_FALSE(settings->broker_embedded);
  EXPECT_EQ(settings->broker_address, "10.0.0.1");
  EXPECT_EQ(settings->log_level, "warn");
}

TEST(Settings, PrintADefaultFileThatChangesNothing) {
  const std::string text = default_settings_text();
  const auto settings = parse_settings(text, "printed.toml");
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_NE(text.find("[http]\n# where the console"), std::string::npos) << text;
  EXPECT_NE(text.find("# 1 to 65535\nport = 8080\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# debug|info|warn|error\nlevel = \"info\"\n"), std::string::npos) << text;
}

struct Wrong {
  const char* text;
  const char* error;
};

class WrongSettings : public testing::TestWithParam<Wrong> {};

TEST_P(WrongSettings, NameFileLineAndRemedy) {
  const auto settings = parse_settings(GetParam().text, "m.toml");
  ASSERT_FALSE(settings) << GetParam().text;
  EXPECT_EQ(settings.error().substr(0, std::string(GetParam().error).size()), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(Table, WrongSettings, testing::Values(
    Wrong{"[http]\n\nprot = 8080\n",
          "m.toml:3: unknown key prot in [http]; the nearest known key is port in [http]"},
    Wrong{"[broker]\nphoto_foldr = 'x'",
          "m.toml:2: unknown key photo_foldr in [broker]; the nearest known key is photo_folder in "
          "[storage]"},
    Wrong{"[htpt]\nport = 1", "m.toml:1: unknown table [htpt]; the nearest known table is [http]"},
    Wrong{"prot = 1",
          "m.toml:1: unknown key prot outside of a table; the nearest known key is port"},
    Wrong{"[[http]]\nport = 1", "m.toml:1: unknown key http outside of a table"},
    Wrong{"[http]\nport = 'x'", "m.toml:2: port in [http] must be a whole number from 1 to 65535"},
    Wrong{"[http]\nport = 0", "m.toml:2: port in [http] must be a whole number from 1 to 65535"},
    Wrong{"[http]\nport = 65536", "m.toml:2: port in [http] must be"},
    Wrong{"[http]\nport = 80.5", "m.toml:2: port in [http] must be"},
    Wrong{"[http]\naddress = 1", "m.toml:2: address in [http] must be a text"},
    Wrong{"[broker]\nembedded = 1", "m.toml:2: embedded in [broker] must be true or false"},
    Wrong{"[log]\nlevel = 'loud'",
          "m.toml:2: level in [log] must be one of debug|info|warn|error"},
    Wrong{"[log]\nlevel = 'info|warn'", "m.toml:2: level in [log] must be one of"},
    Wrong{"[http]\nport = \n", "m.toml:2: not TOML: "},
    Wrong{"[http\n", "m.toml:1: not TOML: "},
    Wrong{"\xff\xfe", "m.toml:1: not TOML: "}));

TEST(Settings, SayWhereTheFileIsMissing) {
  const auto settings = load_settings("/no/such/file.toml");
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error(), "cannot read the settings /no/such/file.toml; `meterlens config` "
                              "prints a file to begin with");
}

}  // namespace
}  // namespace meterlens::app
