#include "server/validate/review.h"

#include <gtest/gtest.h>

#include "server/validate/validate.h"

namespace meterlens::validate {
namespace {

Reading reading_of(const std::string& digits, int certain, int red) {
  Claim claim;
  claim.meter = claim.device = "m1";
  claim.status = digits.empty() ? "unreadable" : "read";
  claim.digits = digits;
  claim.certain = certain;
  claim.red = red;
  return judge(claim, {}).readings.at(0);
}

Edit manual(const std::string& digits, const std::string& value = "") {
  return {Verdict::manual, digits, value, "", "ann"};
}

struct Case {
  const char* about;
  const char* seen;  // digits the reader saw, with `red` decimals
  int red;
  const char* newest;  // digits of the newest accepted reading, 3 of them decimals; empty: none
  Edit edit;
  const char* digits;  // after the edit; empty: it is refused
  const char* value;
};

class Reviewed : public testing::TestWithParam<Case> {};

TEST_P(Reviewed, GivesTheNumberOrRefuses) {
  const Case& c = GetParam();
  const Reading reading = reading_of(c.seen, static_cast<int>(std::string(c.seen).size()), c.red);
  std::optional<Reading> newest;
  if (*c.newest != '\0') newest = reading_of(c.newest, 8, 3);
  const auto out = review(reading, c.edit, newest, {}, 77);
  ASSERT_EQ(out.has_value(), *c.digits != '\0') << c.about << (out ? "" : out.error());
  if (!out) {
    EXPECT_FALSE(out.error().empty());
    return;
  }
  EXPECT_EQ(out->digits, c.digits) << c.about;
  EXPECT_EQ(out->value, c.value) << c.about;
  EXPECT_EQ(out->certain, static_cast<int>(out->digits.size())) << c.about;
  EXPECT_EQ(out->value_decimals, out->red) << c.about;
  EXPECT_EQ(out->verdict, Verdict::manual) << c.about;
}

const char* const wheels8 = "00195419";
INSTANTIATE_TEST_SUITE_P(Table, Reviewed, testing::Values(
    Case{"digits", wheels8, 3, wheels8, manual("00195420"), "00195420", "195.420"},
    Case{"value", wheels8, 3, wheels8, manual("", "195.420"), "00195420", "195.420"},
    Case{"value with zeros before it", wheels8, 3, wheels8, manual("", "000.020"), "00000020",
         "0.020"},
    Case{"zero", "00000", 0, "", manual("", "0"), "00000", "0"},
    Case{"the reader saw a wheel less", "0195419", 3, wheels8, manual("00195420"), "00195420",
         "195.420"},
    Case{"a new register", "01954", 0, wheels8, manual("01955"), "01955", "1955"},
    Case{"the reader missed the decimals", wheels8, 0, wheels8, manual("00195420"), "00195420",
         "195.420"},
    Case{"nothing seen", "", 0, wheels8, manual("", "195.420"), "00195420", "195.420"},
    Case{"nothing seen, nothing known", "", 0, "", manual("", "195.420"), "195420", "195.420"},
    Case{"first reading, wheels miscounted", "0195", 0, "", manual("00195"), "00195", "195"},
    Case{"first reading, decimals missed", wheels8, 0, "", manual("", "195.420"), "00195420",
         "195.420"},
    Case{"a wheel too few", wheels8, 3, wheels8, manual("0195420"), "", ""},
    Case{"a wheel too many", wheels8, 3, wheels8, manual("000195420"), "", ""},
    Case{"decimals too few", wheels8, 3, wheels8, manual("", "195.42"), "", ""},
    Case{"larger than the register", wheels8, 3, wheels8, manual("", "100195.420"), "", ""},
    Case{"too many for any", "", 0, "", manual("0123456789012"), "", ""},
    Case{"no figures", wheels8, 3, wheels8, manual("0019542x"), "", ""},
    Case{"no number", wheels8, 3, wheels8, manual("", "195."), "", ""},
    Case{"no number before the point", wheels8, 3, wheels8, manual("", ".420"), "", ""},
    Case{"negative", wheels8, 3, wheels8, manual("", "-195.420"), "", ""},
    Case{"two points", wheels8, 3, wheels8, manual("", "1.9.420"), "", ""},
    Case{"both", wheels8, 3, wheels8, manual("00195420", "195.420"), "", ""},
    Case{"neither", wheels8, 3, wheels8, manual(""), "", ""}));

TEST(Review, AcceptsEveryWheelOfADoubtfulReading) {
  Reading reading = reading_of("00195419", 6, 3);
  EXPECT_EQ(reading.value, "195.4");
  const auto out = review(reading, {.verdict = Verdict::accepted, .reviewer = "ann"}, {}, {}, 77);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->verdict, Verdict::accepted);
  EXPECT_EQ(out->value, "195.419");
  EXPECT_EQ(out->certain, 8);
  EXPECT_EQ(out->review->reviewer, "ann");
  EXPECT_EQ(out->review->at_ms, 77);
  EXPECT_EQ(out->review->seen_value, "195.4");
  EXPECT_EQ(out->review->seen_certain, 6);
  EXPECT_FALSE(review(reading_of("", 0, 0), {.verdict = Verdict::accepted}, {}, {}, 77));
  EXPECT_FALSE(review(reading, {.verdict = Verdict::accepted, .digits = "00195419"}, {}, {}, 77));
  EXPECT_FALSE(review(reading, {.verdict = Verdict::doubtful}, {}, {}, 77));
  EXPECT_FALSE(review(reading, {.verdict = Verdict::estimated}, {}, {}, 77));
}

TEST(Review, TheDecimalsThatAPersonGaveTheMeterGoBeforeThoseOfThePhoto) {
  const Reading reading = reading_of("00195419", 8, 1);
  EXPECT_EQ(reading.value, "19541.9");
  Meter meter;
  meter.decimals = 3;
  for (const std::optional<Reading>& newest : {std::optional<Reading>{}, std::optional(reading)}) {
    EXPECT_EQ(review(reading, {.verdict = Verdict::accepted}, newest, meter, 77)->value, "195.419");
    EXPECT_EQ(review(reading, manual("00195420"), newest, meter, 77)->value, "195.420");
    EXPECT_FALSE(review(reading, manual("", "195.42"), newest, meter, 77));
    EXPECT_EQ(review(reading, manual("", "195.420"), newest, meter, 77)->digits, "00195420");
  }
  EXPECT_EQ(review(reading, manual("0195420"), {}, meter, 77)->value, "195.420");
  EXPECT_EQ(review(reading_of("", 0, 0), manual("", "195.42"), {}, meter, 77).error(),
            "\"value\" has 2 decimals, the meter has 3: all of them are wanted");
}

TEST(Review, RejectsWithAReasonAndRemembersWhatWasSeenFirst) {
  const Reading reading = reading_of("00195419", 8, 3);
  EXPECT_FALSE(review(reading, {.verdict = Verdict::rejected}, {}, {}, 77));
  const auto once = review(reading, manual("00195420"), {}, {}, 77);
  ASSERT_TRUE(once);
  const auto out = review(*once, {.verdict = Verdict::rejected, .reason = "glare"}, {}, {}, 78);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->verdict, Verdict::rejected);
  EXPECT_EQ(out->review->reason, "glare");
  EXPECT_EQ(out->review->reviewer, "");
  EXPECT_EQ(out->review->seen_digits, "00195419");
  EXPECT_EQ(out->review->seen_verdict, Verdict::accepted);
}

}  // namespace
}  // namespace meterlens::validate
