// For the tests of the doors: a server that wants to be logged in to, with one user of each role.
#pragma once

#include "server/api/fixture.h"
#include "server/door/secret.h"
#include "server/store/access.h"

namespace meterlens::api {

class DoorsTest : public ApiTest {
 protected:
  static constexpr const char* password = "a long password";
  static constexpr const char* own = "X-Meterlens: 1\r\n";

  void SetUp() override {
    ApiTest::SetUp();
    const std::string hash = door::hash_password(password);
    store::Access access(*store_);
    for (const auto role : {door::Role::viewer, door::Role::reviewer, door::Role::operator_,
                            door::Role::administrator})
      ASSERT_TRUE(access.add_user({door::name(role), role, {}, hash, false, 1, 1}));
    ASSERT_TRUE(access.add_user({"north", door::Role::operator_, {"North"}, hash, false, 1, 1}));
    groups_["m1"] = {"North", "Flats"};
    groups_["m2"] = {"South"};
    for (const char* id : {"m1", "m2"})
      ASSERT_TRUE(store_->watched(id, 1));  // gives each the meter of its own name
    settings_.doors.required = true;
    restart();
  }
  void restart() {
    api_.reset();
    start();
  }

  std::string log_in_answer(const std::string& name, const std::string& word = password) {
    return post(port_, "/api/v1/session",
                json{{"name", name}, {"password", word}}.dump());
  }
  // The headers that its browser sends.
  std::string log_in(const std::string& name, const std::string& word = password) {
    const std::string answer = log_in_answer(name, word);
    EXPECT_EQ(status_of(answer), 200) << answer;
    const std::size_t at = answer.find("Set-Cookie: ");
    if (at == std::string::npos) return "";
    const std::string cookie = answer.substr(at + 12, answer.find(';', at) - at - 12);
    return "Cookie: other=1; " + cookie + "\r\n";
  }
  // Of a token of that user with these scopes.
  std::string token(const std::string& cookie, const json& scopes) {
    const std::string answer = post(port_, "/api/v1/tokens",
                                    json{{"name", "t"}, {"scopes", scopes}}.dump(), cookie + own);
    EXPECT_EQ(status_of(answer), 201) << answer;
    return "Authorization: Bearer " + json::parse(body_of(answer)).value("token", "") + "\r\n";
  }
  json json_of(const std::string& answer) { return json::parse(body_of(answer)); }
};

}  // namespace meterlens::api
