// Two windows that edit the same thing: the second is refused, and nothing is lost.
#include "server/api/fixture.h"

namespace meterlens::api {
namespace {

class EditsTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    ASSERT_TRUE(store_->watched("m1", 1));  // gives it the meter of its own name
    for (const auto& [path, body] :
         {std::pair{"/schedules", R"({"name":"nights","cron":"0 2 * * *"})"},
          std::pair{"/profiles", R"({"name":"day","camera":{"frame_size":4}})"},
          std::pair{"/users", R"({"name":"ann","role":"viewer","password":"a long password"})"}}) {
      const std::string made = post(port_, std::string("/api/v1") + path, body);
      ASSERT_EQ(status_of(made), 201) << made;
    }
  }
  // Empty: none.
  static std::string tag_of(const std::string& answer) {
    const std::size_t at = answer.find("ETag: ");
    if (at == std::string::npos) return "";
    return answer.substr(at + 6, answer.find('\r', at) - at - 6);
  }
  std::string seen(const std::string& path) { return tag_of(get(port_, "/api/v1" + path)); }
  std::string edit(const char* method, const std::string& path, const std::string& body,
                   const std::string& tag = "") {
    return send(method, port_, "/api/v1" + path, body,
                tag.empty() ? "" : "If-Match: " + tag + "\r\n");
  }
};

struct Thing {
  const char* method;
  const char* path;
  const char* body;
};
// What people edit; the bodies name no version.
constexpr Thing things[] = {
    {"PATCH", "/meters/m1", R"({"place":"cellar"})"},
    {"PUT", "/meters/m1/tags", R"({"group":"berlin","labels":{}})"},
    {"PUT", "/meters/m1/second", R"({"policy":"baidu"})"},
    {"PATCH", "/watches/1", R"({"region":null})"},
    {"PATCH", "/readings/1", R"({"verdict":"rejected","reason":"blurred"})"},
    {"PATCH", "/devices/m1", R"({"remark":"behind the boiler"})"},
    {"PUT", "/devices/m1/tags", R"({"group":"berlin","labels":{}})"},
    {"PUT", "/devices/m1/settings/camera", R"({"frame_size":5})"},
    {"PUT", "/devices/m1/settings/dtu", R"({"capture_period_s":3600})"},
    {"PUT", "/schedules/1", R"({"enabled":false})"},
    {"PUT", "/profiles/1", R"({"name":"night"})"},
    {"PATCH", "/users/ann", R"({"role":"reviewer"})"},
};

TEST_F(EditsTest, OfTwoWindowsWithTheSameETagTheSecondIsRefused) {
  for (const auto& [method, path, body] : things) {
    const std::string both = seen(path);
    ASSERT_FALSE(both.empty()) << path;
    const std::string first = edit(method, path, body, both);
    EXPECT_LT(status_of(first), 300) << path << ": " << first;
    const std::string second = edit(method, path, body, both);
    EXPECT_EQ(status_of(second), 412) << path << ": " << second;
    EXPECT_EQ(code_of(second), "precondition_failed") << path;
    EXPECT_NE(seen(path), both) << path;
    EXPECT_EQ(tag_of(first), seen(path)) << path << ": the first may go on from its answer";
    const std::string again = edit(method, path, body, seen(path));
    EXPECT_LT(status_of(again), 300) << path << ": " << again;
  }
}

TEST_F(EditsTest, AnEditWithoutAVersionMakesTheOthersOld) {
  for (const char* path : {"/meters/m1/second", "/devices/m1", "/users/ann"}) {
    const auto* thing = std::ranges::find(things, std::string_view(path), &Thing::path);
    const std::string before = seen(path);
    EXPECT_LT(status_of(edit(thing->method, path, thing->body)), 300) << path;
    EXPECT_EQ(status_of(edit(thing->method, path, thing->body, before)), 412) << path;
    EXPECT_LT(status_of(edit(thing->method, path, thing->body, "*")), 300) << path;
  }
}

TEST_F(EditsTest, DeletionsKnowTheETagToo) {
  for (const char* path : {"/schedules/1", "/profiles/1", "/users/ann"}) {
    const auto* thing = std::ranges::find(things, std::string_view(path), &Thing::path);
    const std::string before = seen(path);
    const std::string changed = edit(thing->method, path, thing->body, before);
    ASSERT_LT(status_of(changed), 300) << changed;
    EXPECT_EQ(status_of(edit("DELETE", path, "", before)), 412) << path;
    EXPECT_EQ(status_of(edit("DELETE", path, "", tag_of(changed))), 200) << path;
    EXPECT_EQ(status_of(get(port_, std::string("/api/v1") + path)), 404) << path;
  }
}

TEST_F(EditsTest, VersionsInBodiesGoOnAsBefore) {
  EXPECT_EQ(status_of(edit("PUT", "/schedules/1", R"({"version":1,"enabled":false})")), 200);
  const std::string late = edit("PUT", "/schedules/1", R"({"version":1,"enabled":true})");
  EXPECT_EQ(status_of(late), 409);
  EXPECT_EQ(code_of(late), "conflict");
  EXPECT_EQ(status_of(edit("DELETE", "/schedules/1?version=1", "")), 409);
  EXPECT_EQ(status_of(edit("DELETE", "/schedules/1?version=x", "")), 400);
  EXPECT_EQ(status_of(edit("DELETE", "/schedules/1?version=2", "")), 200);
}

TEST_F(EditsTest, AWrongIfMatchIsNamed) {
  for (const char* wrong : {"1", "\"one\"", "\"1\", \"2\"", "W/\"1\"", "\"", "\"\"", "\"-1\""}) {
    const std::string answer = edit("PUT", "/schedules/1", R"({"enabled":false})", wrong);
    EXPECT_EQ(status_of(answer), 400) << wrong;
    EXPECT_NE(answer.find("If-Match"), std::string::npos) << answer;
  }
  const std::string both = edit("PUT", "/schedules/1", R"({"version":2,"enabled":false})", "\"1\"");
  EXPECT_EQ(status_of(both), 400);
  EXPECT_EQ(status_of(edit("PUT", "/schedules/1", "no JSON", "\"1\"")), 400);
}

}  // namespace
}  // namespace meterlens::api
