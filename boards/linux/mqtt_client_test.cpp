#include "boards/linux/mqtt_client.h"

#include <gtest/gtest.h>

namespace meterlens::boards {
namespace {

TEST(ParseBroker, ReadsEveryForm) {
  struct Case {
    const char* url;
    BrokerAddress expected;
  };
  for (const Case& c : {Case{"mqtt://host", {"host", 1883, "", ""}},
                        Case{"mqtt://127.0.0.1:18831", {"127.0.0.1", 18831, "", ""}},
                        Case{"mqtt://host:1/", {"host", 1, "", ""}},
                        Case{"mqtt://[::1]:1884", {"::1", 1884, "", ""}},
                        Case{"mqtt://[::1]", {"::1", 1883, "", ""}},
                        Case{"mqtt://me:se:cret@host:5", {"host", 5, "me", "se:cret"}},
                        Case{"mqtts://host", {"host", 8883, "", "", true}},
                        Case{"mqtts://host:1", {"host", 1, "", "", true}},
                        Case{"mqtt://me@host", {"host", 1883, "me", ""}}}) {
    const auto broker = parse_broker(c.url);
    ASSERT_TRUE(broker) << c.url;
    EXPECT_EQ(broker->host, c.expected.host);
    EXPECT_EQ(broker->port, c.expected.port) << c.url;
    EXPECT_EQ(broker->user, c.expected.user);
    EXPECT_EQ(broker->password, c.expected.password);
  }
}

TEST(ParseBroker, RefusesTheRest) {
  for (const char* url : {"", "host", "http://host", "mqtt://", "mqtt://:1883", "mqtt://host:",
                          "mqtt://host:0", "mqtt://host:65536", "mqtt://host:12x", "mqtt://[::1"})
    EXPECT_FALSE(parse_broker(url)) << url;
}

TEST(HidePassword, OverwritesItAndNothingElse) {
  const struct {
    std::string word, hidden;
  } table[] = {{"mqtt://me:se:c@ret@host:5", "mqtt://me:********@host:5"},
               {"--broker=mqtts://me:x@host", "--broker=mqtts://me:*@host"},
               {"mqtt://me@host:5", "mqtt://me@host:5"},
               {"mqtt://host:1883", "mqtt://host:1883"},
               {"m1=/dev/ttyUSB0", "m1=/dev/ttyUSB0"},
               {"a:b@c", "a:b@c"},
               {"", ""}};
  for (const auto& [word, hidden] : table) {
    std::string text = word;
    hide_password(text.data());
    EXPECT_EQ(text, hidden);
  }
}

}  // namespace
}  // namespace meterlens::boards
