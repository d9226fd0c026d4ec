#include "server/validate/validate.h"

#include <gtest/gtest.h>

#include <optional>

namespace meterlens::validate {
namespace {

constexpr std::int64_t hour_ms = 3'600'000;

struct Shot {
  std::string digits;
  int certain = 0;
  int red = 0;
  double at_h = 0;
  std::string status = "read";
};

Claim claim_of(const Shot& shot) {
  Claim claim;
  claim.meter = claim.device = "m1";
  claim.photo = 12;
  claim.at_ms = static_cast<std::int64_t>(shot.at_h * hour_ms);
  claim.status = shot.status;
  claim.digits = shot.digits;
  claim.certain = shot.certain;
  claim.red = shot.red;
  claim.confidence = 0.9;
  return claim;
}

// Judged after `before`, when there is one.
Reading judged(const Claim& claim, const std::optional<Reading>& before = {}) {
  Past past;
  if (before) {
    past.points.push_back(point_of(*before));
    past.points.back().id = 1;
  }
  return judge(claim, past).readings.at(0);
}

struct ValueCase {
  const char* about;
  Shot shot;
  std::int64_t count;
  int decimals;
  const char* text;
};

class Value : public testing::TestWithParam<ValueCase> {};

TEST_P(Value, IsExactToTheLastCertainWheel) {
  const auto& [about, shot, count, decimals, text] = GetParam();
  const Reading reading = judged(claim_of(shot));
  EXPECT_EQ(reading.verdict, Verdict::accepted) << about;
  EXPECT_EQ(reading.value_count, count) << about;
  EXPECT_EQ(reading.value_decimals, decimals) << about;
  EXPECT_EQ(reading.value, text) << about;
  EXPECT_EQ(reading.digits, shot.digits) << about;
  EXPECT_EQ(reading.photo, 12);
}

INSTANTIATE_TEST_SUITE_P(Table, Value, testing::Values(
    ValueCase{"three red wheels", {"00195419", 8, 3}, 195419, 3, "195.419"},
    ValueCase{"last wheel turning", {"00195419", 7, 3}, 19541, 2, "195.41"},
    ValueCase{"no red wheel", {"01954", 5, 0}, 1954, 0, "1954"},
    ValueCase{"only tens are known", {"01954", 4, 0}, 195, -1, "1950"},
    ValueCase{"zero in tens", {"00004", 4, 0}, 0, -1, "0"},
    ValueCase{"below one", {"00005", 5, 2}, 5, 2, "0.05"},
    ValueCase{"all wheels are red", {"123", 3, 3}, 123, 3, "0.123"},
    ValueCase{"certain to the point", {"00195419", 5, 3}, 195, 0, "195"},
    ValueCase{"the longest register", {"999999999999", 12, 3}, 999999999999, 3, "999999999.999"}));

struct FlawCase {
  const char* about;
  Shot shot;
};

class Flaw : public testing::TestWithParam<FlawCase> {};

TEST_P(Flaw, IsRejectedWithAReasonAndNoValue) {
  const Reading reading = judged(claim_of(GetParam().shot));
  EXPECT_EQ(reading.verdict, Verdict::rejected) << GetParam().about;
  EXPECT_TRUE(reading.value.empty());
  ASSERT_EQ(reading.reasons.size(), 1U);
  EXPECT_EQ(reading.reasons[0].substr(0, 8), "not read");
}

INSTANTIATE_TEST_SUITE_P(Table, Flaw, testing::Values(
    FlawCase{"unreadable", {"", 0, 0, 0, "unreadable"}},
    FlawCase{"unreadable with digits", {"123", 3, 0, 0, "unreadable"}},
    FlawCase{"no digits", {"", 3, 0}},
    FlawCase{"letters", {"12a4", 4, 0}},
    FlawCase{"a sign", {"-124", 4, 0}},
    FlawCase{"too long", {"1234567890123", 13, 0}},
    FlawCase{"nothing certain", {"1234", 0, 0}},
    FlawCase{"more certain than wheels", {"1234", 5, 0}},
    FlawCase{"negative certain", {"1234", -1, 0}},
    FlawCase{"more red than wheels", {"1234", 4, 5}},
    FlawCase{"negative red", {"1234", 4, -1}}));

struct UseCase {
  const char* about;
  Shot before;
  Shot now;
  Verdict verdict;
  const char* reason;  // part of one of the reasons; empty: no reason at all
};

class Use : public testing::TestWithParam<UseCase> {};

TEST_P(Use, IsJudgedAgainstTheNewestAccepted) {
  const auto& [about, before_shot, now_shot, verdict, reason] = GetParam();
  const Reading before = judged(claim_of(before_shot));
  ASSERT_EQ(before.verdict, Verdict::accepted) << about;
  const Reading now = judged(claim_of(now_shot), before);
  EXPECT_EQ(name(now.verdict), std::string(name(verdict))) << about;
  std::string all;
  for (const auto& line : now.reasons) all += line + "\n";
  if (*reason == '\0') {
    EXPECT_EQ(all, "") << about;
  } else {
    EXPECT_NE(all.find(reason), std::string::npos) << about << ": " << all;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, Use, testing::Values(
    UseCase{"a day's water", {"00195419", 8, 3, 0}, {"00195731", 8, 3, 24}, Verdict::accepted, ""},
    UseCase{"no use", {"00195419", 8, 3, 0}, {"00195419", 8, 3, 24}, Verdict::accepted, ""},
    UseCase{"fewer wheels certain", {"00195419", 8, 3, 0}, {"00195410", 7, 3, 1},
            Verdict::accepted, ""},
    UseCase{"before had fewer", {"00195419", 7, 3, 0}, {"00195412", 8, 3, 1},
            Verdict::accepted, ""},
    UseCase{"one back", {"00195419", 8, 3, 0}, {"00195418", 8, 3, 24}, Verdict::doubtful,
            "negative use: 195.418 after 195.419"},
    UseCase{"far back, not near the top", {"50000", 5, 0, 0}, {"00010", 5, 0, 24},
            Verdict::doubtful, "negative use"},
    UseCase{"roll-over", {"99998", 5, 0, 0}, {"00003", 5, 0, 24}, Verdict::accepted, "roll-over"},
    UseCase{"roll-over in tens", {"99998", 4, 0, 0}, {"00010", 4, 0, 24}, Verdict::accepted,
            "roll-over"},
    UseCase{"roll-over with too much use", {"91000", 5, 0, 0}, {"08000", 5, 0, 24},
            Verdict::doubtful, "implausible jump"},
    UseCase{"first wheel misread", {"00195419", 8, 3, 0}, {"70195731", 8, 3, 24},
            Verdict::doubtful, "implausible jump"},
    UseCase{"the same use over a year", {"01954", 5, 0, 0}, {"31954", 5, 0, 8760},
            Verdict::accepted, ""},
    UseCase{"another number of wheels", {"01954", 5, 0, 0}, {"001954", 6, 0, 1},
            Verdict::doubtful, "6 wheels where the last accepted reading has 5"},
    UseCase{"red not seen this time", {"00195419", 8, 3, 0}, {"00195420", 8, 0, 1},
            Verdict::accepted, "decimals taken"},
    UseCase{"other decimals", {"00195419", 8, 3, 0}, {"00195420", 8, 2, 1}, Verdict::doubtful,
            "2 decimals where the last accepted reading has 3"},
    UseCase{"late photo that fits", {"00195419", 8, 3, 24}, {"00195107", 8, 3, 0},
            Verdict::accepted, "older than the newest"},
    UseCase{"late photo that does not", {"00195419", 8, 3, 24}, {"00195420", 8, 3, 0},
            Verdict::doubtful, "negative use"},
    UseCase{"the reader doubts", {"00195419", 8, 3, 0}, {"00195420", 8, 3, 1, "doubtful"},
            Verdict::doubtful, "the reader doubts it"},
    UseCase{"unreadable now", {"00195419", 8, 3, 0}, {"", 0, 0, 1, "unreadable"},
            Verdict::rejected, "not read"}));

TEST(Judge, KeepsTheValueOfADoubtfulReadingForThePeopleWhoReviewIt) {
  const Reading before = judged(claim_of({"00195419", 8, 3}));
  const Reading now = judged(claim_of({"00195420", 8, 0, 1, "doubtful"}), before);
  EXPECT_EQ(now.value, "195.420");
  EXPECT_EQ(now.red, 3);
}

TEST(Judge, SaysWhatThePhotoAloneSaysWhenTheLastReadingDecided) {
  Claim decided = claim_of({"00538", 5});
  decided.prior = "the photo alone says 00038, 2 wheels certain";
  const Reading reading = judged(decided);
  EXPECT_EQ(reading.verdict, Verdict::accepted);
  ASSERT_EQ(reading.reasons.size(), 1u);
  EXPECT_EQ(reading.reasons[0],
            decided.prior + "; the last accepted reading decided the rest");
}

TEST(Judge, NamesEveryVerdict) {
  EXPECT_STREQ(name(Verdict::estimated), "estimated");
  EXPECT_STREQ(name(Verdict::manual), "manual");
}

}  // namespace
}  // namespace meterlens::validate
