#include "server/ingest/text_joiner.h"

#include <gtest/gtest.h>

#include <random>

namespace meterlens::ingest {
namespace {

using Texts = std::vector<std::string>;

struct Join {
  const char* name;
  Texts parts;
  Texts whole;          // after all parts
  Texts after_give_up;  // what giving up adds
  bool drops = false;
};

class TextJoinerTest : public ::testing::TestWithParam<Join> {};

TEST_P(TextJoinerTest, restores_texts) {
  TextJoiner joiner(1000);
  Texts whole;
  for (const std::string& part : GetParam().parts) joiner.add(part, 1, whole);
  EXPECT_EQ(whole, GetParam().whole);
  Texts late;
  joiner.give_up(late);
  EXPECT_EQ(late, GetParam().after_give_up);
  EXPECT_EQ(joiner.take_dropped() > 0, GetParam().drops);
  EXPECT_EQ(joiner.pending_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TextJoinerTest,
    ::testing::Values(
        Join{"whole", {R"({"a":1})"}, {R"({"a":1})"}, {}},
        Join{"split", {R"({"a":"x)", R"(y"})"}, {R"({"a":"xy"})"}, {}},
        Join{"split_in_escape", {"{\"a\":\"x\\", "\"y\"}"}, {"{\"a\":\"x\\\"y\"}"}, {}},
        Join{"brace_in_string", {R"({"a":"}{"})"}, {R"({"a":"}{"})"}, {}},
        Join{"three_parts", {"{", R"("a")", ":1}"}, {R"({"a":1})"}, {}},
        Join{"glued", {R"({"a":1}{"b":2})"}, {R"({"a":1})", R"({"b":2})"}, {}},
        Join{"glued_with_space", {"{\"a\":1}\r\n{\"b\":2}\n"}, {R"({"a":1})", R"({"b":2})"}, {}},
        Join{"glued_and_split", {R"({"a":1}{"b)", R"(":2})"}, {R"({"a":1})", R"({"b":2})"}, {}},
        Join{"last_brace_missing", {R"({"a":{"b":1})"}, {}, {R"({"a":{"b":1}})"}},
        Join{"brace_missing_before_next",
             {R"({"a":{"b":1})", R"({"c":2})"},
             {R"({"a":{"b":1}})", R"({"c":2})"},
             {}},
        Join{"brace_left_over_from_lenient_dtu", {"}", R"({"c":2})"}, {R"({"c":2})"}, {}},
        Join{"end_before_beginning", {R"(y"}})", R"({"a":{"b":"x)"}, {}, {R"({"a":{"b":"xy"}})"}},
        Join{"end_before_beginning_then_next",
             {R"(y"}})", R"({"a":{"b":"x)", R"({"c":2})"},
             {R"({"a":{"b":"xy"}})", R"({"c":2})"},
             {}},
        Join{"lost_end", {R"({"a":"x)", R"({"c":2})"}, {R"({"c":2})"}, {}, true},
        Join{"lost_beginning", {"abcdef\"}", R"({"c":2})"}, {R"({"c":2})"}, {}, true},
        Join{"never_ends", {R"({"a":"x)"}, {}, {}, true},
        Join{"value_missing", {R"({"a":)"}, {}, {}, true},
        Join{"too_deep", {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[["}, {}, {}, true},
        Join{"too_long",
             {"{\"a\":\"" + std::string(2000, 'x'), R"({"c":2})"},
             {R"({"c":2})"},
             {},
             true}),
    [](const auto& c) { return c.param.name; });

TEST(TextJoiner, any_split_of_glued_texts_gives_the_texts_back) {
  const Texts texts = {R"({"image":{"image_file":"a.jpg","image_binary":"AAAA\n"}})",
                       R"({"image":{"image_file":"a.jpg","image_end":true}})"};
  const std::string all = texts[0] + texts[1];
  for (std::size_t i = 0; i <= all.size(); ++i) {
    for (std::size_t j = i; j <= all.size(); j += 7) {
      TextJoiner joiner(4096);
      Texts whole;
      joiner.add(all.substr(0, i), 1, whole);
      joiner.add(all.substr(i, j - i), 2, whole);
      joiner.add(all.substr(j), 3, whole);
      ASSERT_EQ(whole, texts) << "split at " << i << " and " << j;
    }
  }
}

TEST(TextJoiner, random_bytes_stay_within_the_bound) {
  std::mt19937 random(7);
  TextJoiner joiner(500);
  Texts whole;
  for (int round = 0; round < 2000; ++round) {
    std::string part(random() % 200, ' ');
    for (char& c : part) c = "{}[]\",:\\x \n"[random() % 11];
    joiner.add(part, round, whole);
    ASSERT_LE(joiner.pending_bytes(), 500u + 4096u);
  }
}

}  // namespace
}  // namespace meterlens::ingest
