#include "boards/esp32cam/portable/setup.h"

#include <gtest/gtest.h>

#include <string>

namespace meterlens::esp32cam {
namespace {

TEST(Form, IsRead) {
  const auto setup = read_form(
      "ssid=Cellar+5&wifi_password=p%26ss+w%2Brd&broker=mqtts%3A%2F%2Fu%3Ap%40b.lan%3A8884&more=1&"
      "device=m-1");
  ASSERT_TRUE(setup);
  EXPECT_EQ(setup->ssid.view(), "Cellar 5");
  EXPECT_EQ(setup->wifi_password.view(), "p&ss w+rd");
  EXPECT_EQ(setup->broker.view(), "mqtts://u:p@b.lan:8884");
  EXPECT_EQ(setup->device.view(), "m-1");
}

TEST(Form, SaysWhatIsWrong) {
  struct Case {
    const char* why;
    std::string body;
    Flaw flaw;
  };
  const std::string rest = "&broker=mqtt://b&device=m";
  const Case cases[] = {
      {"empty", "", Flaw::ssid},
      {"no network name", "ssid=" + rest, Flaw::ssid},
      {"network name too long", "ssid=" + std::string(33, 'a') + rest, Flaw::ssid},
      {"longest network name", "ssid=" + std::string(32, 'a') + rest, Flaw::none},
      {"open network", "ssid=a&wifi_password=" + rest, Flaw::none},
      {"short password", "ssid=a&wifi_password=1234567" + rest, Flaw::wifi_password},
      {"longest password", "ssid=a&wifi_password=" + std::string(63, '1') + rest, Flaw::none},
      {"password too long", "ssid=a&wifi_password=" + std::string(64, '1') + rest,
       Flaw::wifi_password},
      {"password of other letters", "ssid=a&wifi_password=1234567%C3%A4" + rest,
       Flaw::wifi_password},
      {"a zero byte", "ssid=a%00b" + rest, Flaw::ssid},
      {"an escape cut", "ssid=a%4" + rest, Flaw::ssid},
      {"an escape of other letters", "ssid=a%4g" + rest, Flaw::ssid},
      {"a field twice", "ssid=a&ssid=b" + rest, Flaw::form},
      {"no broker", "ssid=a&device=m", Flaw::broker},
      {"a broker of another kind", "ssid=a&broker=http://b&device=m", Flaw::broker},
      {"no device", "ssid=a&broker=mqtt://b", Flaw::device},
      {"a device with a slash", "ssid=a&broker=mqtt://b&device=a%2Fb", Flaw::device},
      {"too long", "ssid=a" + rest + "&x=" + std::string(form_bytes_max, 'x'), Flaw::form},
  };
  for (const Case& c : cases) {
    const auto setup = read_form(c.body);
    EXPECT_EQ(setup ? Flaw::none : setup.error(), c.flaw) << c.why;
  }
}

TEST(Broker, IsRead) {
  struct Case {
    const char* url;
    bool tls;
    const char *user, *password, *host;
    int port;
  };
  const Case cases[] = {
      {"mqtt://b", false, "", "", "b", 1883},
      {"mqtts://b.example", true, "", "", "b.example", 8883},
      {"mqtt://10.0.0.7:21883", false, "", "", "10.0.0.7", 21883},
      {"mqtt://u@b:1", false, "u", "", "b", 1},
      {"mqtts://u:p@b", true, "u", "p", "b", 8883},
      {"mqtt://u:p%40%3A:q@b", false, "u", "p@::q", "b", 1883},
      {"mqtt://u:a@b@c", false, "u", "a@b", "c", 1883},
  };
  for (const Case& c : cases) {
    const auto address = read_broker(c.url);
    ASSERT_TRUE(address) << c.url;
    EXPECT_EQ(address->tls, c.tls) << c.url;
    EXPECT_EQ(address->user.view(), c.user) << c.url;
    EXPECT_EQ(address->password.view(), c.password) << c.url;
    EXPECT_EQ(address->host.view(), c.host) << c.url;
    EXPECT_EQ(address->port, c.port) << c.url;
  }
}

TEST(Broker, IsRefused) {
  const std::string cases[] = {"",
                               "b",
                               "mqtt:/b",
                               "mqtt://",
                               "mqtt://:1883",
                               "mqtt://b:",
                               "mqtt://b:0",
                               "mqtt://b:65536",
                               "mqtt://b:1x",
                               "mqtt://@b",
                               "mqtt://:p@b",
                               "mqtt://u:p@",
                               "mqtt://b/path",
                               "mqtt://a b",
                               "MQTT://b",
                               "ws://b",
                               "mqtt://-b",
                               "mqtt://.b",
                               "mqtt://u%zz@b",
                               "mqtt://b\"",
                               "mqtt://" + std::string(129, 'h'),
                               "mqtt://" + std::string(129, 'u') + "@b",
                               "mqtt://u:" + std::string(400, 'p') + "@b"};
  for (const std::string& url : cases) EXPECT_FALSE(read_broker(url)) << url;
  EXPECT_TRUE(read_broker("mqtt://" + std::string(128, 'h')));
}

TEST(Version, RisesWithReleases) {
  EXPECT_EQ(version_number("2.14.3"), 2014003U);
  EXPECT_EQ(version_number("0.0.1"), 1U);
  EXPECT_LT(version_number("1.999.999"), version_number("2.0.0"));
  for (const char* text :
       {"", "1", "1.2", "1.2.3.4", "1.2.", ".2.3", "1.2.3-dirty", "1.2.1000", "v1.2.3", "1.-2.3"})
    EXPECT_EQ(version_number(text), 0U) << text;
}

}  // namespace
}  // namespace meterlens::esp32cam
