#include "server/second/settle.h"

#include <gtest/gtest.h>

namespace meterlens::second {
namespace {

using validate::Claim;
using validate::Verdict;

Claim local(const std::string& status, const std::string& digits, int certain,
            const std::string& reason = "") {
  Claim claim;
  claim.meter = "m1";
  claim.at_ms = 1'000'000;
  claim.status = status;
  claim.digits = digits;
  claim.certain = certain;
  claim.confidence = 0.6;
  claim.reason = reason;
  return claim;
}

Heard heard(const std::string& digits, double confidence = 0.97) {
  Heard out;
  out.asked = true;
  out.words = {{digits, {}, confidence}, {"m3", {}, -1}};
  out.choice = Choice{digits, -1, confidence, "place"};
  return out;
}

Heard away() {
  Heard out;
  out.why_none = "the day's 5 calls are used up";
  return out;
}

// By a meter whose decimals are known.
validate::Reading judged(const Claim& claim) {
  validate::Past past;
  past.meter.decimals = claim.red;
  return validate::judge(claim, past).readings.front();
}

struct Case {
  const char* name;
  Policy policy;
  Claim local;
  Heard heard;
  Verdict verdict;
  const char* digits;
  bool local_believed;
  bool second_believed;
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class Settle : public testing::TestWithParam<Case> {};

TEST_P(Settle, keeps_both_and_believes_by_the_policy) {
  const Case& one = GetParam();
  const Claim claim = settle(one.policy, one.local, one.heard, 0.9);
  ASSERT_EQ(claim.said.size(), 2U);
  EXPECT_EQ(claim.said[0].reader, "local");
  EXPECT_EQ(claim.said[0].digits, one.local.digits);
  EXPECT_EQ(claim.said[0].status, one.local.status);
  EXPECT_EQ(claim.said[1].reader, "baidu");
  EXPECT_EQ(claim.said[0].believed, one.local_believed) << claim.said[0].note;
  EXPECT_EQ(claim.said[1].believed, one.second_believed) << claim.said[1].note;
  const auto reading = judged(claim);
  EXPECT_EQ(reading.verdict, one.verdict);
  EXPECT_EQ(reading.digits, one.digits);
  EXPECT_EQ(reading.said.size(), 2U);
}

const Claim sure = local("read", "00195419", 8);
const Claim turning = local("read", "00195419", 7);
const Claim dark = local("doubtful", "00195419", 5, "dark");
const Claim none = local("unreadable", "", 0, "no meter");

INSTANTIATE_TEST_SUITE_P(
    Table, Settle,
    testing::Values(
        Case{"baidu is believed", Policy::baidu, sure, heard("00195418"), Verdict::accepted,
             "00195418", false, true},
        Case{"baidu agrees", Policy::baidu, sure, heard("00195419"), Verdict::accepted, "00195419",
             true, true},
        Case{"baidu is not sure and differs", Policy::baidu, sure, heard("00195418", 0.5),
             Verdict::doubtful, "00195419", true, false},
        Case{"baidu reads what is unreadable here", Policy::baidu, none, heard("00195419"),
             Verdict::accepted, "00195419", false, true},
        Case{"baidu is away", Policy::baidu, sure, away(), Verdict::accepted, "00195419", true,
             false},
        Case{"doubtful, seen alike", Policy::local_then_baidu, dark, heard("00195419", 0.3),
             Verdict::accepted, "00195419", true, true},
        Case{"doubtful, sure second", Policy::local_then_baidu, dark, heard("00195777"),
             Verdict::accepted, "00195777", false, true},
        Case{"doubtful, second not sure", Policy::local_then_baidu, dark, heard("00195777", 0.5),
             Verdict::doubtful, "00195419", true, false},
        Case{"doubtful, against certain wheels", Policy::local_then_baidu, dark, heard("00295419"),
             Verdict::doubtful, "00195419", true, false},
        Case{"doubtful, away", Policy::local_then_baidu, dark, away(), Verdict::doubtful,
             "00195419", true, false},
        Case{"unreadable, away", Policy::local_then_baidu, none, away(), Verdict::rejected, "",
             true, false},
        Case{"both agree", Policy::both_must_agree, sure, heard("00195419"), Verdict::accepted,
             "00195419", true, true},
        Case{"both agree on all but the turning wheel", Policy::both_must_agree, turning,
             heard("00195410"), Verdict::accepted, "00195419", true, true},
        Case{"both differ", Policy::both_must_agree, sure, heard("00195418"), Verdict::doubtful,
             "00195419", true, false},
        Case{"both, other wheels", Policy::both_must_agree, sure, heard("0195419"),
             Verdict::doubtful, "00195419", true, false},
        Case{"both, nobody confirms", Policy::both_must_agree, sure, away(), Verdict::doubtful,
             "00195419", true, false}));

TEST(Settle, says_why_there_was_no_second_word) {
  const auto reading = judged(settle(Policy::baidu, sure, away(), 0.9));
  ASSERT_FALSE(reading.reasons.empty());
  EXPECT_EQ(reading.reasons.front(),
            "the second reader was not asked: the day's 5 calls are used up");
  EXPECT_EQ(reading.said[1].status, "not asked");
}

TEST(Settle, what_two_readers_see_otherwise_stays_closed_to_later_readings) {
  for (const Heard& word : {heard("00195418"), away()}) {
    const auto reading = judged(settle(Policy::both_must_agree, sure, word, 0.9));
    EXPECT_NE(reading.flags & validate::bit(validate::Flag::second_reader), 0U);
    EXPECT_FALSE(validate::is_open(reading));
  }
}

TEST(Settle, integer_wheels_alone_confirm_only_those) {
  Claim claim = local("read", "00195419", 8);
  claim.red = 3;
  const Claim settled = settle(Policy::both_must_agree, claim, heard("00195"), 0.9);
  EXPECT_EQ(settled.certain, 5);
  EXPECT_EQ(judged(settled).value, "195");
}

TEST(Settle, decimals_are_clear_where_both_readers_see_as_many) {
  Claim dull = local("doubtful", "00195418", 0, "blur");
  dull.red = 3, dull.red_is_clear = false;
  Heard word = heard("00195419");
  const auto clear_with = [&](int decimals) {
    word.choice->red = decimals;
    return settle(Policy::baidu, dull, word, 0.9).red_is_clear;
  };
  EXPECT_FALSE(clear_with(-1));
  EXPECT_FALSE(clear_with(2));
  EXPECT_TRUE(clear_with(3));
  dull.red_is_clear = true;
  EXPECT_TRUE(clear_with(-1));
  word = heard("0195419");
  EXPECT_FALSE(clear_with(-1)) << "of another number of wheels";
}

TEST(WhyNotAsked, spends_nothing_where_nothing_is_won) {
  EXPECT_TRUE(why_not_asked(Policy::local, dark));
  EXPECT_TRUE(why_not_asked(Policy::local_then_baidu, sure));
  EXPECT_FALSE(why_not_asked(Policy::local_then_baidu, dark));
  EXPECT_FALSE(why_not_asked(Policy::local_then_baidu, none));
  EXPECT_FALSE(why_not_asked(Policy::both_must_agree, sure));
  EXPECT_TRUE(why_not_asked(Policy::both_must_agree, dark));
  EXPECT_FALSE(why_not_asked(Policy::baidu, sure));
  EXPECT_TRUE(why_not_asked(Policy::baidu, local("doubtful", "123", 1, "mirrored")));
  EXPECT_TRUE(why_not_asked(Policy::baidu, local("doubtful", "123", 1, "several meters")));
}

}  // namespace
}  // namespace meterlens::second
