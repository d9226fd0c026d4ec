// Alarms, sinks, billing and imports, against a running server.
#include <gtest/gtest.h>

#include <string>

#include "server/api/csv.h"
#include "server/api/fixture.h"
#include "server/store/alarms.h"

namespace meterlens::api {
namespace {

using store::AlarmKind;

class NotifyRoutesTest : public ApiTest {
 protected:
  json asked(const std::string& method, const std::string& path, const std::string& body,
             int status) {
    const std::string answer = send(method, port_, "/api/v1" + path, body);
    EXPECT_EQ(status_of(answer), status) << method << " " << path << "\n" << answer;
    return json::parse(body_of(answer), nullptr, false);
  }
  json got(const std::string& path) { return asked("GET", path, "", 200); }
  std::string text(const std::string& path) { return body_of(get(port_, "/api/v1" + path)); }
};

TEST_F(NotifyRoutesTest, ListsAndAcknowledgesAlarms) {
  store::AlarmBook book(*store_);
  ASSERT_TRUE(book.raise(AlarmKind::leak, "m1", "flow", 10));
  ASSERT_TRUE(book.raise(AlarmKind::disk, "var", "full", 11));
  ASSERT_TRUE(book.clear(AlarmKind::disk, "var", "room", 12));
  EXPECT_EQ(got("/alarms")["alarms"].size(), 2U);
  const json open = got("/alarms?open=true")["alarms"];
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0]["subject_kind"], "meter");
  EXPECT_EQ(open[0]["acknowledged_ms"], nullptr);
  EXPECT_EQ(got("/alarms?kind=disk")["alarms"][0]["open"], false);
  EXPECT_EQ(got("/alarms?subject=m1&cursor=1")["alarms"].size(), 0U);
  const json seen = asked("POST", "/alarms/1/acknowledge", "{\"author\":\"Ann\"}", 200);
  EXPECT_EQ(seen["acknowledged_by"], "Ann");
  EXPECT_EQ(seen["open"], true);
  EXPECT_EQ(asked("POST", "/alarms/1/acknowledge", "", 200)["acknowledged_by"], "Ann");
  EXPECT_EQ(got("/alarms/1"), asked("POST", "/alarms/1/acknowledge", "{}", 200));
}

TEST_F(NotifyRoutesTest, RefusesWhatIsWrong) {
  EXPECT_EQ(asked("GET", "/alarms?open=yes", "", 400)["error"]["code"], "bad_request");
  EXPECT_EQ(asked("GET", "/alarms?kind=flood", "", 400)["error"]["code"], "bad_request");
  EXPECT_EQ(asked("GET", "/alarms?cursor=x", "", 400)["error"]["code"], "bad_request");
  EXPECT_EQ(asked("GET", "/alarms/9", "", 404)["error"]["code"], "unknown_alarm");
  EXPECT_EQ(asked("GET", "/alarms/x'--", "", 404)["error"]["code"], "unknown_alarm");
  EXPECT_EQ(asked("POST", "/alarms/9/acknowledge", "", 404)["error"]["code"], "unknown_alarm");
  for (const char* body : {"[]", "{\"author\":1}", "{\"author\":\"\"}", "{\"by\":\"x\"}", "no",
                           "{\"author\":\"a\\nb\"}"})
    EXPECT_EQ(asked("POST", "/alarms/9/acknowledge", body, 400)["error"]["code"], "bad_request")
        << body;
  EXPECT_EQ(asked("DELETE", "/alarms", "", 405)["error"]["code"], "method_not_allowed");
  EXPECT_EQ(got("/notify")["sinks"], json::array());
  EXPECT_EQ(asked("POST", "/notify/email/test", "", 404)["error"]["code"], "unknown_sink");
}

