// Log-in, roles, tokens, groups and the audit through a running server.
#include "server/api/doors_fixture.h"
#include "server/store/fleet.h"

namespace meterlens::api {
namespace {

const std::string order = R"({"capture":1})";
const std::string commands = "/api/v1/devices/m1/commands";

TEST_F(DoorsTest, NobodyGetsIn) {
  for (const char* path : {"/api/v1/devices", "/api/v1/photos/1.jpg", "/api/v1/readings",
                           "/api/v1/events", "/api/v1/users", "/api/v1/audit", "/metrics",
                           "/api/v1/session", "/api/v1/unknown"}) {
    const std::string answer = get(port_, path);
    EXPECT_EQ(status_of(answer), 401) << path;
    EXPECT_EQ(code_of(answer), "login_required") << path;
  }
  EXPECT_EQ(status_of(post(port_, commands, order)), 401);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", "Cookie: meterlens_session=x\r\n")), 401);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", "Authorization: Bearer mlt_x\r\n")), 401);
  EXPECT_EQ(status_of(get(port_, "/health")), 200);
  EXPECT_EQ(status_of(get(port_, "/api/v1/openapi.yaml")), 200);
}

TEST_F(DoorsTest, LogsInAndOut) {
  const std::string answer = log_in_answer("viewer");
  ASSERT_EQ(status_of(answer), 200) << answer;
  for (const char* part : {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="})
    EXPECT_NE(answer.find(part), std::string::npos) << part;
  EXPECT_EQ(answer.find("Secure"), std::string::npos);
  const std::string cookie = log_in("viewer");
  const json me = json_of(get(port_, "/api/v1/session", cookie));
  EXPECT_EQ(me["name"], "viewer");
  EXPECT_EQ(me["role"], "viewer");
  EXPECT_EQ(me["by"], "session");
  EXPECT_EQ(status_of(get(port_, "/api/v1/photos/1.jpg", cookie)), 200);
  restart();
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", cookie)), 200) << "a session lost by restart";
  EXPECT_EQ(status_of(send("DELETE", port_, "/api/v1/session", "", cookie)), 200);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", cookie)), 401);
}

TEST_F(DoorsTest, WrongPasswordsAreRefusedAndLockTheDoor) {
  EXPECT_EQ(code_of(log_in_answer("viewer", "not the password")), "wrong_password");
  EXPECT_EQ(code_of(log_in_answer("nobody", password)), "wrong_password");
  for (const char* body : {"", "[]", "{}", R"({"name":"viewer"})", R"({"name":1,"password":"x"})",
                           R"({"name":"viewer","password":"x","more":1})"})
    EXPECT_EQ(status_of(post(port_, "/api/v1/session", body)), 400) << body;
  std::string answer;
  for (int i = 0; i < 8; ++i) answer = log_in_answer("viewer", "wrong " + std::to_string(i));
  EXPECT_EQ(status_of(answer), 401);
  answer = log_in_answer("viewer");
  EXPECT_EQ(status_of(answer), 429);
  EXPECT_EQ(code_of(answer), "too_many_attempts");
  EXPECT_NE(answer.find("Retry-After: "), std::string::npos);
}

TEST_F(DoorsTest, RolesDoWhatTheyMay) {
  const std::string viewer = log_in("viewer") + own, reviewer = log_in("reviewer") + own;
  const std::string operator_ = log_in("operator") + own;
  const std::string review = R"({"version":0,"verdict":"accepted","reviewer":"somebody else"})";
  EXPECT_EQ(code_of(post(port_, commands, order, viewer)), "forbidden");
  EXPECT_EQ(code_of(post(port_, commands, order, reviewer)), "forbidden");
  EXPECT_EQ(status_of(post(port_, commands, order, operator_)), 202);
  EXPECT_EQ(status_of(send("PATCH", port_, "/api/v1/readings/1", review, viewer)), 403);
  const std::string reviewed = send("PATCH", port_, "/api/v1/readings/1", review, reviewer);
  ASSERT_EQ(status_of(reviewed), 200) << reviewed;
  EXPECT_EQ(json_of(reviewed)["review"]["reviewer"], "reviewer");
  for (const auto& cookie : {viewer, reviewer, operator_}) {
    EXPECT_EQ(status_of(get(port_, "/api/v1/users", cookie)), 403);
    EXPECT_EQ(status_of(get(port_, "/api/v1/audit", cookie)), 403);
    EXPECT_EQ(status_of(get(port_, "/api/v1/unknown", cookie)), 403);
  }
  EXPECT_EQ(status_of(get(port_, "/api/v1/unknown", log_in("administrator"))), 404);
}

TEST_F(DoorsTest, ChangesOfForeignPagesAreRefused) {
  const std::string cookie = log_in("operator");
  EXPECT_EQ(code_of(post(port_, commands, order, cookie)), "csrf");
  EXPECT_EQ(code_of(post(port_, commands, order, cookie + own + "Origin: http://evil\r\n")),
            "foreign_origin");
  EXPECT_EQ(status_of(post(port_, commands, order,
                           cookie + own + "Origin: https://127.0.0.1\r\n")), 202);
}

TEST_F(DoorsTest, SessionsEnd) {
  settings_.doors.session_idle_ms = -1;
  restart();
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", log_in("viewer"))), 401);
  settings_.doors.session_idle_ms = 3'600'000;
  settings_.doors.session_ms_max = -1;
  restart();
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", log_in("viewer"))), 401);
}

TEST_F(DoorsTest, AUserChangesTheirPassword) {
  const std::string here = log_in("viewer"), there = log_in("viewer");
  const std::string path = "/api/v1/session/password";
  const auto change = [&](const std::string& old, const std::string& fresh) {
    return send("PUT", port_, path, json{{"old", old}, {"new", fresh}}.dump(), here + own);
  };
  EXPECT_EQ(code_of(change("wrong", "another password")), "wrong_password");
  EXPECT_EQ(status_of(change(password, "short")), 400);
  EXPECT_EQ(status_of(change(password, "another password")), 200);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", here)), 200);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", there)), 401);
  EXPECT_EQ(status_of(log_in_answer("viewer")), 401);
  log_in("viewer", "another password");
}

