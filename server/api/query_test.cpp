#include "server/api/query.h"

#include <gtest/gtest.h>

#include "server/api/files.h"

namespace meterlens::api {
namespace {

TEST(Query, DecodesEscapes) {
  EXPECT_EQ(decode("a%20b+c"), "a b+c");
  EXPECT_EQ(decode(""), "");
  for (const char* bad : {"%", "%4", "%zz", "%4g", "a%00b", "a\nb", "%7f", "%9c", "\xff"}) {
    EXPECT_FALSE(decode(bad)) << bad;
  }
}

TEST(Query, TakesIdsOfPlainDigitsOnly) {
  EXPECT_EQ(parse_id("7"), 7);
  EXPECT_EQ(parse_id("999999999999999999"), 999999999999999999);
  for (const char* bad : {"", "0", "-1", "+1", " 1", "1 ", "0x1", "1.0", "9999999999999999999"}) {
    EXPECT_FALSE(parse_id(bad)) << bad;
  }
}

TEST(Query, MatchesPaths) {
  EXPECT_EQ(match("/a/{id}", "/a/x"), "x");
  EXPECT_EQ(match("/a/{id}/b", "/a/x/b"), "x");
  EXPECT_EQ(match("/p/{id}.jpg", "/p/7.jpg"), "7");
  EXPECT_EQ(match("/a", "/a"), "");
  const std::pair<const char*, const char*> no[] = {
      {"/a", "/a/"}, {"/a/{id}", "/a/"}, {"/a/{id}", "/a/x/y"}, {"/p/{id}.jpg", "/p/.jpg"},
      {"/p/{id}.jpg", "/p/7.png"}, {"/a/{id}/b", "/a/b"}, {"/a/{id}", "/b/x"}};
  for (const auto& [pattern, path] : no) EXPECT_FALSE(match(pattern, path)) << pattern << path;
}

TEST(Query, ReadsFilters) {
  const auto all = parse_filter("meter=m1&since=5&verdict=doubtful&other=x", "meter", true);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->device, "m1");
  EXPECT_EQ(all->since_ms, 5);
  EXPECT_EQ(all->verdict, "doubtful");
  EXPECT_EQ(all->count_max, 100);
  EXPECT_TRUE(parse_filter("", "device", false));
  EXPECT_TRUE(parse_filter("&&=&a&since=", "device", false));
  EXPECT_EQ(parse_filter("verdict=doubtful", "device", false)->verdict, "");
  for (const char* bad : {"device=a/b", "device=.x", "since=now", "since=-5", "device=%"}) {
    EXPECT_FALSE(parse_filter(bad, "device", false)) << bad;
  }
}

TEST(Files, KnowsTypesByEnding) {
  EXPECT_EQ(content_type_of("/a.html"), "text/html; charset=utf-8");
  EXPECT_EQ(content_type_of("/a.js.map"), "application/json");
  EXPECT_EQ(content_type_of("/a"), "application/octet-stream");
}

}  // namespace
}  // namespace meterlens::api