TEST_F(NotifyRoutesTest, ExportsWhatIsBilled) {
  validate::Reading odd;
  odd.meter = odd.device = "m2";
  odd.at_ms = 1'772'348'709'120;
  odd.status = "none";
  odd.value = "0.05";
  odd.verdict = validate::Verdict::manual;
  odd.review = validate::Review{.reviewer = "Ann, \"A\"", .reason = "seen", .at_ms = 7};
  ASSERT_TRUE(store_->add_reading(odd));
  odd.at_ms += 1;
  odd.verdict = validate::Verdict::doubtful;
  odd.review.reset();
  ASSERT_TRUE(store_->add_reading(odd));
  auto meter = store_->meter("m2").value();
  meter.factor = "10";
  meter.unit = "m3";
  meter.medium = validate::Medium::water;
  meter.serial = "S1";
  ASSERT_TRUE(store_->change_meter(meter, {}));

  const std::string csv = text("/export/readings.csv");
  const auto lines = parse_csv(csv);
  ASSERT_EQ(lines.size(), 3U) << csv;
  EXPECT_TRUE(csv.starts_with("meter,serial,place,medium,unit,factor,at,at_ms,value,amount,quality,"
                              "verdict,flags,reading,photo,device,reviewer,review_reason,"
                              "review_ms\r\n"));
  EXPECT_EQ(lines[1].fields[0], "m1");
  EXPECT_EQ(lines[2].fields,
            (std::vector<std::string>{"m2", "S1", "", "water", "m3", "10",
                                      "2026-03-01T07:05:09.120Z", "1772348709120", "0.05", "0.50",
                                      "M", "manual", "", "2", "", "m2", "Ann, \"A\"", "seen",
                                      "7"}));
  EXPECT_EQ(parse_csv(text("/export/readings.csv?all=true")).size(), 4U);
  EXPECT_EQ(parse_csv(text("/export/readings.csv?from=2026-03-01T00:00:00Z")).size(), 2U);
  EXPECT_EQ(parse_csv(text("/export/readings.csv?to=1001&meter=m1")).size(), 2U);
  EXPECT_EQ(parse_csv(text("/export/readings.csv?to=1000")).size(), 1U);

  const json all = got("/export/readings.json?all=true");
  ASSERT_EQ(all["readings"].size(), 3U);
  EXPECT_EQ(all["readings"][1]["amount"], "0.50");
  EXPECT_EQ(all["readings"][1]["photo"], nullptr);
  EXPECT_EQ(all["readings"][2]["quality"], "D");
  EXPECT_EQ(all["next"], nullptr);
}

TEST_F(NotifyRoutesTest, ExportsPageByPage) {
  for (int i = 0; i < 5; ++i) {
    validate::Reading reading;
    reading.meter = reading.device = i < 3 ? "m1" : "m2";
    reading.at_ms = 5000;
    reading.value = std::to_string(i);
    reading.verdict = validate::Verdict::accepted;
    ASSERT_TRUE(store_->add_reading(reading));
  }
  std::string whole;
  std::string query = "?count=2";
  for (int pages = 1;; ++pages) {
    ASSERT_LE(pages, 3);
    const std::string answer = get(port_, "/api/v1/export/readings.csv" + query);
    whole += body_of(answer);
    const std::size_t at = answer.find("Meterlens-Next: ");
    if (at == std::string::npos) break;
    query = "?count=2&cursor=" + answer.substr(at + 16, answer.find("\r\n", at) - at - 16);
  }
  EXPECT_EQ(whole, text("/export/readings.csv"));
  EXPECT_EQ(parse_csv(whole).size(), 7U);
}

TEST_F(NotifyRoutesTest, RefusesExportsThatAreNoSense) {
  for (const char* query : {"from=yesterday", "to=-5", "from=9&to=9", "meter=a/b", "all=1",
                            "cursor=1.2", "cursor=x.1.m", "count=0", "count=10001", "from=%zz",
                            "cursor=1.1.'%3Bdrop"})
    EXPECT_EQ(asked("GET", std::string("/export/readings.csv?") + query, "", 400)["error"]["code"],
              "bad_request") << query;
}