TEST_F(DoorsTest, AdministratorsKeepTheUsers) {
  const std::string admin = log_in("administrator") + own;
  const std::string made = post(port_, "/api/v1/users",
                                R"({"name":"ana","role":"viewer","groups":["North"]})", admin);
  ASSERT_EQ(status_of(made), 201) << made;
  const std::string ana = log_in("ana", json_of(made)["password"]);
  EXPECT_EQ(status_of(post(port_, "/api/v1/users", R"({"name":"ana","role":"viewer"})", admin)),
            409);
  for (const char* body : {R"({"name":"../x","role":"viewer"})", R"({"name":"b","role":"root"})",
                           R"({"name":"b","role":"viewer","password":"short"})", R"({"name":"b"})",
                           R"({"name":"b","role":"viewer","groups":"x"})",
                           R"({"name":"b","role":"viewer","admin":true})"})
    EXPECT_EQ(status_of(post(port_, "/api/v1/users", body, admin)), 400) << body;
  EXPECT_EQ(status_of(send("PATCH", port_, "/api/v1/users/ana", R"({"disabled":true})", admin)),
            200);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", ana)), 401);
  const std::string users = body_of(get(port_, "/api/v1/users", admin));
  EXPECT_EQ(json::parse(users)["users"].size(), 6U);
  EXPECT_EQ(users.find("argon2"), std::string::npos);
  EXPECT_EQ(status_of(send("DELETE", port_, "/api/v1/users/ana", "", admin)), 200);
  EXPECT_EQ(status_of(send("DELETE", port_, "/api/v1/users/administrator", "", admin)), 409);
  EXPECT_EQ(status_of(send("PATCH", port_, "/api/v1/users/administrator", R"({"role":"viewer"})",
                           admin)), 409);
}

TEST_F(DoorsTest, TokensHaveScopesAndAnEnd) {
  const std::string operator_ = log_in("operator");
  const std::string reads = token(operator_, {"read"});
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", reads)), 200);
  EXPECT_EQ(status_of(post(port_, commands, order, reads)), 403);
  EXPECT_EQ(status_of(post(port_, commands, order, token(operator_, {"operate"}))), 202);
  EXPECT_EQ(status_of(get(port_, "/metrics", token(operator_, {"metrics"}))), 200);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", token(operator_, {"metrics"}))), 403);
  const auto make = [&](const json& body) {
    return post(port_, "/api/v1/tokens", body.dump(), operator_ + own);
  };
  EXPECT_EQ(status_of(make({{"name", "x"}, {"scopes", {"administer"}}})), 403);
  EXPECT_EQ(status_of(make({{"name", "x"}, {"scopes", json::array()}})), 400);
  EXPECT_EQ(status_of(make({{"name", "x"}, {"scopes", {"read"}}, {"expires_ms", 5}})), 400);
  store::Access access(*store_);
  ASSERT_TRUE(access.add_token({0, door::hash_token("mlt_old"), "old", "viewer",
                                *door::parse_rights("read"), 1, 2}));
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", "Authorization: Bearer mlt_old\r\n")), 401);
  const json mine = json_of(get(port_, "/api/v1/tokens", operator_))["tokens"];
  ASSERT_EQ(mine.size(), 4U);
  EXPECT_FALSE(mine[0].contains("token"));
  const std::string first = "/api/v1/tokens/" + mine[3]["id"].dump();
  EXPECT_EQ(status_of(send("DELETE", port_, first, "", log_in("viewer") + own)), 404);
  EXPECT_EQ(status_of(send("DELETE", port_, first, "", operator_ + own)), 200);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", reads)), 401);
}

