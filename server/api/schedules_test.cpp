// Schedules through a running server on 127.0.0.1 and a free port.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "server/api/api.h"
#include "server/api/raw_client.h"

namespace meterlens::api {
namespace {

using nlohmann::json;
using test::body_of;
using test::get;
using test::post;
using test::send;
using test::status_of;
namespace fs = std::filesystem;

class SchedulesTest : public testing::Test {
 protected:
  SchedulesTest() {
    std::string name = (fs::temp_directory_path() / "schedules_test_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    store_ = *store::Store::open((folder_ / "a.db").string());
    Settings settings;
    settings.port = 0;
    Doors doors;
    doors.capture = [](const std::string&) { return std::unexpected(CaptureError{}); };
    doors.change_settings = [](const std::string&, protocol::Part, std::vector<std::uint8_t>) {
      return std::unexpected(CaptureError{});
    };
    doors.schedules_changed = [this] { ++told_; };
    doors.broker_connected = [] { return true; };
    doors.reader_state = doors.storage_fault = [] { return std::string(); };
    api_ = *Api::start(settings, *store_, metrics_, std::move(doors));
  }
  ~SchedulesTest() override {
    api_.reset();
    store_.reset();
    fs::remove_all(folder_);
  }

  std::string add(const std::string& body) { return post(api_->port(), path, body); }
  std::string change(const std::string& body) { return send("PUT", api_->port(), first, body); }
  static std::string error_of(const std::string& answer) {
    return json::parse(body_of(answer))["error"]["message"];
  }

  const std::string path = "/api/v1/schedules", first = "/api/v1/schedules/1";
  fs::path folder_;
  metrics::Metrics metrics_;
  std::unique_ptr<store::Store> store_;
  std::atomic<int> told_{0};
  std::unique_ptr<Api> api_;
};

TEST_F(SchedulesTest, AddedChangedAndDeleted) {
  EXPECT_EQ(json::parse(body_of(get(api_->port(), path))),
            json::parse(R"({"schedules":[],"next":null})"));
  const std::string added = add(
      R"({"name":"nights","cron":"0 2 * * *","zone":"Asia/Shanghai","devices":["b","a","b"]})");
  ASSERT_EQ(status_of(added), 201) << added;
  const json one = json::parse(body_of(added));
  EXPECT_EQ(one["devices"], json::parse(R"(["a","b"])"));
  EXPECT_EQ(one["spread_s"], 600);
  EXPECT_EQ(one["version"], 1);
  EXPECT_EQ(one["next_ms"].get<std::int64_t>() % 86'400'000, 18 * 3'600'000);
  EXPECT_EQ(told_, 1);
  const std::string changed = change(R"({"version":1,"enabled":false})");
  ASSERT_EQ(status_of(changed), 200) << changed;
  const json off = json::parse(body_of(changed));
  EXPECT_EQ(off["name"], "nights");
  EXPECT_EQ(off["version"], 2);
  EXPECT_TRUE(off["next_ms"].is_null());
  EXPECT_EQ(off, json::parse(body_of(get(api_->port(), first))));
  EXPECT_EQ(status_of(send("DELETE", api_->port(), first, "")), 200);
  EXPECT_EQ(status_of(get(api_->port(), first)), 404);
  EXPECT_EQ(status_of(send("DELETE", api_->port(), first, "")), 404);
  EXPECT_EQ(told_, 3);
}

TEST_F(SchedulesTest, NameMetersInsteadOfDevices) {
  const std::string added = add(R"({"name":"a","meters":["hot","cold","hot"],"grace_s":60})");
  ASSERT_EQ(status_of(added), 201) << added;
  const json one = json::parse(body_of(added));
  EXPECT_EQ(one["meters"], json::parse(R"(["cold","hot"])"));
  EXPECT_EQ(one["devices"], json::array());
  EXPECT_EQ(one["grace_s"], 60);
  const std::string changed =
      change(R"({"version":1,"meters":[],"meter_group":"house/2"})");
  ASSERT_EQ(status_of(changed), 200) << changed;
  EXPECT_EQ(json::parse(body_of(get(api_->port(), first)))["meter_group"], "house/2");
}

TEST_F(SchedulesTest, TheSecondOfTwoChangesIsAConflict) {
  ASSERT_EQ(status_of(add(R"({"name":"a"})")), 201);
  EXPECT_EQ(status_of(change(R"({"version":1,"name":"b"})")), 200);
  EXPECT_EQ(status_of(change(R"({"version":1,"name":"c"})")), 409);
  EXPECT_EQ(json::parse(body_of(get(api_->port(), first)))["name"], "b");
  EXPECT_EQ(told_, 2);
}

TEST_F(SchedulesTest, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> table[] = {
      {"", "JSON object"},
      {"[]", "JSON object"},
      {R"({})", "name"},
      {R"({"name":7})", "name"},
      {R"({"name":"a\u0000b"})", "name"},
      {R"({"name":"a","cron":"61 * * * *"})", "minute"},
      {R"({"name":"a","cron":"* * * * *","spread_s":61})", "spread_s"},
      {R"({"name":"a","zone":"../etc/passwd"})", "zone"},
      {R"({"name":"a","devices":"m1"})", "devices"},
      {R"({"name":"a","devices":["m1/up"]})", "devices"},
      {R"({"name":"a","spread_s":-1})", "spread_s"},
      {R"({"name":"a","spread_s":1e300})", "spread_s"},
      {R"({"name":"a","catch_up_s":18446744073709551615})", "catch_up_s"},
      {R"({"name":"a","grace_s":604801})", "grace_s"},
      {R"({"name":"a","meters":["a b"]})", "meters"},
      {R"({"name":"a","meters":"m1"})", "meters"},
      {R"({"name":"a","meter_group":"a//b"})", "group"},
      {R"({"name":"a","meters":["m"],"devices":["d"]})", "one of them"},
      {R"({"name":"a","meters":["m"],"meter_group":"g"})", "one of them"},
      {R"({"name":"a","group":"g","meter_group":"g"})", "one of them"},
      {R"({"name":"a","enabled":1})", "enabled"},
      {R"({"name":"a","colour":"red"})", "colour"},
  };
  for (const auto& [body, word] : table) {
    const std::string answer = add(body);
    EXPECT_EQ(status_of(answer), 400) << body;
    EXPECT_NE(error_of(answer).find(word), std::string::npos) << body << ": " << error_of(answer);
  }
  ASSERT_EQ(status_of(add(R"({"name":"a"})")), 201);
  EXPECT_EQ(status_of(change(R"({"name":"b"})")), 400);  // no version
  EXPECT_EQ(status_of(change(R"({"version":-1})")), 400);
  EXPECT_EQ(status_of(send("PUT", api_->port(), path + "/99", "{}")), 404);
  EXPECT_EQ(status_of(send("PUT", api_->port(), path + "/x", "{}")), 404);
  const std::string foreign = "Origin: http://evil.example\r\n";
  EXPECT_EQ(status_of(post(api_->port(), path, R"({"name":"a"})", foreign)), 403);
  EXPECT_EQ(status_of(send("DELETE", api_->port(), first, "", foreign)), 403);
  EXPECT_EQ(told_, 1);
}

TEST_F(SchedulesTest, HaveTwoPages) {
  for (const char* name : {"a", "b", "c"})
    ASSERT_EQ(status_of(add(json{{"name", name}, {"cron", "0 2 * * *"}}.dump())), 201);
  const json page = json::parse(body_of(get(api_->port(), path + "?limit=2")));
  ASSERT_EQ(page["schedules"].size(), 2U);
  EXPECT_EQ(page["next"], "2");
  const json rest = json::parse(body_of(get(api_->port(), path + "?limit=2&cursor=2")));
  ASSERT_EQ(rest["schedules"].size(), 1U);
  EXPECT_EQ(rest["schedules"][0]["name"], "c");
  EXPECT_EQ(rest["next"], nullptr);
  for (const char* wrong : {"?cursor=x", "?cursor=0", "?limit=0", "?limit=1001"})
    EXPECT_EQ(status_of(get(api_->port(), path + wrong)), 400) << wrong;
}

}  // namespace
}  // namespace meterlens::api
