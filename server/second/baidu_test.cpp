// The adapter in virtual time against a provider that is a list of answers.
#include "server/second/baidu.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <map>

namespace meterlens::second {
namespace {

constexpr const char* good_token = R"({"access_token":"24.token","expires_in":2592000})";
constexpr const char* good_words = R"({"words_result":[{"words":"00195419"}]})";

std::string error(int code) {
  return R"({"error_code":)" + std::to_string(code) + R"(,"error_msg":"said key-of-ours"})";
}

class BaiduTest : public testing::Test {
 protected:
  BaiduTest() {
    settings_.calls_per_second = 2;
    settings_.daily_quota = 100;
    settings_.price_micro = 5000;
  }

  std::unique_ptr<Baidu> open() {
    Book book;
    book.billed = [this](std::int64_t day) -> std::optional<std::int64_t> {
      if (!can_count_) return std::nullopt;
      return billed_[day];
    };
    book.add = [this](const Use& use) {
      billed_[use.day] += use.billed;
      calls_ += use.calls;
      cost_micro_ += use.cost_micro;
    };
    book.stopped = [this] { return stop_; };
    book.stop = [this](const Stop& stop) {
      stop_ = stop;
      ++stops_;
    };
    World world;
    world.post = [this](const Post& post) { return answer(post); };
    world.unix_ms = [this] { return unix_ms_; };
    world.steady_ms = [this] { return steady_ms_; };
    world.wait = [this](std::int64_t ms) {
      unix_ms_ += ms;
      steady_ms_ += ms;
      return !stopping_;
    };
    world.chance = [] { return 1.0; };
    return std::make_unique<Baidu>(settings_, Keys{"key-of-ours", "secret-of-ours"},
                                   std::move(book), std::move(world));
  }

  std::expected<Reply, std::string> answer(const Post& post) {
    if (post.url.find("/oauth/") != std::string::npos) {
      ++tokens_;
      if (tokens_answers_.empty()) return Reply{200, good_token};
      const std::string body = tokens_answers_.front();
      tokens_answers_.pop_front();
      return Reply{200, body};
    }
    asked_at_ms_.push_back(steady_ms_);
    last_ = post;
    if (answers_.empty()) return Reply{200, good_words};
    const std::string body = answers_.front();
    answers_.pop_front();
    if (body == "cut") return std::unexpected("the connection was cut");
    if (body == "500") return Reply{500, "<html>"};
    return Reply{200, body};
  }

