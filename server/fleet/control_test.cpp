#include "server/fleet/control.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace meterlens::fleet {
namespace {

using nlohmann::json;
using enum ControlKind;

TEST(Control, PayloadsAreWhatASmartDtuObeys) {
  struct Case {
    ControlKind kind;
    const char* body;
    const char* payload;
  };
  for (const auto& [kind, body, payload] : {
           Case{gpio, R"({"gpio1":1,"gpio14":0})", R"({"gpio":{"gpio1":1,"gpio14":0}})"},
           Case{uart, R"({"uart":2,"baud_rate":9600,"parity":1})",
                R"({"uart2":{"config":{"baud_rate":9600,"parity":1}}})"},
           Case{timer, R"({"timer":3,"period_ms":60000})",
                R"({"timer3":{"status":1,"period":60000,"mode":1,"callback":"aht10,gpio"}})"},
           Case{timer, R"({"timer":1,"enabled":false,"period_ms":1000,"repeat":false,
                           "callback":["gpio"]})",
                R"({"timer1":{"status":0,"period":1000,"mode":0,"callback":"gpio"}})"},
           Case{fota, R"({"firmware":"http://a/b"})", R"({"fota":{"mode":1,"url":"http://a/b"}})"},
           Case{fota, R"({"files":["http://a/b","http://a/c"]})",
                R"({"fota":{"mode":0,"url":"http://a/b,http://a/c"}})"},
           Case{send, R"({"uart":1,"payload":{"x":[1,null]}})",
                R"({"uart1":{"payload":{"x":[1,null]}}})"},
           Case{send, R"({"uart":0,"payload":"text"})", R"({"uart0":{"payload":"text"}})"},
       }) {
    const auto made = payload_of(kind, body);
    ASSERT_TRUE(made) << body << made.error();
    EXPECT_EQ(json::parse(*made), json::parse(payload));
  }
}

TEST(Control, WhatTheDeviceWouldNotObeyIsRefused) {
  struct Case {
    ControlKind kind;
    std::string body;
  };
  for (const auto& [kind, body] : {
           Case{gpio, "[]"}, Case{gpio, "{"}, Case{gpio, "{}"}, Case{gpio, R"({"gpio0":1})"},
           Case{gpio, R"({"gpio1":2})"}, Case{gpio, R"({"gpio1":true})"},
           Case{gpio, R"({"gpio1":1,"pwm":1})"}, Case{uart, R"({"uart":3,"baud_rate":9600})"},
           Case{uart, R"({"uart":1})"}, Case{uart, R"({"uart":1,"baud_rate":9600.5})"},
           Case{uart, R"({"uart":1,"speed":9600})"}, Case{timer, R"({"timer":1})"},
           Case{timer, R"({"timer":4,"period_ms":1000})"},
           Case{timer, R"({"timer":1,"period_ms":1000,"callback":["rm"]})"},
           Case{timer, R"({"timer":1,"period_ms":1000,"callback":[]})"},
           Case{timer, R"({"timer":1,"period_ms":99999999999999999999})"},
           Case{fota, R"({"firmware":"https://a/b"})"}, Case{fota, R"({"firmware":"http://a,b"})"},
           Case{fota, R"({"files":[]})"}, Case{fota, R"({"files":"http://a/b"})"},
           Case{fota, R"({"firmware":"http://a/b","files":[]})"},
           Case{send, R"({"uart":1,"payload":0})"}, Case{send, R"({"uart":1,"payload":{}})"},
           Case{send, R"({"uart":1,"payload":""})"}, Case{send, R"({"uart":"1","payload":1})"},
           Case{send, R"({"payload":1})"},
           Case{send, R"({"uart":1,"payload":")" + std::string(5000, 'x') + R"("})"},
       }) {
    EXPECT_FALSE(payload_of(kind, body)) << body;
  }
}

TEST(Control, OnlyAsciiGoesOut) {
  const auto made = payload_of(send, "{\"uart\":1,\"payload\":\"\xe4\xb8\x89\"}");
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, R"({"uart1":{"payload":"\u4e09"}})");
}

TEST(Control, AStateThatShowsItConfirmsIt) {
  const auto control = [](ControlKind kind, const char* body) {
    Control out;
    out.kind = kind;
    out.payload = payload_of(kind, body).value();
    return out;
  };
  const auto pin = control(gpio, R"({"gpio2":1})");
  EXPECT_TRUE(confirms(pin, R"({"gpio":{"gpio1":0,"gpio2":1}})"));
  EXPECT_FALSE(confirms(pin, R"({"gpio":{"gpio1":0,"gpio2":0}})"));
  EXPECT_FALSE(confirms(pin, R"({"modem":{}})"));
  EXPECT_FALSE(confirms(pin, "no JSON"));
  const auto speed = control(uart, R"({"uart":1,"baud_rate":9600})");
  EXPECT_TRUE(confirms(speed, R"({"uart1":{"baud_rate":9600,"data_bits":8}})"));
  EXPECT_TRUE(confirms(speed, R"({"uart1":{"config":{"baud_rate":9600}}})"));
  EXPECT_FALSE(confirms(speed, R"({"uart1":{"baud_rate":115200}})"));
  EXPECT_FALSE(confirms(speed, R"({"uart1":7})"));
  EXPECT_FALSE(confirms(control(send, R"({"uart":1,"payload":1})"), R"({"uart1":{"payload":1}})"));
}

TEST(Control, WhatIsNotAnsweredEndsWhenItIsSent) {
  EXPECT_TRUE(is_final(send, ControlState::sent));
  EXPECT_TRUE(is_final(fota, ControlState::sent));
  EXPECT_FALSE(is_final(gpio, ControlState::sent));
  EXPECT_FALSE(is_final(send, ControlState::queued));
  EXPECT_TRUE(is_final(gpio, ControlState::unconfirmed));
}

}  // namespace
}  // namespace meterlens::fleet
