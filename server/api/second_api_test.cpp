// The routes of the second reader, of photos that people send and of the life of commands.
#include "server/api/fixture.h"
#include "server/api/second_json.h"

namespace meterlens::api {
namespace {

class SecondApiTest : public ApiTest {
 protected:
  std::string send_photo(const std::string& path, const std::string& bytes) {
    return send("POST", port_, path, bytes);
  }
  std::string put_json(const std::string& path, const std::string& body) {
    return send("PUT", port_, path, body);
  }
  static std::string jpeg(char mark = 7) {
    std::string out("\xff\xd8\xff\xc0\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0\xff\xda\0\x02", 19);
    return out + mark + "\xff\xd9";
  }
};

TEST_F(SecondApiTest, a_photo_is_stored_once_and_listed) {
  const auto first = send_photo("/api/v1/meters/m1/photos?taken_at=2026-01-31T07:30:00%2B01:00",
                                jpeg() + "and what a phone adds");
  ASSERT_EQ(status_of(first), 201) << first;
  const json photo = json::parse(body_of(first));
  EXPECT_EQ(photo["meter"], "m1");
  EXPECT_EQ(photo["captured_at_ms"], 1'769'841'000'000);
  const auto again = send_photo("/api/v1/meters/m1/photos", jpeg() + "and what a phone adds");
  EXPECT_EQ(status_of(again), 200);
  EXPECT_EQ(json::parse(body_of(again))["id"], photo["id"]);
  EXPECT_EQ(status_of(send_photo("/api/v1/meters/m2/photos", jpeg())), 201);
  const json of_m1 = get_json("/api/v1/photos?meter=m1")["photos"];
  ASSERT_EQ(of_m1.size(), 2U) << "its camera's, with a reading, and the phone's";
  EXPECT_EQ(of_m1[0]["id"], photo["id"]);
}

TEST_F(SecondApiTest, a_bad_photo_gets_an_error_of_its_kind) {
  const std::string photos = "/api/v1/meters/m1/photos";
  const std::string big = std::string("\xff\xd8\xff\xc0\0\x0b\x08\xff\xff\xff\xff", 11) +
                          jpeg().substr(11);
  struct Row {
    std::string path, body;
    int status;
    const char* code;
  };
  for (const Row& row :
       {Row{photos, "", 400, "empty_body"}, Row{photos, "GIF89a", 415, "not_a_jpeg"},
        Row{photos, jpeg().substr(0, jpeg().size() - 2), 400, "truncated_jpeg"},
        Row{photos, big, 413, "too_many_pixels"},
        Row{photos, std::string("\xff\xd8\xff\xd9", 4), 400, "damaged_jpeg"},
        Row{photos, std::string((8 << 20) + 1, 'x'), 413, "body_too_large"},
        Row{photos + "?taken_at=tomorrow", jpeg(), 400, "bad_request"},
        Row{photos + "?taken_at=99999999999999", jpeg(), 400, "bad_request"},
        Row{"/api/v1/meters/nobody/photos", jpeg(), 404, "unknown_meter"},
        Row{"/api/v1/meters/..%2fx/photos", jpeg(), 404, "unknown_meter"}}) {
    const auto answer = send_photo(row.path, row.body);
    EXPECT_EQ(status_of(answer), row.status) << row.code;
    EXPECT_EQ(code_of(answer), row.code);
  }
  EXPECT_EQ(status_of(get(port_, photos)), 405);
  EXPECT_EQ(store_->photos({})->size(), 2U) << "none of them is stored";
}

TEST_F(SecondApiTest, a_meters_policy_is_set_kept_and_taken_back) {
  const std::string path = "/api/v1/meters/m1/second";
  EXPECT_EQ(get_json(path)["effective"], "local");
  const auto set = put_json(path, R"({"policy":"both-must-agree","author":"Ann"})");
  ASSERT_EQ(status_of(set), 200) << set;
  EXPECT_EQ(json::parse(body_of(set))["effective"], "both-must-agree");
  ASSERT_EQ(status_of(put_json(path, R"({"policy":null})")), 200);
  const json now = get_json(path);
  EXPECT_EQ(now["policy"], nullptr);
  EXPECT_EQ(now["history"].size(), 2U);
  for (const char* body : {"", "{}", "[]", R"({"policy":"baidoo"})", R"({"policy":7})",
                           R"({"policy":null,"x":1})", R"({"policy":null,"author":7})"})
    EXPECT_EQ(status_of(put_json(path, body)), 400) << body;
  EXPECT_EQ(status_of(put_json("/api/v1/meters/no/second", R"({"policy":null})")), 404);
}

TEST_F(SecondApiTest, the_state_shows_the_stop_and_the_use_but_no_key) {
  ASSERT_TRUE(store_->save_second_stop({second::Stop::Kind::quota, 0, "used up"}));
  EXPECT_EQ(get_json("/api/v1/second")["stop"]["kind"], "quota");
  const auto lifted =
      send("DELETE", port_, "/api/v1/second/stop", "");
  EXPECT_EQ(json::parse(body_of(lifted))["stop"], nullptr);
  ASSERT_TRUE(store_->save_second_stop({second::Stop::Kind::quota_today, 5, "used up"}));
  EXPECT_EQ(get_json("/api/v1/second")["stop"], nullptr) << "that day has passed";
  ASSERT_TRUE(store_->add_second_use({20'000, "m1", 3, 2, 10'000}));
  const json use = get_json("/api/v1/second/use?meter=m1&from=2024-10-04&to=2024-10-04");
  ASSERT_EQ(use["days"].size(), 1U);
  EXPECT_EQ(use["days"][0]["day"], "2024-10-04");
  EXPECT_EQ(use["days"][0]["cost"], "0.010000");
  EXPECT_EQ(get_json("/api/v1/second/use?to=2024-10-03")["days"].size(), 0U);
  EXPECT_EQ(status_of(get(port_, "/api/v1/second/use?from=2024-02-30")), 400);
  EXPECT_EQ(status_of(get(port_, "/api/v1/second/use?meter=a%20b")), 400);
}

TEST_F(SecondApiTest, a_command_shows_its_life_and_its_tries) {
  const auto ordered = post(port_, "/api/v1/devices/m1/commands", R"({"capture":1})");
  const std::int64_t id = json::parse(body_of(ordered))["id"];
  auto command = store_->command(id).value();
  command.state = command::State::expired;
  command.reason = "the device did not come online in time";
  ASSERT_TRUE(store_->save_command(command));
  const std::string path = "/api/v1/commands/" + std::to_string(id);
  const json life = get_json(path + "/life");
  ASSERT_EQ(life["life"].size(), 2U);
  EXPECT_EQ(life["life"][0]["state"], "queued");
  EXPECT_EQ(life["life"][1]["reason"], "the device did not come online in time");
  EXPECT_EQ(get_json("/api/v1/commands?device=m1")["commands"][0]["id"], id);
  EXPECT_EQ(get_json("/api/v1/commands?device=m2")["commands"].size(), 0U);
  command::LightTry one;
  one.device = "m1";
  one.first_command = id;
  one.number = 1;
  one.fault = "dark";
  one.light = "lamp at 100 %";
  ASSERT_TRUE(store_->add_light_try(one));
  const json tries = get_json(path + "/tries");
  EXPECT_EQ(tries["tries"][0]["light"], "lamp at 100 %");
  for (const char* wrong : {"/api/v1/commands/999/life", "/api/v1/commands/x/tries",
                            "/api/v1/readings/999/said"})
    EXPECT_EQ(status_of(get(port_, wrong)), 404) << wrong;
  EXPECT_EQ(get_json("/api/v1/readings/1/said")["said"].size(), 0U);
}

TEST(ParseMoment, takes_unix_ms_and_iso_8601_alone) {
  EXPECT_EQ(parse_moment("1769841000000"), 1'769'841'000'000);
  EXPECT_EQ(parse_moment("2026-01-31T06:30:00Z"), 1'769'841'000'000);
  EXPECT_EQ(parse_moment("2026-01-31T07:30:00.250+01:00"), 1'769'841'000'000);
  EXPECT_EQ(parse_moment("2026-01-31 01:30:00-05:00"), 1'769'841'000'000);
  for (const char* text : {"", "2026-01-31", "2026-01-31T06:30:00", "2026-02-31T06:30:00Z",
                           "2026-01-31T25:30:00Z", "2026-01-31T06:30:00+1", "x026-01-31T06:30:00Z",
                           "2026-01-31T06:30:00.", "-1"})
    EXPECT_FALSE(parse_moment(text)) << text;
}

}  // namespace
}  // namespace meterlens::api
