// Meters, watches, exchanges, values by hand and estimates, against a running server.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "server/api/fixture.h"

namespace meterlens::api {
namespace {


constexpr std::int64_t hour = 3'600'000;

class MetersTest : public ApiTest {
 protected:
  json asked(const std::string& method, const std::string& path, const json& body, int status) {
    const std::string answer = send(method, port_, "/api/v1" + path, body.dump());
    EXPECT_EQ(status_of(answer), status) << method << " " << path << body << answer;
    const std::string text = body_of(answer);
    return text.empty() ? json() : json::parse(text);
  }
  json got(const std::string& path) { return get_json("/api/v1" + path); }
  // A reading of `meter_` as the reading queue makes it.
  std::int64_t judged(const std::string& digits, std::int64_t at_ms, int red = 3,
                      bool red_is_clear = true) {
    validate::Claim claim;
    claim.meter = claim.device = meter_;
    claim.at_ms = at_ms;
    claim.status = "read";
    claim.digits = digits;
    claim.certain = static_cast<int>(digits.size());
    claim.red = red;
    claim.red_is_clear = red_is_clear;
    const store::Case one{meter_, at_ms, 0,
                          [&](const validate::Past& past) { return validate::judge(claim, past); }};
    return store_->judge({&one, 1}, at_ms)->readings.front().id;
  }
  std::string verdict_of(std::int64_t id) {
    return got("/readings/" + std::to_string(id))["verdict"];
  }

