// Missing readings through a running server: their list, and the export that has them.
#include "server/api/fixture.h"
#include "server/store/slots.h"

namespace meterlens::api {
namespace {

class MissingTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    const std::vector<store::Subject> both{{"m1", "m1"}, {"m2", "m2"}};
    int added = 0;
    for (const std::int64_t due_ms : {2000, 3000})
      ASSERT_TRUE(book().note({4, due_ms, due_ms - 10, due_ms + 900}, both, 5000, added));
  }
  store::SlotBook book() { return store::SlotBook(*store_); }
  json missing(const std::string& query = "") {
    return get_json("/api/v1/meters/m1/missing" + query)["missing"];
  }
  // "meter at quality" of each row.
  std::vector<std::string> rows(const json& page) {
    std::vector<std::string> out;
    for (const json& row : page["readings"])
      out.push_back(row["meter"].get<std::string>() + " " + row["at_ms"].dump() + " " +
                    row["quality"].get<std::string>());
    return out;
  }
};

TEST_F(MissingTest, AreListedNewestFirst) {
  const json all = missing();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0]["due_ms"], 3000);
  EXPECT_EQ(all[0]["schedule"], 4);
  EXPECT_EQ(all[0]["reason"], "m1 is offline");
  EXPECT_TRUE(all[0]["closed_ms"].is_null());
  const json first = get_json("/api/v1/meters/m1/missing?limit=1");
  ASSERT_EQ(first["missing"].size(), 1U);
  const json second =
      missing("?limit=1&cursor=" + first["next"].get<std::string>());
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0]["due_ms"], 2000);
  auto late = store_->reading(1).value();
  late.at_ms = 2001;
  late.photo = 0;
  ASSERT_TRUE(store_->add_reading(late));
  const std::vector<std::string> meters{"m1"};
  ASSERT_EQ(book().close(meters, 6000).value(), 1);
  EXPECT_EQ(missing()[1]["reading"], 2);
  EXPECT_EQ(missing()[1]["closed_ms"], 6000);
  EXPECT_EQ(missing("?open=true").size(), 1U);
  for (const char* wrong : {"?open=1", "?cursor=x", "?limit=0"})
    EXPECT_EQ(status_of(get(port_, std::string("/api/v1/meters/m1/missing") + wrong)), 400);
  EXPECT_EQ(status_of(get(port_, "/api/v1/meters/nobody/missing")), 404);
}

TEST_F(MissingTest, AreExportedWithAQualityOfTheirOwnWhenAskedFor) {
  const std::string path = "/api/v1/export/readings.json";
  const std::vector<std::string> whole{"m1 1000 A", "m1 2000 N", "m1 3000 N", "m2 2000 N",
                                       "m2 3000 N"};
  EXPECT_EQ(rows(get_json(path)), std::vector<std::string>{"m1 1000 A"});
  const json all = get_json(path + "?missing=true");
  EXPECT_EQ(rows(all), whole);
  EXPECT_EQ(all["readings"][1]["value"], "");
  EXPECT_EQ(all["readings"][1]["verdict"], "missing");
  EXPECT_TRUE(all["readings"][1]["reading"].is_null());
  EXPECT_EQ(all["readings"][1]["review_reason"], "m1 is offline");
  EXPECT_EQ(status_of(get(port_, path + "?missing=yes")), 400);
  const std::string csv = body_of(get(port_, "/api/v1/export/readings.csv?missing=true"));
  EXPECT_NE(csv.find(",N,missing,"), std::string::npos) << csv;
}

TEST_F(MissingTest, PagesOfTheExportFollowOneAnother) {
  // A reading at the very time of a slot comes before it.
  auto same = store_->reading(1).value();
  same.at_ms = 3000;
  same.photo = 0;
  ASSERT_TRUE(store_->add_reading(same));
  const std::string path = "/api/v1/export/readings.json?missing=true";
  const auto whole = rows(get_json(path));
  ASSERT_EQ(whole.size(), 6U);
  EXPECT_EQ(whole[2], "m1 3000 A");
  for (const char* count : {"1", "2", "4"}) {
    std::vector<std::string> parts;
    std::string cursor;
    for (int pages = 0; pages < 7; ++pages) {
      const json page = get_json(path + "&count=" + count + cursor);
      for (const std::string& row : rows(page)) parts.push_back(row);
      if (page["next"].is_null()) break;
      cursor = "&cursor=" + page["next"].get<std::string>();
    }
    EXPECT_EQ(parts, whole) << count;
  }
}

}  // namespace
}  // namespace meterlens::api
