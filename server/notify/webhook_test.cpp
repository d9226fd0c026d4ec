#include "server/notify/webhook.h"

#include <gtest/gtest.h>

#include "server/notify/http_client.h"
#include "server/notify/news_json.h"

namespace meterlens::notify {
namespace {

TEST(Webhook, SignsTimeAndBody) {
  EXPECT_EQ(signature("key", 1'700'000'000, "{\"a\":1}"),
            "t=1700000000,v1=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03");
  EXPECT_NE(signature("key", 1'700'000'001, "{}"), signature("key", 1'700'000'000, "{}"));
}

TEST(Webhook, TellsGoodFromLaterFromNever) {
  using enum Sent::Outcome;
  for (const int status : {200, 201, 204}) EXPECT_EQ(judge_status(status).outcome, done) << status;
  for (const int status : {100, 301, 302, 307, 401, 403, 404, 408, 409, 425, 429, 500, 503, 507})
    EXPECT_EQ(judge_status(status).outcome, later) << status;
  for (const int status : {400, 405, 413, 415, 422})
    EXPECT_EQ(judge_status(status).outcome, refused) << status;
}

TEST(Webhook, SaysWhatKindOfTroubleAStatusIs) {
  const std::pair<int, const char*> kinds[] = {
      {301, "redirect"},  {401, "not_let_in"}, {403, "not_let_in"}, {404, "wrong_address"},
      {400, "not_taken"}, {422, "not_taken"},  {429, "not_taken"},  {503, "not_taken"}};
  for (const auto& [status, kind] : kinds)
    EXPECT_STREQ(name(judge_status(status).trouble), kind) << status;
}

TEST(Webhook, NamesOnlyTheHost) {
  EXPECT_EQ(host_of("https://user:secret@host.example:8443/path/token?key=1"), "host.example:8443");
  EXPECT_EQ(host_of("http://h"), "h");
  EXPECT_EQ(host_of("h/x"), "h");
}

TEST(Webhook, SaysWhatWasAndWhatIs) {
  store::News news;
  news.kind = store::NewsKind::reading_corrected;
  news.stream = store::Stream::review;
  news.row = 45;
  news.at_ms = 99;
  news.reason = "misread \xff";
  news.value_before = "195.919";
  news.reading.id = 7;
  news.reading.meter = news.reading.device = "m";
  news.reading.at_ms = 1000;
  news.reading.value = "195.419";
  news.reading.verdict = validate::Verdict::manual;
  validate::Meter meter;
  meter.id = "m";
  meter.factor = "10";
  meter.unit = "m3";
  EXPECT_EQ(news_json("s", {&news, 1}, {&meter, 1}, 5),
            "{\"sink\":\"s\",\"sent_ms\":5,\"events\":[{\"id\":\"review-45\","
            "\"kind\":\"reading.corrected\",\"at_ms\":99,\"reason\":\"misread \xef\xbf\xbd\","
            "\"reading\":{\"id\":7,\"meter\":\"m\",\"device\":\"m\",\"photo\":null,\"at_ms\":1000,"
            "\"at\":\"1970-01-01T00:00:01Z\",\"value\":\"195.419\",\"verdict\":\"manual\","
            "\"amount\":\"1954.190\",\"unit\":\"m3\",\"serial\":\"\"},"
            "\"value_before\":\"195.919\"}]}");
}

}  // namespace
}  // namespace meterlens::notify
