// Against a running server on 127.0.0.1 and a free port, with a store of its own.
#include "server/api/fixture.h"

#include <sqlite3.h>

namespace meterlens::api {
namespace {

TEST_F(ApiTest, ListsDevicesWithTheNewestOfEach) {
  const json devices = get_json("/api/v1/devices")["devices"];
  ASSERT_EQ(devices.size(), 3U);
  EXPECT_EQ(devices[0]["id"], "full");
  EXPECT_TRUE(devices[0]["newest_photo"].is_null());
  const json& m1 = devices[1];
  EXPECT_EQ(m1["newest_photo"]["id"], 2);
  EXPECT_EQ(m1["newest_reading"]["value"], "195.419");
  EXPECT_TRUE(m1["active_command"].is_null());
  EXPECT_TRUE(m1["firmware"].is_null());
  EXPECT_EQ(m1, get_json("/api/v1/devices/m1"));
}

TEST_F(ApiTest, TakesACaptureCommandAndShowsIt) {
  const std::string answer = post(port_, "/api/v1/devices/m1/commands", R"({"capture":1})");
  ASSERT_EQ(status_of(answer), 202) << answer;
  const json command = json::parse(body_of(answer));
  EXPECT_EQ(command["state"], "queued");
  EXPECT_EQ(command["device"], "m1");
  EXPECT_TRUE(command["reason"].is_null());
  EXPECT_EQ(get_json("/api/v1/commands/" + command["id"].dump()), command);
  EXPECT_EQ(get_json("/api/v1/devices/m1")["active_command"], command);
}

TEST_F(ApiTest, RefusesBodiesThatAreNotACapture) {
  const std::string path = "/api/v1/devices/m1/commands";
  for (const char* body : {"", "{", "1", "null", "[]", "{}", "\"capture\"", R"({"capture":2})",
                           R"({"capture":"1"})", R"({"capture":1.5})", R"({"capture":true})",
                           R"({"capture":1,"x":2})", R"({"capture":{}})", R"({"capture":1}x)",
                           "\xff\xfe{}", R"({"capture":-1})", R"({"capture":1e400})"}) {
    const std::string answer = post(port_, path, body);
    EXPECT_EQ(status_of(answer), 400) << body;
    EXPECT_EQ(code_of(answer), "bad_request") << body;
  }
  EXPECT_EQ(status_of(post(port_, path, std::string(60'000, '['))), 400);
  EXPECT_TRUE(store_->open_commands()->empty());
}

TEST_F(ApiTest, AnswersLargeBodiesWith413AndCutsOffHugeOnes) {
  const std::string path = "/api/v1/devices/m1/commands";
  const std::string megabyte = "{\"capture\":\"" + std::string(1'000'000, 'x') + "\"}";
  const std::string answer = post(port_, path, megabyte);
  EXPECT_EQ(status_of(answer), 413);
  EXPECT_EQ(code_of(answer), "body_too_large");

  RawClient client(port_);
  client.send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n");
  const std::string part(100'000, 'x');
  int sent = 0;
  while (sent < 200 && client.send(part)) ++sent;
  EXPECT_LT(sent, 200);
  EXPECT_TRUE(client.sees_end());
  EXPECT_EQ(status_of(get(port_, "/health")), 200);
}

TEST_F(ApiTest, MapsWhatTheServerSaysOfACommand) {
  const std::string full = post(port_, "/api/v1/devices/full/commands", R"({"capture":1})");
  EXPECT_EQ(status_of(full), 429);
  EXPECT_EQ(code_of(full), "queue_full");
  const std::string nobody = post(port_, "/api/v1/devices/nobody/commands", R"({"capture":1})");
  EXPECT_EQ(status_of(nobody), 404);
  EXPECT_EQ(code_of(nobody), "unknown_device");
}

TEST_F(ApiTest, TakesCommandsOnlyFromItsOwnPages) {
  const std::string path = "/api/v1/devices/m1/commands";
  const std::string foreign = "Origin: http://evil.example\r\n";
  EXPECT_EQ(status_of(post(port_, path, R"({"capture":1})", foreign)), 403);
  const std::string own = "Origin: http://127.0.0.1\r\n";
  EXPECT_EQ(status_of(post(port_, path, R"({"capture":1})", own)), 202);
}

TEST_F(ApiTest, FiltersReadingsAndPhotos) {
  EXPECT_EQ(get_json("/api/v1/readings")["readings"].size(), 1U);
  EXPECT_EQ(get_json("/api/v1/readings?meter=m1&verdict=accepted&since=1000")["readings"].size(),
            1U);
  EXPECT_EQ(get_json("/api/v1/readings?since=1001")["readings"].size(), 0U);
  EXPECT_EQ(get_json("/api/v1/readings?verdict=doubtful")["readings"].size(), 0U);
  EXPECT_EQ(get_json("/api/v1/readings?meter=&since=&verdict=")["readings"].size(), 1U);
  EXPECT_EQ(get_json("/api/v1/photos?device=m1")["photos"].size(), 2U);
  EXPECT_EQ(get_json("/api/v1/photos?device=m2")["photos"].size(), 0U);
  for (const char* wrong : {"readings?since=x", "readings?since=-1", "readings?since=1e3",
                            "readings?verdict=good", "readings?meter=a%20b", "readings?meter=%zz",
                            "photos?device=..", "photos?since=99999999999999999999"}) {
    EXPECT_EQ(status_of(get(port_, std::string("/api/v1/") + wrong)), 400) << wrong;
  }
}

TEST_F(ApiTest, ReviewsAReadingOnceForEveryVersion) {
  const std::string path = "/api/v1/readings/1";
  RawClient live(port_);
  live.send("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
  live.read_until(": hello");
  const json before = get_json(path);
  EXPECT_EQ(before["version"], 0);
  EXPECT_TRUE(before["review"].is_null());
  const std::string edit =
      R"({"version":0,"verdict":"manual","digits":"00195420","reason":"3 is 4","reviewer":"ann"})";
  const std::string answer = send("PATCH", port_, path, edit);
  ASSERT_EQ(status_of(answer), 200) << answer;
  const json after = json::parse(body_of(answer));
  EXPECT_EQ(after["verdict"], "manual");
  EXPECT_EQ(after["value"], "195.420");
  EXPECT_EQ(after["digits"], "00195420");
  EXPECT_EQ(after["review"]["reviewer"], "ann");
  EXPECT_EQ(after["review"]["seen"]["value"], "195.419");
  EXPECT_EQ(after["review"]["seen"]["verdict"], "accepted");
  EXPECT_GT(after["review"]["at_ms"], 1'700'000'000'000);
  EXPECT_EQ(get_json(path), after);
  EXPECT_EQ(get_json("/api/v1/devices/m1")["newest_reading"], after);
  EXPECT_EQ(get_json("/api/v1/readings?verdict=manual")["readings"][0], after);
  EXPECT_NE(live.read_until("\"195.420\"").find("event: reading"), std::string::npos);

  const std::string late = send("PATCH", port_, path, R"({"version":0,"verdict":"accepted"})");
  EXPECT_EQ(status_of(late), 409);
  EXPECT_EQ(code_of(late), "conflict");
  const std::string again = send("PATCH", port_, path,
                                 R"({"version":)" + after["version"].dump() +
                                     R"(,"verdict":"rejected","reason":"glare"})");
  ASSERT_EQ(status_of(again), 200) << again;
  EXPECT_EQ(json::parse(body_of(again))["verdict"], "rejected");
}

TEST_F(ApiTest, RefusesEditsThatAreWrong) {
  const std::string path = "/api/v1/readings/1";
  for (const char* body :
       {"", "[]", "{}", "null", R"({"verdict":"accepted"})", R"({"version":0})",
        R"({"version":"0","verdict":"accepted"})", R"({"version":-1,"verdict":"accepted"})",
        R"({"version":0.5,"verdict":"accepted"})", R"({"version":0,"verdict":"doubtful"})",
        R"({"version":1e30,"verdict":"accepted"})", R"({"version":0,"verdict":7})",
        R"({"version":0,"verdict":"accepted","digits":"00195419"})",
        R"({"version":0,"verdict":"manual"})", R"({"version":0,"verdict":"manual","digits":195})",
        R"({"version":0,"verdict":"manual","digits":"0019542a"})",
        R"({"version":0,"verdict":"manual","digits":""})",
        R"({"version":0,"verdict":"manual","value":195.42})",
        R"({"version":0,"verdict":"manual","value":"1e9"})",
        R"({"version":0,"verdict":"rejected"})",
        R"({"version":0,"verdict":"rejected","reason":"a\u0000b"})",
        R"({"version":0,"verdict":"accepted","other":1})",
        R"({"version":0,"verdict":"manual","digits":"1","value":"1"})"}) {
    const std::string answer = send("PATCH", port_, path, body);
    EXPECT_EQ(status_of(answer), 400) << body << answer;
  }
  const std::string good = R"({"version":0,"verdict":"accepted"})";
  const std::string nobody = send("PATCH", port_, "/api/v1/readings/99", good);
  EXPECT_EQ(status_of(nobody), 404);
  EXPECT_EQ(code_of(nobody), "unknown_reading");
  EXPECT_EQ(status_of(send("PATCH", port_, "/api/v1/readings/x", good)), 404);
  EXPECT_EQ(status_of(send("PATCH", port_, path, good, "Origin: http://evil.example\r\n")), 403);
  const std::string put = send("PUT", port_, path, good);
  EXPECT_EQ(status_of(put), 405);
  EXPECT_NE(put.find("Allow: GET, PATCH\r\n"), std::string::npos) << put;
  EXPECT_EQ(get_json(path)["version"], 0);
}

TEST_F(ApiTest, GivesThePhotoByteForByte) {
  const std::string answer = get(port_, "/api/v1/photos/1.jpg");
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(body_of(answer), "\xff\xd8\xff\xd9");
  EXPECT_NE(answer.find("Content-Type: image/jpeg\r\n"), std::string::npos);
  EXPECT_NE(answer.find("X-Content-Type-Options: nosniff\r\n"), std::string::npos);
  const std::size_t tag = answer.find("ETag: ") + 6;
  const std::string etag = answer.substr(tag, answer.find("\r\n", tag) - tag);
  EXPECT_EQ(status_of(get(port_, "/api/v1/photos/1.jpg", "If-None-Match: " + etag + "\r\n")), 304);
}

TEST_F(ApiTest, AnswersUnknownIdsAndPathsWith404) {
  const std::pair<const char*, const char*> cases[] = {
      {"/api/v1/devices/nobody", "unknown_device"},
      {"/api/v1/devices/..", "unknown_device"},
      {"/api/v1/devices/x%27%3B--", "unknown_device"},
      {"/api/v1/commands/99", "unknown_command"},
      {"/api/v1/commands/x", "unknown_command"},
      {"/api/v1/commands/99999999999999999999", "unknown_command"},
      {"/api/v1/photos/99.jpg", "unknown_photo"},
      {"/api/v1/photos/0.jpg", "unknown_photo"},
      {"/api/v1/photos/2.jpg", "photo_file_missing"},
      {"/api/v1/nothing", "unknown_path"},
      {"/api/v2/devices", "unknown_path"},
      {"/api/v1/devices/", "unknown_path"},
      {"/api/v1/devices/m1/commands/3", "unknown_path"},
      {"/nothing", "unknown_path"},
  };
  for (const auto& [path, code] : cases) {
    const std::string answer = get(port_, path);
    EXPECT_EQ(status_of(answer), 404) << path;
    EXPECT_EQ(code_of(answer), code) << path;
    EXPECT_EQ(answer.find("the secret"), std::string::npos) << path;
  }
}

TEST_F(ApiTest, NamesTheMethodThatIsAllowed) {
  const std::string answer = post(port_, "/api/v1/devices", "{}");
  EXPECT_EQ(status_of(answer), 405);
  EXPECT_NE(answer.find("Allow: GET\r\n"), std::string::npos);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices/m1/commands")), 405);
  EXPECT_EQ(status_of(post(port_, "/", "")), 405);
}

TEST_F(ApiTest, ServesTheConsoleWithItsTypes) {
  const std::string without = get(port_, "/");
  EXPECT_EQ(status_of(without), 200);
  EXPECT_NE(without.find("npm run build"), std::string::npos);

  put("console/index.html", "<p>console</p>");
  put("console/assets/a-1.js", "let a;");
  const std::string index = get(port_, "/?a=b");
  EXPECT_EQ(body_of(index), "<p>console</p>");
  EXPECT_NE(index.find("Content-Type: text/html; charset=utf-8\r\n"), std::string::npos);
  EXPECT_NE(index.find("Content-Security-Policy: default-src 'self'"), std::string::npos);
  const std::string script = get(port_, "/assets/a-1.js");
  EXPECT_NE(script.find("Content-Type: text/javascript"), std::string::npos);
  EXPECT_NE(script.find("immutable"), std::string::npos);
}

TEST_F(ApiTest, SendsACompressedFileToWhomTakesIt) {
  put("console/assets/a-1.js", "let a;");
  put("console/assets/a-1.js.gz", "packed");
  const std::string plain = get(port_, "/assets/a-1.js");
  EXPECT_EQ(body_of(plain), "let a;");
  EXPECT_EQ(plain.find("Content-Encoding"), std::string::npos);
  EXPECT_NE(plain.find("Vary: Accept-Encoding"), std::string::npos);
  const std::string packed = get(port_, "/assets/a-1.js", "Accept-Encoding: br, gzip\r\n");
  EXPECT_EQ(body_of(packed), "packed");
  EXPECT_NE(packed.find("Content-Encoding: gzip"), std::string::npos);
  EXPECT_NE(packed.find("Content-Type: text/javascript"), std::string::npos);
}

TEST_F(ApiTest, ServesNothingFromOutsideTheConsole) {
  put("console/.env", "the secret");
  fs::create_symlink(folder_ / "secret.txt", folder_ / "console" / "link.txt");
  fs::create_directory(folder_ / "console-other");
  put("console-other/a.txt", "the secret");
  for (const char* path :
       {"/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt", "//secret.txt", "/./../secret.txt", "/..\\secret.txt",
        "/.env", "/link.txt", "/assets", "/../console-other/a.txt", "/secret.txt%00.html",
        "/etc/passwd", "//etc/passwd", "/....//secret.txt"}) {
    const std::string answer = get(port_, path);
    EXPECT_NE(status_of(answer), 200) << path;
    EXPECT_EQ(answer.find("the secret"), std::string::npos) << path;
  }
}

TEST_F(ApiTest, TellsItsHealthMetricsAndDescription) {
  const json health = get_json("/health");
  EXPECT_EQ(health, (json{{"status", "ok"}, {"version", "9.9"}, {"broker", true}, {"store", "ok"},
                          {"reader", "ok"}}));
  EXPECT_EQ(get_json("/api/v1/health"), health);
  get(port_, "/api/v1/nothing");
  const std::string metrics = body_of(get(port_, "/metrics"));
  EXPECT_NE(metrics.find("\nmeterlens_http_requests_total 4\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("\nmeterlens_http_errors_total 1\n"), std::string::npos) << metrics;
  EXPECT_EQ(status_of(get(port_, "/api/v1/metrics")), 200);
  EXPECT_TRUE(body_of(get(port_, "/api/v1/openapi.yaml")).starts_with("openapi: 3.1"));
}

TEST_F(ApiTest, SaysWhenPhotosCannotBeStored) {
  storage_fault_ = "no room to write public/images: free space";
  const std::string answer = get(port_, "/health");
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_EQ(json::parse(body_of(answer))["store"], storage_fault_);
}

TEST_F(ApiTest, SaysWhenTheDatabaseIsLockedAndReadsOn) {
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ / "a.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  const std::string answer = get(port_, "/health");
  EXPECT_EQ(status_of(answer), 503);
  const json health = json::parse(body_of(answer));
  EXPECT_EQ(health["status"], "degraded");
  EXPECT_NE(std::string(health["store"]).find("locked by another program"), std::string::npos);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices")), 200);
  sqlite3_close(other);
}

TEST_F(ApiTest, SurvivesRandomBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::string bytes(1 + random() % 5000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    RawClient client(port_, 1);
    client.send((round % 2 == 0 ? "GET /" : "") + bytes + "\r\n\r\n");
  }
  RawClient long_url(port_, 2);
  long_url.send("GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(long_url.sees_end());
  RawClient many_headers(port_, 2);
  std::string headers = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 1000; ++i) headers += "X-" + std::to_string(i) + ": y\r\n";
  many_headers.send(headers + "\r\n");
  EXPECT_TRUE(many_headers.sees_end());
  EXPECT_EQ(status_of(get(port_, "/health")), 200);
}

TEST_F(ApiTest, KeepsAConnectionForSeveralRequests) {
  RawClient client(port_);
  for (int i = 0; i < 3; ++i) {
    client.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(status_of(client.read_answer()), 200);
  }
  client.send("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(client.read_answer()), 200);
  EXPECT_TRUE(client.sees_end());
}

TEST_F(ApiTest, TurnsFurtherConnectionsAway) {
  api_.reset();
  settings_.connection_count_max = 3;
  start();
  {
    std::vector<std::unique_ptr<RawClient>> held;
    for (int i = 0; i < 3; ++i) {
      held.push_back(std::make_unique<RawClient>(port_));
      held.back()->send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
      EXPECT_EQ(status_of(held.back()->read_answer()), 200);
    }
    RawClient further(port_);
    EXPECT_TRUE(further.sees_end());
  }
  // The server hears of the closed ones a little later.
  int status = 0;
  for (int i = 0; i < 1000 && status != 200; ++i) status = status_of(get(port_, "/health"));
  EXPECT_EQ(status, 200);
}

TEST_F(ApiTest, TellsLiveClientsWhatChanges) {
  const std::string request = "GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n";
  RawClient one(port_);
  RawClient two(port_);
  one.send(request);
  two.send(request);
  EXPECT_NE(one.read_until(": hello").find("Content-Type: text/event-stream"), std::string::npos);
  two.read_until(": hello");
  EXPECT_EQ(api_->live_clients(), 2);

  const std::string third = get(port_, "/api/v1/events");
  EXPECT_EQ(status_of(third), 503);
  EXPECT_EQ(code_of(third), "too_many_live_clients");

  api_->changed(Subject::reading, "99");  // not there: says nothing
  api_->changed(Subject::device, "m1");
  api_->changed(Subject::reading, "1");
  for (RawClient* client : {&one, &two}) {
    const std::string text = client->read_until("event: reading\ndata: {\"id\":1,");
    EXPECT_NE(text.find("event: device\ndata: {\"id\":\"m1\","), std::string::npos) << text;
    EXPECT_NE(text.find("event: reading\ndata: {\"id\":1,"), std::string::npos) << text;
  }
  api_.reset();
  EXPECT_TRUE(one.sees_end());
}

TEST_F(ApiTest, NamesThePortThatIsInUse) {
  Settings same = settings_;
  same.port = port_;
  const auto second = Api::start(same, *store_, metrics_, doors());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("127.0.0.1:" + std::to_string(port_) + " is in use"),
            std::string::npos) << second.error();
  same.address = "192.0.2.1";
  const auto elsewhere = Api::start(same, *store_, metrics_, doors());
  ASSERT_FALSE(elsewhere);
  EXPECT_NE(elsewhere.error().find("http.address"), std::string::npos) << elsewhere.error();
}

}  // namespace
}  // namespace meterlens::api