  std::string meter_ = "m1";
};

TEST_F(MetersTest, ADeviceThatAppearsHasAMeterAndWatchesIt) {
  const json m1 = got("/meters/m1");
  EXPECT_TRUE(m1["medium"].is_null());
  EXPECT_TRUE(m1["wheels"].is_null());
  EXPECT_EQ(m1["factor"], "1");
  const json watches = got("/watches?device=m1")["watches"];
  ASSERT_EQ(watches.size(), 1U);
  EXPECT_EQ(watches[0]["meter"], "m1");
  EXPECT_TRUE(watches[0]["to_ms"].is_null());
  EXPECT_EQ(got("/meters")["meters"].size(), 3U);
  EXPECT_TRUE(got("/meters")["next"].is_null());
}

TEST_F(MetersTest, AMeterIsMadeChangedOnceAVersionAndRemembered) {
  const json made = asked("POST", "/meters",
                          {{"id", "cellar"}, {"medium", "water"}, {"wheels", 8}, {"decimals", 3},
                           {"unit", "m3"}, {"serial", "A-1"}, {"place", "cellar"},
                           {"rate_max", 3000}, {"author", "ann"}}, 201);
  EXPECT_EQ(made["medium"], "water");
  EXPECT_EQ(asked("POST", "/meters", {{"id", "cellar"}}, 409)["error"]["code"], "conflict");
  const json changed = asked("PATCH", "/meters/cellar",
                             {{"version", made["version"]}, {"place", "attic"}, {"unit", nullptr},
                              {"author", "bob"}, {"reason", "moved"}}, 200);
  EXPECT_EQ(changed["place"], "attic");
  EXPECT_TRUE(changed["unit"].is_null());
  EXPECT_EQ(changed["serial"], "A-1") << "what is not named stays";
  EXPECT_EQ(asked("PATCH", "/meters/cellar", {{"version", made["version"]}, {"place", "x"}},
                  409)["error"]["code"], "conflict");
  EXPECT_EQ(got("/meters/cellar"), changed);
  const json history = got("/meters/cellar/history")["history"];
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[0]["author"], "bob");
  EXPECT_EQ(history[0]["reason"], "moved");
  EXPECT_EQ(history[0]["before"]["place"], "cellar");
  EXPECT_EQ(history[0]["after"], changed);
  EXPECT_TRUE(history[1]["before"].is_null());
  const std::string version = changed["version"].dump();
  EXPECT_EQ(status_of(send("DELETE", port_, "/api/v1/meters/cellar?version=1", "")), 409);
  EXPECT_EQ(status_of(send("DELETE", port_, "/api/v1/meters/cellar?version=" + version, "")), 200);
  EXPECT_EQ(status_of(get(port_, "/api/v1/meters/cellar")), 404);
  const std::string own = got("/meters/m1")["version"].dump();
  const std::string refused = send("DELETE", port_, "/api/v1/meters/m1?version=" + own, "");
  EXPECT_EQ(status_of(refused), 409) << "it has readings";
}

TEST_F(MetersTest, RefusesMetersThatAreWrong) {
  for (const char* body :
       {"", "[]", "null", "{}", R"({"id":"a b"})", R"({"id":""})", R"({"id":7})",
        R"({"id":"a","medium":"milk"})", R"({"id":"a","wheels":0})", R"({"id":"a","wheels":13})",
        R"({"id":"a","wheels":"8"})", R"({"id":"a","wheels":2,"decimals":3})",
        R"({"id":"a","factor":"0"})", R"({"id":"a","factor":"-1"})", R"({"id":"a","factor":1})",
        R"({"id":"a","factor":"1."})", R"({"id":"a","rate_max":1.5})",
        R"({"id":"a","installed_ms":9,"removed_ms":5})", R"({"id":"a","place":"a\u0000"})",
        R"({"id":"a","other":1})", R"({"id":"a","rate_max":1e30})"}) {
    const std::string answer = post(port_, "/api/v1/meters", body);
    EXPECT_EQ(status_of(answer), 400) << body << answer;
  }
  EXPECT_EQ(asked("PATCH", "/meters/nobody", {{"version", 1}}, 404)["error"]["code"],
            "unknown_meter");
  asked("PATCH", "/meters/m1", json::object(), 400);
  const std::string foreign =
      send("POST", port_, "/api/v1/meters", R"({"id":"a"})", "Origin: http://evil.example\r\n");
  EXPECT_EQ(status_of(foreign), 403);
  EXPECT_NE(send("PUT", port_, "/api/v1/meters/m1", "{}").find("Allow: GET, PATCH, DELETE"),
            std::string::npos);
}

TEST_F(MetersTest, ListsMetersByPages) {
  for (int i = 0; i < 150; ++i) {
    validate::Meter meter;
    meter.id = "x" + std::to_string(1000 + i);
    ASSERT_TRUE(store_->add_meter(meter, {}));
  }
  const json first = got("/meters");
  ASSERT_EQ(first["meters"].size(), 100U);
  const json second = got("/meters?cursor=" + std::string(first["next"]));
  EXPECT_EQ(second["meters"].size(), 53U);
  EXPECT_TRUE(second["next"].is_null());
  EXPECT_GT(second["meters"][0]["id"], first["meters"][99]["id"]);
  EXPECT_EQ(status_of(get(port_, "/api/v1/meters?cursor=%20")), 400);
}

TEST_F(MetersTest, WatchesAreMadeEndedAndMayNotOverlap) {
  asked("POST", "/meters", {{"id", "gas"}}, 201);
  const json region = {{1, 2}, {30, 2.5}, {30, 9}, {1, 8}};
  const json watch = asked("POST", "/watches",
                           {{"device", "m1"}, {"meter", "gas"}, {"from_ms", 1000},
                            {"region", region}}, 201);
  EXPECT_EQ(watch["region"][1][1], 2.5);
  asked("POST", "/watches", {{"device", "m1"}, {"meter", "gas"}, {"from_ms", 5000}}, 409);
  const std::string path = "/watches/" + watch["id"].dump();
  const json ended = asked("PATCH", path, {{"version", watch["version"]}, {"to_ms", 5000}}, 200);
  EXPECT_EQ(ended["from_ms"], 1000);
  asked("PATCH", path, {{"version", watch["version"]}, {"to_ms", 6000}}, 409);
  asked("POST", "/watches", {{"device", "m1"}, {"meter", "gas"}, {"from_ms", 5000}}, 201);
  EXPECT_EQ(got("/watches?meter=gas")["watches"].size(), 2U);
  EXPECT_EQ(got(path + "/history")["history"][0]["before"]["to_ms"], nullptr);
  EXPECT_EQ(asked("POST", "/watches", {{"device", "m1"}, {"meter", "no"}}, 404)["error"]["code"],
            "unknown_meter");
  EXPECT_EQ(asked("POST", "/watches", {{"device", "no"}, {"meter", "gas"}}, 404)["error"]["code"],
            "unknown_device");
  asked("PATCH", path, {{"version", ended["version"]}, {"to_ms", 500}}, 400);
  asked("PATCH", path, {{"version", ended["version"]}, {"region", {{1, 2}}}}, 400);
  asked("PATCH", path, {{"version", ended["version"]}, {"device", "m2"}}, 400);
}

TEST_F(MetersTest, AFalseHighReadingIsWithdrawnByLaterOnesAndLiveClientsHearIt) {
  const std::int64_t begin = 10 * hour;
  const auto high = judged("00195700", begin);
  EXPECT_EQ(verdict_of(high), "accepted");
  const auto low = judged("00195430", begin + hour);
  EXPECT_EQ(verdict_of(low), "doubtful");
  judged("00195433", begin + 2 * hour);
  EXPECT_EQ(verdict_of(high), "doubtful");
  EXPECT_EQ(verdict_of(low), "accepted");
  const json history = got("/readings/" + std::to_string(high) + "/history")["history"];
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[0]["verdict"], "accepted");
  EXPECT_EQ(history[1]["by"], "server");
  EXPECT_EQ(got("/readings/" + std::to_string(low))["flags"], json::array({"negative_use"}));