  BaiduSettings settings_;
  std::deque<std::string> answers_, tokens_answers_;
  std::map<std::int64_t, std::int64_t> billed_;
  std::vector<std::int64_t> asked_at_ms_;
  Post last_;
  Stop stop_;
  int stops_ = 0, tokens_ = 0;
  std::int64_t calls_ = 0, cost_micro_ = 0;
  std::int64_t unix_ms_ = 1'796'000'000'000, steady_ms_ = 5'000;
  bool can_count_ = true, stopping_ = false;
};

TEST_F(BaiduTest, asks_as_the_provider_wants_it_and_counts_what_it_costs) {
  const auto baidu = open();
  const auto words = baidu->ask("m1", "aGVsbG8%3D");
  ASSERT_TRUE(words) << words.error().reason;
  EXPECT_EQ(words->front().text, "00195419");
  EXPECT_EQ(last_.url, "https://aip.baidubce.com/rest/2.0/ocr/v1/meter?access_token=24.token");
  EXPECT_EQ(last_.form, "image=aGVsbG8%3D&probability=true");
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(cost_micro_, 5000);
}

TEST_F(BaiduTest, keeps_the_token_and_renews_it_before_it_ends) {
  tokens_answers_ = {R"({"access_token":"a","expires_in":7200})",
                     R"({"access_token":"b","expires_in":7200})"};
  const auto baidu = open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(baidu->ask("m1", "x"));
  EXPECT_EQ(tokens_, 1);
  steady_ms_ += 3'700'000;
  ASSERT_TRUE(baidu->ask("m1", "x"));
  EXPECT_EQ(tokens_, 2);
  EXPECT_NE(last_.url.find("access_token=b"), std::string::npos);
}

TEST_F(BaiduTest, keys_are_tried_without_a_question_and_no_error_has_them) {
  settings_.daily_quota = 0;
  const auto baidu = open();
  EXPECT_TRUE(baidu->try_keys());
  EXPECT_TRUE(baidu->try_keys());
  EXPECT_EQ(tokens_, 2) << "a token that is there proves nothing";
  tokens_answers_ = {R"({"error":"invalid_client","error_description":"unknown secret-of-ours"})"};
  const auto wrong = baidu->try_keys();
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().find("unknown ***"), std::string::npos) << wrong.error();
  EXPECT_EQ(calls_, 0) << "it costs nothing";
  EXPECT_EQ(stop_.kind, Stop::Kind::none);
}

TEST_F(BaiduTest, a_token_that_is_refused_is_renewed_once_and_the_call_repeated_once) {
  for (const int code : {100, 110, 111}) {
    answers_ = {error(code)};
    const auto baidu = open();
    tokens_ = 0;
    ASSERT_TRUE(baidu->ask("m1", "x")) << code;
    EXPECT_EQ(tokens_, 2) << code;
  }
  answers_ = {error(111), error(111), error(111)};
  const auto baidu = open();
  const auto words = baidu->ask("m1", "x");
  ASSERT_FALSE(words);
  EXPECT_EQ(stop_.kind, Stop::Kind::configuration);
  EXPECT_EQ(answers_.size(), 1U) << "two calls, not more";
}

TEST_F(BaiduTest, tries_again_with_pauses_that_grow_and_then_gives_up) {
  settings_.calls_per_second = 1000;
  for (const std::string& bad : {error(1), error(2), error(4), error(282000), std::string("cut"),
                                 std::string("500"), std::string("garbage")}) {
    answers_ = {bad, bad, bad};
    asked_at_ms_.clear();
    const auto baidu = open();
    ASSERT_TRUE(baidu->ask("m1", "x")) << bad;
    ASSERT_EQ(asked_at_ms_.size(), 4U);
    EXPECT_GE(asked_at_ms_[1] - asked_at_ms_[0], 500);
    EXPECT_GE(asked_at_ms_[2] - asked_at_ms_[1], 1000);
    EXPECT_GE(asked_at_ms_[3] - asked_at_ms_[2], 2000);
  }
  answers_ = {"cut", "cut", "cut", "cut", "cut"};
  const auto baidu = open();
  const auto words = baidu->ask("m1", "x");
  ASSERT_FALSE(words);
  EXPECT_EQ(words.error().reason, "no answer after 4 tries: the connection was cut");
  EXPECT_TRUE(words.error().asked);
  EXPECT_EQ(answers_.size(), 1U);
  EXPECT_EQ(stops_, 0);
}

TEST_F(BaiduTest, never_asks_faster_than_allowed) {
  const auto baidu = open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(baidu->ask("m1", "x"));
  for (std::size_t i = 3; i < asked_at_ms_.size(); ++i)
    EXPECT_GE(asked_at_ms_[i] - asked_at_ms_[i - 3], 1000) << i;
}

TEST_F(BaiduTest, too_fast_empties_the_bucket) {
  settings_.calls_per_second = 10;
  answers_ = {error(18)};
  const auto baidu = open();
  ASSERT_TRUE(baidu->ask("m1", "x"));
  EXPECT_GE(asked_at_ms_[1] - asked_at_ms_[0], 1000);
}

TEST_F(BaiduTest, the_daily_quota_ends_asking_until_the_providers_midnight) {
  settings_.daily_quota = 2;
  const auto baidu = open();
  ASSERT_TRUE(baidu->ask("m1", "x"));
  ASSERT_TRUE(baidu->ask("m2", "x"));
  const auto words = baidu->ask("m1", "x");
  ASSERT_FALSE(words);
  EXPECT_FALSE(words.error().asked);
  EXPECT_EQ(words.error().reason, "the day's 2 calls are used up");
  EXPECT_EQ(stop_.kind, Stop::Kind::quota_today);
  EXPECT_GT(stop_.until_ms, unix_ms_);
  EXPECT_EQ((stop_.until_ms + settings_.day_offset_ms) % 86'400'000, 0);
  unix_ms_ = stop_.until_ms - 1;
  EXPECT_FALSE(baidu->ask("m1", "x"));
  EXPECT_EQ(stops_, 1) << "said once";
  unix_ms_ = stop_.until_ms;
  EXPECT_TRUE(baidu->ask("m1", "x"));
}

TEST_F(BaiduTest, what_stops_stops_all_further_calls) {
  const std::pair<int, Stop::Kind> table[] = {
      {17, Stop::Kind::quota_today}, {19, Stop::Kind::quota}, {3, Stop::Kind::configuration},
      {6, Stop::Kind::configuration}, {14, Stop::Kind::configuration},
      {216101, Stop::Kind::fault}, {282112, Stop::Kind::fault}, {283300, Stop::Kind::fault}};
  for (const auto& [code, kind] : table) {
    stop_ = {};
    answers_ = {error(code)};
    const auto baidu = open();
    EXPECT_FALSE(baidu->ask("m1", "x"));
    EXPECT_EQ(stop_.kind, kind) << code;
    EXPECT_EQ(stop_.until_ms != 0, kind == Stop::Kind::quota_today) << code;
    const std::size_t before = asked_at_ms_.size();
    EXPECT_FALSE(baidu->ask("m1", "x"));
    EXPECT_EQ(asked_at_ms_.size(), before) << code;
  }
}

TEST_F(BaiduTest, a_photo_that_cannot_be_read_is_asked_once_and_stops_nothing) {
  for (const int code : {216200, 216201, 216202, 216630, 216631, 282102, 282103}) {
    answers_ = {error(code)};
    const auto baidu = open();
    EXPECT_FALSE(baidu->ask("m1", "x"));
    EXPECT_TRUE(answers_.empty());
    EXPECT_TRUE(baidu->ask("m1", "x")) << code;
  }
  EXPECT_EQ(stops_, 0);
}

TEST_F(BaiduTest, wrong_keys_stop_it_and_no_text_shows_a_secret) {
  tokens_answers_ = {
      R"({"error":"invalid_client","error_description":"secret-of-ours is unknown"})"};
  const auto baidu = open();
  const auto words = baidu->ask("m1", "x");
  ASSERT_FALSE(words);
  EXPECT_EQ(stop_.kind, Stop::Kind::configuration);
  stop_ = {};
  answers_ = {R"({"error_code":216630,"error_msg":"24.token key-of-ours secret-of-ours"})"};
  const auto echo = baidu->ask("m1", "x");
  ASSERT_FALSE(echo);
  for (const std::string& text : {words.error().reason, echo.error().reason}) {
    for (const char* secret : {"24.token", "key-of-ours", "secret-of-ours"})
      EXPECT_EQ(text.find(secret), std::string::npos) << text;
  }
}

TEST_F(BaiduTest, does_not_ask_what_it_cannot_count_and_ends_when_told) {
  can_count_ = false;
  EXPECT_FALSE(open()->ask("m1", "x"));
  EXPECT_EQ(calls_, 0);
  can_count_ = true;
  stopping_ = true;
  answers_ = {"cut", "cut"};
  const auto words = open()->ask("m1", "x");
  ASSERT_FALSE(words);
  EXPECT_EQ(answers_.size(), 1U);
}

TEST(Check, lets_keys_go_only_where_nobody_listens) {
  BaiduSettings settings;
  EXPECT_TRUE(check(settings));
  for (const char* url : {"http://127.0.0.1:8080", "http://localhost", "http://[::1]:1",
                          "https://proxy.example"}) {
    settings.base_url = url;
    EXPECT_TRUE(check(settings)) << url;
  }
  for (const char* url : {"http://aip.baidubce.com", "http://127.0.0.1.example", "ftp://x", "",
                          "https://user@host", "http://localhost.example"}) {
    settings.base_url = url;
    EXPECT_FALSE(check(settings)) << url;
  }
}

TEST(UrlEncoded, leaves_nothing_that_means_something_in_a_form) {
  EXPECT_EQ(url_encoded("aZ09-._~+/=& %"), "aZ09-._~%2B%2F%3D%26%20%25");
}

}  // namespace
}  // namespace meterlens::second