TEST_F(DoorsTest, GroupsHideWhatIsOthers) {
  const std::string north = log_in("north") + own;
  const json devices = json_of(get(port_, "/api/v1/devices", north))["devices"];
  ASSERT_EQ(devices.size(), 1U);
  EXPECT_EQ(devices[0]["id"], "m1");
  EXPECT_EQ(json_of(get(port_, "/api/v1/readings", north))["readings"].size(), 1U);
  for (const char* path : {"/api/v1/photos/1.jpg", "/api/v1/readings/1", "/api/v1/devices/m1",
                           "/api/v1/meters/m1", "/api/v1/session", "/api/v1/meters"})
    EXPECT_EQ(status_of(get(port_, path, north)), 200) << path;
  for (const char* path : {"/api/v1/devices/m2", "/api/v1/devices/m2/settings/dtu",
                           "/api/v1/meters/m2", "/api/v1/photos/99.jpg"})
    EXPECT_EQ(status_of(get(port_, path, north)), 404) << path;
  for (const char* path : {"/api/v1/schedules", "/api/v1/images", "/api/v1/audit"})
    EXPECT_EQ(status_of(get(port_, path, north)), 403) << path;
  EXPECT_EQ(status_of(post(port_, commands, order, north)), 202);
  EXPECT_EQ(status_of(post(port_, "/api/v1/devices/m2/commands", order, north)), 404);
  EXPECT_EQ(status_of(post(port_, "/api/v1/meters", R"({"id":"mine"})", north)), 403);

  RawClient live(port_);
  live.send("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n" + north + "\r\n");
  live.read_until(": hello");
  api_->changed(Subject::device, "m2");
  api_->changed(Subject::device, "m1");
  const std::string seen = live.read_until("\"m1\"");
  EXPECT_NE(seen.find("\"m1\""), std::string::npos);
  EXPECT_EQ(seen.find("\"m2\""), std::string::npos) << seen;
}

TEST_F(DoorsTest, GroupsHideWhatIsOthersOnEveryRoute) {
  const std::string north = log_in("north") + own;
  for (const char* path :
       {"/api/v1/alarms", "/api/v1/alarms/1", "/api/v1/notify", "/api/v1/export/readings.csv",
        "/api/v1/export/readings.json", "/api/v1/second", "/api/v1/second/use",
        "/api/v1/commands", "/api/v1/commands?device=m2", "/api/v1/controls/1",
        "/api/v1/profiles", "/api/v1/profiles/1", "/api/v1/profiles/1/devices",
        "/api/v1/campaigns", "/api/v1/campaigns/1", "/api/v1/campaigns/1/devices",
        "/api/v1/groups", "/api/v1/users", "/api/v1/credentials",
        "/api/v1/products"})
    EXPECT_EQ(code_of(get(port_, path, north)), "forbidden") << path;
  for (const char* path :
       {"/api/v1/alarms/1/acknowledge", "/api/v1/import/meters", "/api/v1/import/readings",
        "/api/v1/profiles", "/api/v1/profiles/1/push", "/api/v1/campaigns",
        "/api/v1/campaigns/1/abort", "/api/v1/watches", "/api/v1/schedules"})
    EXPECT_EQ(code_of(post(port_, path, "{}", north)), "forbidden") << path;
  EXPECT_EQ(json_of(get(port_, "/api/v1/sessions", north))["sessions"].size(), 1U) << "one's own";
  // It would be another's, or out of sight.
  EXPECT_EQ(code_of(send("PUT", port_, "/api/v1/meters/m1/tags",
                         R"({"group":"South","labels":{},"version":0})", north)), "forbidden");
  const std::string other = std::to_string(capture("m2")->id);
  for (const std::string& path :
       {std::string("/api/v1/devices/m2/messages"), std::string("/api/v1/devices/m2/health"),
        std::string("/api/v1/devices/m2/controls"), std::string("/api/v1/devices/m2/tags"),
        std::string("/api/v1/meters/m2/second"), std::string("/api/v1/meters/m2/tags"),
        "/api/v1/commands/" + other, "/api/v1/commands/" + other + "/life",
        "/api/v1/commands/" + other + "/tries", std::string("/api/v1/readings/99/said")})
    EXPECT_EQ(code_of(get(port_, path, north)), "not_visible") << path;
  for (const char* path : {"/api/v1/meters/m2/photos", "/api/v1/devices/m2/reset",
                           "/api/v1/devices/m2/controls/gpio", "/api/v1/meters/m2/readings"})
    EXPECT_EQ(code_of(post(port_, path, "{}", north)), "not_visible") << path;
  EXPECT_EQ(code_of(send("DELETE", port_, "/api/v1/devices/m2?history=keep", "", north)),
            "not_visible");

  const std::string mine = std::to_string(capture("m1")->id);
  for (const std::string& path :
       {std::string("/api/v1/devices/m1/messages"), std::string("/api/v1/devices/m1/controls"),
        std::string("/api/v1/meters/m1/second"), "/api/v1/commands/" + mine + "/life",
        std::string("/api/v1/readings/1/said")})
    EXPECT_EQ(status_of(get(port_, path, north)), 200) << path;
}