  // A person says that the first of them was right all the same.
  RawClient live(port_);
  live.send("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
  live.read_until(": hello");
  const json seen = got("/readings/" + std::to_string(high));
  asked("PATCH", "/readings/" + std::to_string(high),
        {{"version", seen["version"]}, {"verdict", "accepted"}}, 200);
  ASSERT_EQ(verdict_of(low), "doubtful") << "a person's word is stronger";
  const std::string told = live.read_until("\"id\":" + std::to_string(low) + ",");
  EXPECT_NE(told.find("event: reading"), std::string::npos);
}

TEST_F(MetersTest, AValueByHandIsStrongerThanWhatTheCameraSaw) {
  const std::int64_t begin = 10 * hour;
  const auto wrong = judged("00195700", begin);
  const json made = asked("POST", "/meters/m1/readings",
                          {{"at_ms", begin + hour}, {"value", "195.450"}, {"author", "ann"},
                           {"reason", "seen in the cellar"}}, 201);
  EXPECT_EQ(made["verdict"], "manual");
  EXPECT_EQ(made["status"], "none");
  EXPECT_EQ(made["digits"], "00195450");
  EXPECT_TRUE(made["photo"].is_null());
  EXPECT_EQ(made["review"]["reviewer"], "ann");
  EXPECT_EQ(verdict_of(wrong), "doubtful");
  for (const json& body : {json{{"at_ms", begin}}, json{{"value", "1"}},
                           json{{"at_ms", begin}, {"value", "195.4"}},
                           json{{"at_ms", begin}, {"digits", "1"}},
                           json{{"at_ms", 9'000'000'000'000}, {"value", "195.450"}}}) {
    asked("POST", "/meters/m1/readings", body, 400);
  }
  asked("POST", "/meters/no/readings", {{"at_ms", begin}, {"value", "1"}}, 404);
}

TEST_F(MetersTest, UnclearDecimalsBecomeThoseThatAPersonGivesTheMeter) {
  meter_ = "new";
  asked("POST", "/meters", {{"id", meter_}}, 201);
  const std::int64_t begin = 10 * hour;
  const std::int64_t ids[] = {judged("00195430", begin, 1, false),
                              judged("00195431", begin + hour, 1, false)};
  for (const std::int64_t id : ids) {
    const json waiting = got("/readings/" + std::to_string(id));
    EXPECT_EQ(waiting["verdict"], "doubtful");
    EXPECT_EQ(waiting["flags"], json::array({"unclear_decimals"}));
  }
  const json meter = got("/meters/new");
  asked("PATCH", "/meters/new", {{"version", meter["version"]}, {"decimals", 3}}, 200);
  EXPECT_EQ(verdict_of(ids[0]), "accepted");
  const json taken = got("/readings/" + std::to_string(ids[1]));
  EXPECT_EQ(taken["verdict"], "accepted");
  EXPECT_EQ(taken["value"], "195.431");
  EXPECT_EQ(taken["review"]["seen"]["value"], "19543.1");
  // Accepted by a person it has the meter's, too, though the photo shows others.
  const auto other = judged("00195440", begin + 2 * hour, 2);
  const json shown = got("/readings/" + std::to_string(other));
  EXPECT_EQ(shown["verdict"], "doubtful");
  const json edit = {{"version", shown["version"]}, {"verdict", "accepted"}};
  EXPECT_EQ(asked("PATCH", "/readings/" + std::to_string(other), edit, 200)["value"], "195.440");
}

TEST_F(MetersTest, GapsAreFilledOnceAndGiveWayToReadings) {
  const std::int64_t begin = 10 * hour;
  judged("00195430", begin);
  judged("00195470", begin + 4 * hour);
  const json wanted = {{"from_ms", begin}, {"to_ms", begin + 4 * hour}, {"every_ms", hour},
                       {"author", "ann"}};
  const json filled = asked("POST", "/meters/m1/estimates", wanted, 201)["readings"];
  ASSERT_EQ(filled.size(), 3U);
  EXPECT_EQ(filled[0]["value"], "195.440");
  EXPECT_EQ(filled[0]["verdict"], "estimated");
  EXPECT_EQ(asked("POST", "/meters/m1/estimates", wanted, 201)["readings"].size(), 0U);
  judged("00195435", begin + 2 * hour + 60'000);
  for (const json& one : filled) EXPECT_EQ(verdict_of(one["id"]), "rejected");
  const json again = asked("POST", "/meters/m1/estimates", wanted, 201)["readings"];
  ASSERT_EQ(again.size(), 2U) << "none beside the reading";
  EXPECT_EQ(again[0]["value"], "195.432");
  asked("POST", "/meters/m1/estimates", {{"from_ms", 1}, {"to_ms", 2}}, 400);
  asked("POST", "/meters/m1/estimates",
        {{"from_ms", 1}, {"to_ms", 9'000'000'000'000}, {"every_ms", 60'000}}, 400);
}

TEST_F(MetersTest, AnExchangeBeginsAnotherRegister) {
  const std::int64_t begin = 10 * hour;
  judged("00195430", begin);
  const json meter = got("/meters/m1");
  const json wanted = {{"version", meter["version"]}, {"at_ms", begin + hour},
                       {"end", "195.432"},            {"start", "0.5"},
                       {"serial", "B-2"},             {"wheels", 6},
                       {"decimals", 1},               {"author", "ann"}};
  const json exchange = asked("POST", "/meters/m1/exchanges", wanted, 201);
  EXPECT_EQ(got("/meters/m1")["serial"], "B-2");
  EXPECT_EQ(got("/readings/" + exchange["end_reading"].dump())["value"], "195.432");
  EXPECT_EQ(got("/readings/" + exchange["start_reading"].dump())["digits"], "000005");
  EXPECT_EQ(got("/meters/m1/exchanges")["exchanges"][0], exchange);
  validate::Claim claim;
  claim.meter = claim.device = "m1";
  claim.at_ms = begin + 2 * hour;
  claim.status = "read";
  claim.digits = "000007";
  claim.certain = 6;
  claim.red = 1;
  const store::Case one{"m1", claim.at_ms, 0, [&](const validate::Past& past) {
                          return validate::judge(claim, past);
                        }};
  const auto after = store_->judge({&one, 1}, claim.at_ms)->readings.front();
  EXPECT_EQ(after.verdict, validate::Verdict::accepted);
  EXPECT_TRUE(after.reasons.empty());
  // The old register keeps its own decimals.
  const json end = got("/readings/" + exchange["end_reading"].dump());
  const json edit = {{"version", end["version"]}, {"verdict", "manual"}, {"value", "195.433"}};
  EXPECT_EQ(asked("PATCH", "/readings/" + end["id"].dump(), edit, 200)["digits"], "00195433");
  asked("POST", "/meters/m1/exchanges", wanted, 409);
  json later = wanted;
  later["version"] = got("/meters/m1")["version"];
  later["end"] = "0.9";
  asked("POST", "/meters/m1/exchanges", later, 409);
  later["at_ms"] = begin + 3 * hour;
  later["end"] = "0.25";
  asked("POST", "/meters/m1/exchanges", later, 400);
}

TEST_F(MetersTest, ReadingsComeByPages) {
  for (int i = 0; i < 120; ++i) {
    validate::Reading reading;
    reading.meter = reading.device = "m2";
    reading.at_ms = 5000 + i / 2;
    ASSERT_TRUE(store_->add_reading(reading));
  }
  const json first = got("/readings?meter=m2");
  ASSERT_EQ(first["readings"].size(), 100U);
  const json second = got("/readings?meter=m2&cursor=" + std::string(first["next"]));
  EXPECT_EQ(second["readings"].size(), 20U);
  EXPECT_TRUE(second["next"].is_null());
  EXPECT_LT(second["readings"][0]["id"], first["readings"][99]["id"]);
  EXPECT_EQ(status_of(get(port_, "/api/v1/readings?cursor=7")), 400);
}

}  // namespace
}  // namespace meterlens::api
