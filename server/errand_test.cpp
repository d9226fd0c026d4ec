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
  kind[1] = static_cast<char>(static_cast<int>(Kind::dues) + 1);
  EXPECT_FALSE(decode_errand(kind)) << "a kind that comes with a later version";
}

TEST(Errand, WhatIsDueOfManyIsOneErrand) {
  const std::vector<schedule::Due> dues{{7, "m1", 1'700'000'000'000, false}, {8, "m2", -1, true}};
  const auto errand = decode_errand(encode(errand_of(dues)));
  ASSERT_TRUE(errand);
  EXPECT_EQ(errand->kind, Kind::dues);
  EXPECT_EQ(errand->device, "m1");
  const auto back = dues_of(*errand);
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), 2U);
  EXPECT_EQ((*back)[0].device, "m1");
  EXPECT_EQ((*back)[0].due_ms, 1'700'000'000'000);
  EXPECT_FALSE((*back)[0].missed);
  EXPECT_EQ((*back)[1].device, "m2");
  EXPECT_TRUE((*back)[1].missed);

  const std::vector<Ordered> all{Ordered::yes, Ordered::no, Ordered::elsewhere};
  EXPECT_EQ(decode_ordered(encode(all)), all);
  EXPECT_FALSE(decode_outcome(encode(all)));
}

TEST(Errand, ForeignDuesAreNone) {
  const std::vector<schedule::Due> one{{0, "m1", 5, false}};
  const Errand good = errand_of(one);
  for (std::size_t bytes = 0; bytes < good.bytes.size(); ++bytes) {
    Errand cut = good;
    cut.bytes.resize(bytes);
    EXPECT_FALSE(dues_of(cut)) << bytes;
  }
  EXPECT_FALSE(dues_of(errand_of({})));
  EXPECT_FALSE(dues_of(errand_of(std::vector<schedule::Due>(dues_max + 1, one[0]))));
  EXPECT_FALSE(dues_of(full()));
  for (const std::string& foreign : {encode(Outcome{1, 2}), std::string("\xc4\x01\x03"),
                                     std::string("\xc4\x02\x01"), std::string()})
    EXPECT_FALSE(decode_ordered(foreign));
}

}  // namespace
}  // namespace meterlens::server
