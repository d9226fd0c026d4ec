#include "server/api/csv.h"

#include <gtest/gtest.h>

namespace meterlens::api {
namespace {

using Fields = std::vector<std::string>;

TEST(Csv, TakesPlainAndQuotedFields) {
  const auto lines = parse_csv("\xef\xbb\xbf" "a,b\r\n\n1,\"x, \"\"y\"\"\nz\"\r\n,\n\"\",last");
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].fields, (Fields{"a", "b"}));
  EXPECT_EQ(lines[1].fields, (Fields{"1", "x, \"y\"\nz"}));
  EXPECT_EQ(lines[1].number, 3);
  EXPECT_EQ(lines[2].fields, (Fields{"", ""}));
  EXPECT_EQ(lines[2].number, 5);
  EXPECT_EQ(lines[3].fields, (Fields{"", "last"}));
  for (const CsvLine& line : lines) EXPECT_EQ(line.wrong, "");
  EXPECT_TRUE(parse_csv("").empty());
  EXPECT_TRUE(parse_csv("\n\r\n\n").empty());
}

TEST(Csv, SaysWhichLinesAreWrongAndGoesOn) {
  const auto lines = parse_csv("a\"b,1\n\"a\"b,2\nc,3\n\"never,4\nd,5");
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_NE(lines[0].wrong, "");
  EXPECT_NE(lines[1].wrong, "");
  EXPECT_EQ(lines[2].wrong, "");
  EXPECT_EQ(lines[2].number, 3);
  EXPECT_NE(lines[3].wrong, "");
}

TEST(Csv, WritesWhatItReads) {
  const Fields fields{"plain", "a,b", "say \"x\"", "two\r\nlines", "", " blank "};
  const std::string text = csv_line(fields);
  EXPECT_EQ(text, "plain,\"a,b\",\"say \"\"x\"\"\",\"two\r\nlines\",, blank \r\n");
  EXPECT_EQ(parse_csv(text).at(0).fields, fields);
}

}  // namespace
}  // namespace meterlens::api
