#include "server/second/answer.h"

#include <gtest/gtest.h>

namespace meterlens::second {
namespace {

struct Row {
  int code;
  Remedy remedy;
};
class ErrorTable : public testing::TestWithParam<Row> {};

TEST_P(ErrorTable, says_what_to_do) {
  const std::string body = "{\"error_code\":" + std::to_string(GetParam().code) +
                           ",\"error_msg\":\"said\\nso\"}";
  const auto words = parse_answer(body);
  ASSERT_FALSE(words);
  EXPECT_EQ(words.error().code, GetParam().code);
  EXPECT_EQ(words.error().remedy, GetParam().remedy);
  EXPECT_EQ(words.error().message,
            "error " + std::to_string(GetParam().code) + ": said so");
}

INSTANTIATE_TEST_SUITE_P(
    Table, ErrorTable,
    testing::Values(Row{1, Remedy::retry}, Row{2, Remedy::retry}, Row{4, Remedy::retry},
                    Row{282000, Remedy::retry}, Row{18, Remedy::slow_down},
                    Row{17, Remedy::stop_today}, Row{19, Remedy::stop},
                    Row{100, Remedy::renew_token}, Row{110, Remedy::renew_token},
                    Row{111, Remedy::renew_token}, Row{3, Remedy::configuration},
                    Row{6, Remedy::configuration}, Row{14, Remedy::configuration},
                    Row{216200, Remedy::photo}, Row{216201, Remedy::photo},
                    Row{216202, Remedy::photo}, Row{216630, Remedy::photo},
                    Row{216631, Remedy::photo}, Row{282102, Remedy::photo},
                    Row{282103, Remedy::photo}, Row{216100, Remedy::bug}, Row{216101, Remedy::bug},
                    Row{282110, Remedy::bug}, Row{282114, Remedy::bug}, Row{282810, Remedy::bug},
                    Row{283300, Remedy::bug}, Row{999999, Remedy::retry}));

TEST(Answer, gives_words_with_places_and_confidence) {
  const auto words = parse_answer(
      R"({"log_id":"1748","words_result_num":2,"words_result":[
        {"words":"00195.419","location":{"left":10,"top":20,"width":200,"height":40},
         "probability":{"average":0.98,"variance":0.01,"min":0.9}},
        {"words":"m3"}]})");
  ASSERT_TRUE(words);
  ASSERT_EQ(words->size(), 2U);
  EXPECT_EQ((*words)[0].text, "00195.419");
  EXPECT_EQ((*words)[0].box.width, 200);
  EXPECT_DOUBLE_EQ((*words)[0].confidence, 0.98);
  EXPECT_LT((*words)[1].confidence, 0);
}

TEST(Answer, of_foreign_shape_is_a_fault_that_is_tried_again_and_never_a_crash) {
  for (const char* body :
       {"", "null", "[]", "{}", "<html>", "{\"words_result\":{}}", "{\"words_result\":7}",
        "{\"error\":{}}", "{\"error_code\":{}}", "{\"error_code\":\"x\"}", "\xff\xfe",
        "{\"error_code\":99999999999999999999}"}) {
    const auto words = parse_answer(body);
    ASSERT_FALSE(words) << body;
    EXPECT_EQ(words.error().remedy, Remedy::retry) << body;
  }
  const auto odd = parse_answer(
      R"({"words_result":[7,null,{},{"words":""},{"words":8},{"words":"1","location":[]},)"
      R"({"words":"2","location":{"left":1e300,"top":0,"width":1,"height":1}},)"
      R"({"words":"3","probability":{"average":"x"}},{"words":"4","probability":{"average":7}}]})");
  ASSERT_TRUE(odd);
  ASSERT_EQ(odd->size(), 4U);
  EXPECT_EQ((*odd)[1].box.width, 0);
  EXPECT_EQ((*odd)[3].confidence, 1);
}

TEST(Answer, is_cut_between_characters) {
  const std::string full(198, 'a');
  for (const std::string last : {"\xc3\xa9", "\xe6\xb0\xb4", "\xf0\x9f\x92\xa7"}) {
    const auto words = parse_answer(R"({"words_result":[{"words":")" + full + last + last +
                                    R"("},{"words":")" + last + R"("}]})");
    ASSERT_TRUE(words);
    EXPECT_EQ((*words)[0].text, last.size() == 2 ? full + last : full);
    EXPECT_EQ((*words)[1].text, last);
    const auto fault =
        parse_answer(R"({"error_code":17,"error_msg":")" + full + "a" + last + "\"}");
    ASSERT_FALSE(fault);
    EXPECT_EQ(fault.error().message, "error 17: " + full + "a");
  }
}

TEST(Token, is_taken_with_its_life_or_refused_with_the_reason) {
  const auto token = parse_token(R"({"access_token":"24.ab","expires_in":2592000})");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->text, "24.ab");
  EXPECT_EQ(token->lasts_s, 2'592'000);
  const auto wrong = parse_token(
      R"({"error":"invalid_client","error_description":"unknown client id"})");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().remedy, Remedy::configuration);
  EXPECT_EQ(wrong.error().message, "no token: invalid_client: unknown client id");
  for (const char* body : {"", "{}", "[]", R"({"access_token":"x"})", R"({"access_token":7})",
                           R"({"access_token":"x","expires_in":0})",
                           R"({"access_token":"x","expires_in":1e18})"})
    EXPECT_EQ(parse_token(body).error().remedy, Remedy::retry) << body;
}

}  // namespace
}  // namespace meterlens::second