TEST_F(DoorsTest, APhonesPhotoBelongsToItsMetersGroup) {
  photo::Photo photo;
  for (const std::string meter : {"m1", "m2"}) {
    photo.device = "phone:" + meter;
    photo.meter = meter;
    photo.path = (folder_ / "public/images/1.jpg").string();
    ASSERT_TRUE(store_->add_photos({&photo, 1}));
  }
  const std::string north = log_in("north");
  const json photos = json_of(get(port_, "/api/v1/photos", north))["photos"];
  ASSERT_EQ(photos.size(), 3U);
  EXPECT_EQ(photos[0]["meter"], "m1");
  EXPECT_EQ(status_of(get(port_, "/api/v1/photos/3.jpg", north)), 200);
  EXPECT_EQ(status_of(get(port_, "/api/v1/photos/4.jpg", north)), 404);
}

TEST_F(DoorsTest, GroupsCountOnlyWhatTheySee) {
  store::Fleet rows(*store_);
  ASSERT_TRUE(rows.save_tags(fleet::Kind::meter, "m1", {"North/cellar", {}, 0}));
  ASSERT_TRUE(rows.save_tags(fleet::Kind::meter, "m2", {"Northern", {}, 0}));
  validate::Reading reading = *store_->reading(1);
  reading.photo = 0;
  reading.meter = reading.device = "m2";
  reading.verdict = validate::Verdict::doubtful;
  ASSERT_TRUE(store_->add_reading(reading));
  for (const char* device : {"m1", "m2", "m2"}) ASSERT_TRUE(capture(device));
  const char* path = "/api/v1/summary?days=1&since=1";
  const json all = json_of(get(port_, path, log_in("viewer")));
  EXPECT_EQ(all["devices"], 3);
  EXPECT_EQ(all["doubtful"], 1);
  EXPECT_EQ(all["captures"]["open"], 3);
  EXPECT_EQ(all["days"][0]["doubtful"], 1);
  const json seen = json_of(get(port_, path, log_in("north")));
  EXPECT_EQ(seen["devices"], 1);
  EXPECT_EQ(seen["doubtful"], 0);
  EXPECT_EQ(seen["captures"]["open"], 1);
  EXPECT_EQ(seen["days"][0]["accepted"], 1);
  EXPECT_EQ(seen["days"][0]["doubtful"], 0);
}

TEST_F(DoorsTest, KeysOfRepetitionsAreTheCallersOwn) {
  const std::string key = "Idempotency-Key: k-1\r\n";
  const std::string operator_ = log_in("operator") + own, admin = log_in("administrator") + own;
  const std::string first = post(port_, commands, order, operator_ + key);
  ASSERT_EQ(status_of(first), 202) << first;
  EXPECT_EQ(body_of(post(port_, commands, order, operator_ + key)), body_of(first));
  EXPECT_EQ(code_of(post(port_, commands, order, log_in("viewer") + own + key)), "forbidden");
  EXPECT_EQ(status_of(post(port_, commands, order, key)), 401);
  const std::string others = post(port_, commands, order, admin + key);
  ASSERT_EQ(status_of(others), 202) << others;
  EXPECT_NE(body_of(others), body_of(first));
  EXPECT_EQ(json_of(get(port_, "/api/v1/audit?path=" + commands, admin))["entries"].size(), 2U)
      << "what was done once is written down once";
}

