#include "server/fleet/tags.h"

#include <gtest/gtest.h>

namespace meterlens::fleet {
namespace {

TEST(Tags, AGroupIsAPathWithoutGaps) {
  for (const char* good : {"", "a", "berlin/north/house 3", "\xe4\xb8\x89\xe5\x8f\xb7/2"})
    EXPECT_TRUE(check_group(good)) << good;
  for (const std::string& bad : {std::string("/a"), std::string("a/"), std::string("a//b"),
                                std::string("a\nb"), std::string(129, 'a'),
                                std::string("1/2/3/4/5/6/7/8/9")})
    EXPECT_FALSE(check_group(bad)) << bad;
}

TEST(Tags, BelowIsNotBeside) {
  EXPECT_TRUE(is_within("a/b", "a"));
  EXPECT_TRUE(is_within("a", "a"));
  EXPECT_FALSE(is_within("ab", "a"));
  EXPECT_FALSE(is_within("a", "a/b"));
  EXPECT_FALSE(is_within("a", ""));
}

TEST(Tags, LabelsAreBounded) {
  Tags tags;
  tags.labels["floor"] = "3";
  EXPECT_TRUE(check(tags));
  for (int i = 0; i < 16; ++i) tags.labels["l" + std::to_string(i)] = "";
  EXPECT_FALSE(check(tags));
  EXPECT_FALSE(check(Tags{"", {{"a b", "x"}}, 0}));
  EXPECT_FALSE(check(Tags{"", {{"a", std::string(65, 'x')}}, 0}));
}

TEST(Tags, ALabelOfAQueryHasAValueOrAny) {
  Target target;
  EXPECT_TRUE(parse_label("floor=3=4", target));
  EXPECT_EQ(target.label_name, "floor");
  EXPECT_EQ(target.label_value, "3=4");
  EXPECT_TRUE(parse_label("floor", target));
  EXPECT_EQ(target.label_value, "");
  EXPECT_FALSE(is_empty(target));
  EXPECT_TRUE(is_empty({}));
  EXPECT_FALSE(parse_label("=3", target));
}

}  // namespace
}  // namespace meterlens::fleet