TEST_F(NotifyRoutesTest, TakesMetersAllOrNone) {
  const std::string csv =
      "id,medium,wheels,decimals,unit,factor,place\n"
      "x1,water,8,3,m3,1,\"Cellar, left\"\n"
      "m1,water,8,3,m3,1,there already\n"
      "x2,wine,8,3,m3,1,\n"
      "x3,gas,acht,3,m3,1,\n"
      "x4,gas\n"
      "x1,gas,8,3,m3,1,twice\n"
      "\"x5,gas\n";
  const json none = asked("POST", "/import/meters", csv, 422);
  EXPECT_EQ(none["lines"], 7);
  EXPECT_EQ(none["good"], 1);
  EXPECT_EQ(none["taken"], 0);
  ASSERT_EQ(none["bad"].size(), 6U);
  EXPECT_EQ(none["bad"][0], (json{{"line", 3}, {"reason", "there is a meter m1 already"}}));
  EXPECT_EQ(none["bad"][1]["line"], 4);
  EXPECT_EQ(none["bad"][2]["reason"], "\"wheels\" must be a whole number from 1 to 12");
  EXPECT_EQ(none["bad"][3]["reason"], "2 fields, the head line has 7");
  EXPECT_EQ(none["bad"][4]["reason"], "an earlier line has this meter");
  EXPECT_EQ(none["bad"][5]["reason"], "a quotation mark that never ends");
  EXPECT_FALSE(store_->meter("x1"));
  const json some =
      asked("POST", "/import/meters?accept_good=true&author=Ann&reason=list", csv, 200);
  EXPECT_EQ(some["taken"], 1);
  EXPECT_EQ(store_->meter("x1").value().place, "Cellar, left");
  EXPECT_EQ(store_->meter_edits("x1", 1).value()[0].author.name, "Ann");
  EXPECT_EQ(asked("POST", "/import/meters", "id\ny1\ny2\n", 200)["taken"], 2);
}

TEST_F(NotifyRoutesTest, TakesValuesByHand) {
  const std::string csv =
      "meter,at,value,author\n"
      "m1,2026-03-01T07:05:00Z,200.000,Bob\n"
      "m1,2026-03-01T07:05:00Z,201.000,\n"
      "m1,2099-01-01T00:00:00Z,202.000,\n"
      "none,2026-03-01T07:05:00Z,1,\n"
      "m1,soon,1,\n"
      "m1,1772400000000,-5,\n"
      "m1,1772400000000,201.5,\n";
  const json none = asked("POST", "/import/readings", csv, 422);
  EXPECT_EQ(none["good"], 1) << none;
  ASSERT_EQ(none["bad"].size(), 6U);
  EXPECT_EQ(none["bad"][0]["reason"], "an earlier line has this meter and time");
  EXPECT_EQ(none["bad"][1]["reason"], "\"at\" is in the future");
  EXPECT_EQ(none["bad"][2]["reason"], "there is no meter none");
  EXPECT_EQ(store_->billing({.meter = "m1"}).value().size(), 1U);
  EXPECT_EQ(asked("POST", "/import/readings?accept_good=true", csv, 200)["taken"], 1);
  const auto billed = store_->billing({.meter = "m1", .from_ms = 2000}).value();
  ASSERT_EQ(billed.size(), 1U);
  EXPECT_EQ(billed[0].value, "200.000");
  EXPECT_EQ(billed[0].review->reviewer, "Bob");
  // The same file once more adds nothing.
  const json again = asked("POST", "/import/readings?accept_good=true", csv, 200);
  EXPECT_EQ(again["taken"], 0);
  EXPECT_NE(again["bad"][0]["reason"].get<std::string>().find("by hand of this time already"),
            std::string::npos);
}

TEST_F(NotifyRoutesTest, RefusesTextsThatAreNoTable) {
  for (const char* body :
       {"", "\n\n", "name\nx\n", "medium\nwater\n", "id,id\na,b\n", "id\n\xff\n"})
    EXPECT_EQ(asked("POST", "/import/meters", body, 400)["error"]["code"], "bad_request") << body;
  EXPECT_EQ(asked("POST", "/import/meters?accept_good=1", "id\nx\n", 400)["error"]["code"],
            "bad_request");
  std::string many = "id\n";
  for (int i = 0; i < 20'001; ++i) many += "x" + std::to_string(i) + "\n";
  EXPECT_EQ(asked("POST", "/import/meters", many, 400)["error"]["code"], "bad_request");
  EXPECT_EQ(asked("POST", "/import/meters", "id\n" + std::string(2'600'000, 'x'), 413)["error"]
                 ["code"],
            "body_too_large");
}

}  // namespace
}  // namespace meterlens::api
