#include "server/notify/amount.h"

#include <gtest/gtest.h>

namespace meterlens::notify {
namespace {

TEST(Amount, IsExactWhateverTheSize) {
  EXPECT_EQ(amount("195.419", "1"), "195.419");
  EXPECT_EQ(amount("195.419", "10"), "1954.190");
  EXPECT_EQ(amount("195", "0.1"), "19.5");
  EXPECT_EQ(amount("0.05", "0.001"), "0.00005");
  EXPECT_EQ(amount("000.10", "1.000"), "0.10");
  EXPECT_EQ(amount("0", "10"), "0");
  EXPECT_EQ(amount("7", "2.50"), "17.5");
  EXPECT_EQ(amount("0000", "3"), "0");
  EXPECT_EQ(amount("999999999999.999", "123456789.123456"), "123456789123455876543.210876544");
  for (const char* wrong : {"", ".", "1.", ".5", "1.2.3", "-1", "1e3", " 1", "1,5"}) {
    EXPECT_FALSE(amount(wrong, "1")) << wrong;
    EXPECT_FALSE(amount("1", wrong)) << wrong;
  }
}

TEST(Amount, IsComparedAtTheCoarserResolution) {
  EXPECT_TRUE(is_less("195.418", "195.419"));
  EXPECT_FALSE(is_less("195.41", "195.419"));
  EXPECT_FALSE(is_less("195.419", "195.41"));
  EXPECT_TRUE(is_less("195.40", "195.419"));
  EXPECT_TRUE(is_less("99", "100"));
  EXPECT_FALSE(is_less("0100", "99"));
  EXPECT_FALSE(is_less("5", "5"));
}

TEST(Time, IsUtcAndComesBack) {
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(time_text(1'772'348'709'120), "2026-03-01T07:05:09.120Z");
  EXPECT_EQ(parse_time("2026-03-01T07:05:09.120Z"), 1'772'348'709'120);
  EXPECT_EQ(parse_time("2026-03-01T08:05:09.120+01:00"), 1'772'348'709'120);
  EXPECT_EQ(parse_time("2026-03-01 07:05Z"), 1'772'348'700'000);
  EXPECT_EQ(parse_time("2024-02-29T23:59:59-00:30"), 1'709'252'999'000);
  for (const char* wrong :
       {"", "2026-02-29T00:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T07:05:09", "2026-03-01",
        "2026-03-01T07:05:9Z", "2026-03-01T07:05:09.1Z", "2026-13-01T07:05:09Z",
        "2026-03-01T07:05:09+1:00", "2026-03-01T07:05:09Z ", "x026-03-01T07:05:09Z",
        "2026-03-01T07:05:", "2026-03-01T07:05:09."}) {
    EXPECT_FALSE(parse_time(wrong)) << wrong;
  }
}

TEST(Quality, SaysWhoStandsBehindAReading) {
  validate::Reading reading;
  reading.verdict = validate::Verdict::accepted;
  EXPECT_EQ(quality_of(reading), 'A');
  reading.review = validate::Review{};
  EXPECT_EQ(quality_of(reading), 'V');
  reading.review->by_server = true;
  EXPECT_EQ(quality_of(reading), 'A');
  reading.verdict = validate::Verdict::manual;
  EXPECT_EQ(quality_of(reading), 'M');
  reading.verdict = validate::Verdict::estimated;
  EXPECT_EQ(quality_of(reading), 'E');
  reading.verdict = validate::Verdict::doubtful;
  EXPECT_EQ(quality_of(reading), 'D');
  reading.verdict = validate::Verdict::rejected;
  EXPECT_EQ(quality_of(reading), 'R');
}

}  // namespace
}  // namespace meterlens::notify