TEST_F(DoorsTest, ABodyThatIsTooLongIsNotLookedAt) {
  const std::string body = R"({"name":"viewer","password":")" + std::string(70'000, 'x') + "\"}";
  EXPECT_EQ(code_of(post(port_, "/api/v1/session", body)), "body_too_large");
}

TEST_F(DoorsTest, SessionsAreListedAndEnded) {
  const std::string viewer = log_in("viewer") + own, other = log_in("viewer");
  const std::string admin = log_in("administrator") + own, reviewer = log_in("reviewer") + own;
  const std::string path = "/api/v1/sessions";
  const json mine = json_of(get(port_, path, viewer))["sessions"];
  ASSERT_EQ(mine.size(), 2U) << mine;
  const bool is_first = mine[0]["own"];
  EXPECT_NE(mine[1]["own"], is_first) << "one of them asks";
  EXPECT_EQ(mine[0]["user"], "viewer");
  EXPECT_EQ(mine[0]["address"], "127.0.0.1");
  EXPECT_EQ(mine[0]["id"].get<std::string>().size(), 16U) << "the hash itself stays here";
  EXPECT_EQ(json_of(get(port_, path, admin))["sessions"].size(), 4U);
  const std::string one = path + "/" + mine[is_first ? 1 : 0]["id"].get<std::string>();
  EXPECT_EQ(code_of(send("DELETE", port_, one, "", reviewer)), "unknown_session");
  EXPECT_EQ(status_of(send("DELETE", port_, one, "", viewer)), 200);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", other)), 401);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", viewer)), 200);
  EXPECT_EQ(status_of(send("DELETE", port_, path + "/" + std::string(16, '0'), "", admin)), 404);
  const json all = json_of(get(port_, path, admin));
  for (const json& left : all["sessions"]) {
    if (left["user"] != "reviewer") continue;
    const std::string that = path + "/" + left["id"].get<std::string>();
    EXPECT_EQ(status_of(send("DELETE", port_, that, "", admin)), 200);
  }
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", reviewer)), 401);
  const json entry = json_of(get(port_, "/api/v1/audit", admin))["entries"][0];
  EXPECT_EQ(entry["before"]["sessions"][0]["user"], "reviewer") << entry;
  settings_.doors.session_idle_ms = -1;
  restart();
  EXPECT_EQ(status_of(get(port_, path, admin)), 401) << "ended ones are not shown to anybody";
}

TEST_F(DoorsTest, WhoHasLoggedInIsTheAuthor) {
  const std::string admin = log_in("administrator") + own;
  const std::string path = "/api/v1/meters/m1/second";
  const std::string changed = send("PUT", port_, path,
                                   R"({"policy":"local","author":"somebody else"})", admin);
  ASSERT_EQ(status_of(changed), 200) << changed;
  EXPECT_EQ(json_of(changed)["history"][0]["author"], "administrator");
  const std::string csv = "id,place\nw9,cellar\n";
  EXPECT_EQ(status_of(post(port_, "/api/v1/import/meters?author=somebody", csv, admin)), 200);
  const std::string named = "id,place,author\nw8,attic,somebody\n";
  EXPECT_EQ(status_of(post(port_, "/api/v1/import/meters", named, admin)), 200);
  for (const char* meter : {"w8", "w9"}) {
    const json history =
        json_of(get(port_, std::string("/api/v1/meters/") + meter + "/history", admin));
    EXPECT_EQ(history["history"][0]["author"], "administrator") << history;
  }
  const std::string values = "meter,at,value,author\nm1,2026-03-01T07:00:00Z,195.500,somebody\n";
  const std::string operator_ = token(log_in("operator"), {"operate", "read"});
  EXPECT_EQ(status_of(post(port_, "/api/v1/import/readings", values, operator_)), 200);
  const json readings = json_of(get(port_, "/api/v1/readings?meter=m1", admin))["readings"];
  EXPECT_EQ(readings[0]["review"]["reviewer"], "operator") << readings;
}

