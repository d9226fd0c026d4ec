#include "server/errand.h"

#include <gtest/gtest.h>

namespace meterlens::server {
namespace {

using Kind = Errand::Kind;

Errand full() {
  Errand errand;
  errand.kind = Kind::control;
  errand.device = "m1";
  errand.number = -7;
  errand.second = std::int64_t{1} << 50;
  errand.flag = true;
  errand.part = protocol::Part::dtu;
  errand.bytes = {0, 255, 128};
  return errand;
}

TEST(Errand, ComesOutAsItWentIn) {
  const Errand errand = full();
  const auto back = decode_errand(encode(errand));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->kind, errand.kind);
  EXPECT_EQ(back->device, errand.device);
  EXPECT_EQ(back->number, errand.number);
  EXPECT_EQ(back->second, errand.second);
  EXPECT_EQ(back->flag, errand.flag);
  EXPECT_EQ(back->part, errand.part);
  EXPECT_EQ(back->bytes, errand.bytes);
}

TEST(Errand, OutcomesAndNewsComeOutAsTheyWentIn) {
  const auto done = decode_outcome(encode(Outcome{-1, 4'000'000'000}));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->error, -1);
  EXPECT_EQ(done->id, 4'000'000'000);
  const auto refused = decode_outcome(encode(Outcome{2, 0}));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error, 2);

  const auto news = decode_news(encode(News{{Change::Kind::view, "m1", 9}, {3, 77, {1, 2}}}));
  ASSERT_TRUE(news);
  EXPECT_EQ(news->change.kind, Change::Kind::view);
  EXPECT_EQ(news->change.device, "m1");
  EXPECT_EQ(news->change.id, 9);
  EXPECT_EQ(news->view.number, 3);
  EXPECT_EQ(news->view.at_ms, 77);
  EXPECT_EQ(news->view.jpeg, (std::vector<std::uint8_t>{1, 2}));
}

// Of another version, damaged, or somebody else's: nothing, and nothing is thrown.
TEST(Errand, ForeignBytesAreNone) {
  const std::string errand = encode(full()), outcome = encode(Outcome{1, 2}),
                    news = encode(News{{Change::Kind::photo, "m1", 1}, {}});
  for (std::size_t bytes = 0; bytes < errand.size(); ++bytes)
    EXPECT_FALSE(decode_errand(errand.substr(0, bytes))) << bytes;
  for (std::size_t bytes = 0; bytes < news.size(); ++bytes)
    EXPECT_FALSE(decode_news(news.substr(0, bytes))) << bytes;
  for (const std::string& foreign : {outcome, news, std::string("\xc1"), std::string("{}")})
    EXPECT_FALSE(decode_errand(foreign));
  EXPECT_FALSE(decode_outcome(errand));
  EXPECT_FALSE(decode_news(errand));
  EXPECT_FALSE(decode_errand(errand + "x"));
  std::string kind = errand;
  kind[1] = static_cast<char>(static_cast<int>(Kind::control) + 1);
  EXPECT_FALSE(decode_errand(kind)) << "a kind that comes with a later version";
}

}  // namespace
}  // namespace meterlens::server
