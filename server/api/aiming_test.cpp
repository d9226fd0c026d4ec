// Aiming through a running server.
#include "server/api/fixture.h"

namespace meterlens::api {
namespace {

class AimingTest : public ApiTest {};

TEST_F(AimingTest, AsksTheCamera) {
  EXPECT_EQ(status_of(post(port_, "/api/v1/devices/m1/aim", "")), 202);
  EXPECT_EQ(status_of(post(port_, "/api/v1/devices/m1/aim", R"({"seconds":0,"period_ms":200})")),
            202);
  ASSERT_EQ(aimed_.size(), 2U);
  EXPECT_EQ(aimed_[0].seconds, 120);
  EXPECT_EQ(aimed_[0].period_ms, 1500);
  EXPECT_EQ(aimed_[1].seconds, 0);
  EXPECT_EQ(aimed_[1].period_ms, 200);
}

TEST_F(AimingTest, WhatIsWrongIsNamed) {
  for (const char* body : {"[]", "{", R"({"seconds":-1})", R"({"seconds":3601})",
                           R"({"period_ms":199})", R"({"period_ms":1e99})", R"({"period_ms":"1"})",
                           R"({"minutes":1})"}) {
    EXPECT_EQ(status_of(post(port_, "/api/v1/devices/m1/aim", body)), 400) << body;
  }
  EXPECT_EQ(status_of(post(port_, "/api/v1/devices/full/aim", "")), 409);
  EXPECT_EQ(status_of(post(port_, "/api/v1/devices/.x/aim", "")), 404);
  EXPECT_EQ(status_of(post(port_, "/api/v1/devices/m1/aim", "", "Origin: http://evil\r\n")), 403);
  EXPECT_TRUE(aimed_.empty());
}

TEST_F(AimingTest, ShowsTheNewestFrame) {
  const std::string path = "/api/v1/devices/m1/view.jpg";
  EXPECT_EQ(code_of(get(port_, path)), "no_view");
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices/nobody/view.jpg")), 404);
  view_ = photo::View{7, 5, {0xFF, 0xD8, 1}};
  const std::string answer = get(port_, path);
  ASSERT_EQ(status_of(answer), 200);
  EXPECT_EQ(body_of(answer), "\xFF\xD8\x01");
  const std::size_t at = answer.find("ETag: ") + 6;
  const std::string tag = answer.substr(at, answer.find("\r\n", at) - at);
  EXPECT_EQ(status_of(get(port_, path, "If-None-Match: " + tag + "\r\n")), 304);
}

}  // namespace
}  // namespace meterlens::api