TEST_F(DoorsTest, UpkeepIsForAdministrators) {
  EXPECT_EQ(status_of(get(port_, "/api/v1/upkeep", log_in("operator"))), 403);
  EXPECT_EQ(status_of(post(port_, "/api/v1/second/test", "", log_in("operator") + own)), 403);
  const std::string admin = log_in("administrator") + own;
  const json state = json_of(get(port_, "/api/v1/upkeep", admin));
  EXPECT_TRUE(state["retention"]["looked_ms"].is_null());
  EXPECT_EQ(status_of(post(port_, "/api/v1/upkeep", "", admin)), 405);
  EXPECT_EQ(status_of(get(port_, "/api/v1/second/test", admin)), 405);
  const json tried = json_of(post(port_, "/api/v1/second/test", "", admin));
  EXPECT_EQ(tried["ok"], false);
  EXPECT_EQ(tried["error"], "there is no second reader");
}

TEST_F(DoorsTest, EveryChangeIsWrittenDown) {
  const std::string operator_ = log_in("operator") + own, admin = log_in("administrator") + own;
  log_in_answer("operator", "a planted secret");
  ASSERT_EQ(status_of(send("PATCH", port_, "/api/v1/meters/m1",
                           R"({"version":)" +
                               json_of(get(port_, "/api/v1/meters/m1", admin))["version"].dump() +
                               R"(,"place":"cellar"})",
                           operator_)), 200);
  post(port_, "/api/v1/users", R"({"name":"eve","role":"viewer","password":"planted secret"})",
       admin);
  const std::string bearer = token(admin, {"read"});
  EXPECT_EQ(status_of(send("PATCH", port_, "/api/v1/meters/m1", "{}", operator_)), 400);

  const json entries = json_of(get(port_, "/api/v1/audit", admin))["entries"];
  ASSERT_EQ(entries.size(), 6U) << entries;
  EXPECT_EQ(entries[0]["path"], "/api/v1/tokens");
  EXPECT_EQ(entries[0]["after"]["token"], "***");
  EXPECT_EQ(entries[1]["path"], "/api/v1/users");
  EXPECT_EQ(entries[1]["after"]["name"], "eve");
  const json& edit = entries[2];
  EXPECT_EQ(edit["who"], "operator");
  EXPECT_EQ(edit["by"], "session");
  EXPECT_EQ(edit["address"], "127.0.0.1");
  EXPECT_EQ(edit["method"], "PATCH");
  EXPECT_TRUE(edit["before"]["place"].is_null());
  EXPECT_EQ(edit["after"]["place"], "cellar");
  EXPECT_EQ(entries[3]["path"], "/api/v1/session");
  EXPECT_EQ(entries[3]["status"], 401);
  const std::string text = entries.dump();
  EXPECT_EQ(text.find("planted secret"), std::string::npos);
  EXPECT_EQ(text.find(bearer.substr(22, 20)), std::string::npos);
  EXPECT_EQ(json_of(get(port_, "/api/v1/audit?who=operator", admin))["entries"].size(), 3U);
}

TEST_F(DoorsTest, ManyLogInsLeaveOthersTheirAnswers) {
  const std::string cookie = log_in("viewer");
  std::vector<std::unique_ptr<RawClient>> clients;
  const std::string body = R"({"name":"viewer","password":"wrong"})";
  for (int i = 0; i < 40; ++i) {
    clients.push_back(std::make_unique<RawClient>(port_, 60));
    clients.back()->send("POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                         std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", cookie)), 200);
  int judged = 0, busy = 0, locked = 0;
  for (auto& client : clients) {
    const int status = status_of(client->read_answer());
    judged += status == 401;
    busy += status == 503;
    locked += status == 429;
  }
  EXPECT_EQ(judged, 10);
  EXPECT_EQ(judged + busy + locked, 40);
}

TEST_F(DoorsTest, OnLoopbackNobodyNeedsToLogIn) {
  settings_.doors.required = false;
  restart();
  EXPECT_EQ(json_of(get(port_, "/api/v1/session"))["by"], "local");
  EXPECT_EQ(status_of(post(port_, commands, order)), 202);
  EXPECT_EQ(json_of(get(port_, "/api/v1/session", log_in("viewer")))["role"], "viewer");
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", "Authorization: Bearer mlt_x\r\n")), 401);
  EXPECT_EQ(status_of(post(port_, "/api/v1/tokens", R"({"name":"x","scopes":["read"]})")), 403);
  RawClient foreign(port_);
  foreign.send("GET /api/v1/devices HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(code_of(foreign.read_answer()), "foreign_host");
}

}  // namespace
}  // namespace meterlens::api
