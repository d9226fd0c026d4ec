#include "protocol/json.h"

#include <gtest/gtest.h>

#include <string>

namespace meterlens::protocol {
namespace {

TEST(Json, AcceptsWhatRfc8259Accepts) {
  for (const char* text :
       {"{}", "[]", " { } ", R"({"a":1})", R"({"a":[1,2,{"b":null}],"c":true})", "0", "-0", "12",
        "-1.5e+10", "1E5", "0.25", "\"\"", R"("\u00e9\n\"\\\/")", "true", "false", "null",
        "[[[[]]]]", "[1 , 2]", R"({ "a" : "b" , "c" : [ ] })"})
    EXPECT_TRUE(json_text(text)) << text;
}

TEST(Json, RejectsTheRest) {
  for (const char* text :
       {"",        " ",        "{",          "}",       "[",           "{]",       "[}",
        "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1,]",    "[,1]",        "{,}",      "01",
        "+1",      "1.",       ".5",         "1e",      "1e+",         "-",        "tru",
        "nul",     "truex",    "\"",         "\"\\x\"", "\"\\u12g4\"", "\"a\nb\"", "{'a':1}",
        "{a:1}",   "{}{}",     "1 2",        "[1 2]",   "{\"a\":1]"})
    EXPECT_FALSE(json_text(text)) << text;
}

TEST(Json, LimitsTheDepth) {
  EXPECT_TRUE(json_text(std::string(32, '[') + std::string(32, ']')));
  EXPECT_FALSE(json_text(std::string(33, '[') + std::string(33, ']')));
  EXPECT_FALSE(json_text(std::string(100000, '[')));
}

TEST(Json, TakesOneValueAndLeavesTheRest) {
  std::string_view rest;
  const auto first = json_value(R"( {"a":"}"}  12,x)", rest);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->kind, JsonKind::object);
  EXPECT_EQ(first->text, R"({"a":"}"})");
  const auto second = json_value(rest, rest);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->text, "12");
  EXPECT_EQ(rest, ",x");
}

TEST(Json, ScannerEndsExactlyAtTheLastBrace) {
  const std::string text = R"({"image":{"end":true,"x":"\"}"}})";
  JsonScanner scanner;
  for (std::size_t i = 0; i + 1 < text.size(); ++i)
    ASSERT_EQ(scanner.put(text[i]), JsonScanner::State::open) << i;
  EXPECT_EQ(scanner.put(text.back()), JsonScanner::State::done);
}

TEST(Json, FindsMembers) {
  const auto object = json_text(R"({ "a" : 1 , "b" : {"a":2}, "c":[3,{"a":4}], "a":"last" })");
  ASSERT_TRUE(object);
  EXPECT_EQ(json_member(*object, "a")->text, "\"last\"");
  EXPECT_EQ(json_member(*object, "b")->text, R"({"a":2})");
  EXPECT_EQ(json_member(*object, "c")->kind, JsonKind::array);
  EXPECT_FALSE(json_member(*object, "d"));
  EXPECT_FALSE(json_member(*json_member(*object, "c"), "a"));
}

TEST(Json, ReadsIntegers) {
  EXPECT_EQ(json_integer(*json_text("-12")), -12);
  EXPECT_EQ(json_integer(*json_text("9223372036854775807")), INT64_MAX);
  EXPECT_FALSE(json_integer(*json_text("9223372036854775808")));
  EXPECT_FALSE(json_integer(*json_text("1.0")));
  EXPECT_FALSE(json_integer(*json_text("1e3")));
  EXPECT_FALSE(json_integer(*json_text("\"1\"")));
  EXPECT_FALSE(json_integer(*json_text("true")));
}

TEST(Json, EscapedTextIsAValidString) {
  std::string all;
  for (int c = 0; c < 128; ++c) all.push_back(static_cast<char>(c));
  std::string out(6 * all.size(), ' ');
  const auto count = json_escape(all, out);
  ASSERT_TRUE(count);
  EXPECT_TRUE(json_text("\"" + out.substr(0, *count) + "\""));
  EXPECT_EQ(*json_escape("a\"\\\n\x01", out), 1U + 2 + 2 + 2 + 6);
  EXPECT_EQ(out.substr(0, 13), "a\\\"\\\\\\n\\u0001");
  std::string small(3, ' ');
  EXPECT_FALSE(json_escape("ab\"c", small));
}

}  // namespace
}  // namespace meterlens::protocol
