#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/settings.h"

namespace meterlens::app {
namespace {

TEST(NotifySettings, AreAllOffByDefault) {
  const auto settings = parse_settings("", "m.toml");
  ASSERT_TRUE(settings);
  EXPECT_FALSE(settings->notify.home_assistant.enabled);
  EXPECT_FALSE(settings->notify.influxdb.enabled);
  EXPECT_FALSE(settings->notify.email.enabled);
  EXPECT_TRUE(settings->notify.webhooks.empty());
}

TEST(NotifySettings, TakeEverySinkAndItsSecrets) {
  std::string path = (std::filesystem::temp_directory_path() / "secret_XXXXXX").string();
  close(mkstemp(path.data()));
  std::ofstream(path) << "s3cret\nmore\n";
  setenv("METERLENS_TEST_TOKEN", "t0ken", 1);
  const auto settings = parse_settings(
      "[alarms]\nsilent_h = 0\n[estimates]\nnightly = true\nmethod = 'linear'\n"
      "[notify]\nretry_s_max = 9\n[notify.home_assistant]\nenabled = true\n"
      "[[notify.webhook]]\nname = 'a'\nurl = 'http://h/x'\nsecret_file = '" + path + "'\n"
      "[[notify.webhook]]\nname = 'b'\nurl = 'https://h'\nreadings = false\nbatch_max = 1\n"
      "[notify.influxdb]\nenabled = true\norg = 'o'\ntoken_env = 'METERLENS_TEST_TOKEN'\n"
      "[notify.email]\nenabled = true\nfrom = 'm@h'\nto = ['a@h', 'b@h']\ntls = 'none'\n",
      "m.toml");
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_EQ(settings->notify.alarms.silent_h, 0);
  EXPECT_TRUE(settings->notify.estimates.nightly);
  EXPECT_EQ(settings->notify.estimates.method, "linear");
  EXPECT_EQ(settings->notify.retry_s_max, 9);
  EXPECT_TRUE(settings->notify.home_assistant.enabled);
  ASSERT_EQ(settings->notify.webhooks.size(), 2U);
  EXPECT_EQ(settings->notify.webhooks[0].secret, "s3cret");
  EXPECT_FALSE(settings->notify.webhooks[1].readings);
  EXPECT_EQ(settings->notify.influxdb.token, "t0ken");
  EXPECT_EQ(settings->notify.email.to, (std::vector<std::string>{"a@h", "b@h"}));
  chmod(path.c_str(), 0644);
  const auto open = parse_settings("[[notify.webhook]]\nname = 'a'\nurl = 'http://h'\n"
                                   "secret_file = '" + path + "'\n", "m.toml");
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error(), "m.toml:4: secret_file in [[notify.webhook]] names " + path +
                              ", which others may read: chmod 600 it");
  std::filesystem::remove(path);
}

TEST(NotifySettings, SayWhatIsWrong) {
  const auto error = [](const std::string& text) {
    const auto settings = parse_settings(text, "m.toml");
    return settings ? std::string("taken") : settings.error();
  };
  EXPECT_EQ(error("[alarms]\nsilent = 1\n").substr(0, 41),
            "m.toml:2: unknown key silent in [alarms];");
  EXPECT_EQ(error("[notify.email]\nenabled = 1\n"),
            "m.toml:2: enabled in [notify.email] must be true or false");
  EXPECT_EQ(error("[notify.email]\ntls = 'ssl'\n"),
            "m.toml:2: tls in [notify.email] must be one of starttls|tls|none");
  EXPECT_NE(error("[notify.pigeon]\n").find("unknown key pigeon in [notify]"), std::string::npos);
  EXPECT_NE(error("[notify.webhook]\nname='a'\n").find("write [[notify.webhook]]"),
            std::string::npos);
  EXPECT_NE(error("[[notify.webhook]]\nname='a b'\nurl='http://h'\n").find("needs a name"),
            std::string::npos);
  EXPECT_NE(error("[[notify.webhook]]\nname='a'\nurl='ftp://h'\n").find("needs an url"),
            std::string::npos);
  EXPECT_NE(error("[notify.influxdb]\nenabled=true\n").find("needs org"), std::string::npos);
  EXPECT_NE(error("[notify.email]\nenabled=true\nfrom='m@h'\nto=['b c@h']\n").find("addresses"),
            std::string::npos);
  EXPECT_NE(error("[notify.email]\nto='a@h'\n").find("must be a list"), std::string::npos);
  EXPECT_NE(error("[notify.home_assistant]\nenabled=true\ntopic='a/b'\n").find("without /"),
            std::string::npos);
  EXPECT_NE(error("[notify.influxdb]\ntoken_env='METERLENS_NOT_SET'\n").find("is not set"),
            std::string::npos);
  EXPECT_NE(error("[notify.influxdb]\ntoken='x'\n").find("unknown key token"), std::string::npos);
}

}  // namespace
}  // namespace meterlens::app
