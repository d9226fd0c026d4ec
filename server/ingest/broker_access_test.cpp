#include "server/ingest/broker_access.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace meterlens::ingest {
namespace {

bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(BrokerAccess, OpenAsksNobody) {
  const BrokerFiles files;
  const std::string text = configuration_text({}, files);
  EXPECT_TRUE(has(text, "listener 1883 127.0.0.1"));
  EXPECT_TRUE(has(text, "allow_anonymous true"));
  for (const char* word : {"password_file", "acl_file", "certfile", "use_username"})
    EXPECT_EQ(text.find(word), std::string::npos) << word;
}

TEST(BrokerAccess, ClosedNamesItsFilesForEachListener) {
  const BrokerFiles files;
  BrokerSettings settings;
  settings.open = false;
  settings.tls_port = 8883;
  settings.tls_address = "0.0.0.0";
  const std::string text = configuration_text(settings, files);
  EXPECT_TRUE(has(text, "allow_anonymous false"));
  EXPECT_TRUE(has(text, "listener 8883 0.0.0.0\nuse_username_as_clientid true"));
  EXPECT_TRUE(has(text, "listener 1883 127.0.0.1\nuse_username_as_clientid true"));
  EXPECT_TRUE(has(text, "password_file " + files.users.path()));
  EXPECT_TRUE(has(text, "acl_file " + files.topics.path()));
  EXPECT_TRUE(has(text, "keyfile " + files.key.path()));
}

TEST(BrokerAccess, ADeviceHasItsOwnTopicsAlone) {
  const std::string text = topics_text();
  for (const char* line :
       {"pattern write meterlens/%u/up", "pattern write meterlens/%u/status",
        "pattern read meterlens/%u/down", "pattern write +/%u/event", "pattern read +/%u/control"})
    EXPECT_TRUE(has(text, line)) << line;
  EXPECT_TRUE(text.starts_with("user .server\n"));
  EXPECT_EQ(users_text({{"a", "$7$x"}, {"b", "$7$y"}}), "a:$7$x\nb:$7$y\n");
}

TEST(BrokerAccess, AMemoryFileHasWhatWasWrittenLast) {
  MemoryFile file("test");
  for (const char* text : {"a long text", "short", ""}) {
    ASSERT_TRUE(file.write(text));
    std::ifstream in(file.path());
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text);
  }
}

}  // namespace
}  // namespace meterlens::ingest
