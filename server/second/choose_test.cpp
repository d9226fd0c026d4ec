#include "server/second/choose.h"

#include <gtest/gtest.h>

namespace meterlens::second {
namespace {

Word word(const std::string& text, double left, double top, double width, double height,
          double confidence = 0.95) {
  return {text, {left, top, width, height}, confidence};
}

// A water meter: brand, serial number, unit and the register.
std::vector<Word> plate() {
  return {word("NINGBO", 100, 20, 120, 20), word("No.", 100, 300, 40, 20),
          word("20231108", 150, 300, 160, 20), word("00195419", 120, 120, 320, 60),
          word("m3", 460, 130, 40, 30), word("2023", 300, 20, 60, 20)};
}

TEST(Choose, takes_the_word_where_the_register_is) {
  Hint hint;
  hint.window = Box{110, 110, 340, 80};
  const auto choice = choose(plate(), hint);
  ASSERT_TRUE(choice) << choice.error();
  EXPECT_EQ(choice->digits, "00195419");
  EXPECT_NE(choice->why.find("place"), std::string::npos);
}

TEST(Choose, without_a_place_takes_shape_and_history) {
  Hint hint;
  hint.wheels = 8;
  const auto unclear = choose(plate(), hint);
  ASSERT_FALSE(unclear) << "the serial number has eight digits too";
  EXPECT_NE(unclear.error().find("both look like"), std::string::npos);
  hint.low = 195'000;
  hint.high = 196'000;
  const auto choice = choose(plate(), hint);
  ASSERT_TRUE(choice) << choice.error();
  EXPECT_EQ(choice->digits, "00195419");
}

TEST(Choose, never_takes_another_number_of_wheels) {
  Hint hint;
  hint.wheels = 7;
  hint.window = Box{110, 110, 340, 80};
  const auto choice = choose(plate(), hint);
  ASSERT_FALSE(choice);
  EXPECT_EQ(choice.error(), "none of the 6 words that were seen looks like the register");
}

TEST(Choose, joins_the_words_of_one_row) {
  Hint hint;
  hint.wheels = 8;
  hint.red = 3;
  const std::vector<Word> words{word("00195", 100, 100, 200, 60, 0.9),
                                word("419", 310, 102, 120, 58, 0.7)};
  const auto choice = choose(words, hint);
  ASSERT_TRUE(choice) << choice.error();
  EXPECT_EQ(choice->digits, "00195419");
  EXPECT_DOUBLE_EQ(choice->confidence, 0.7);
  const std::vector<Word> rows{word("00195", 100, 100, 200, 60), word("419", 310, 200, 120, 58)};
  const auto integers = choose(rows, hint);
  ASSERT_TRUE(integers) << integers.error();
  EXPECT_EQ(integers->digits, "00195") << "another row is no part of it";
}

TEST(Choose, understands_points_units_and_spaces) {
  Hint hint;
  hint.wheels = 8;
  for (const char* text : {"00195.419", "00195,419", "00195 419", "00195.419m3", "00195419 kWh"}) {
    const auto choice = choose(std::vector{word(text, 0, 0, 100, 20)}, hint);
    ASSERT_TRUE(choice) << text;
    EXPECT_EQ(choice->digits, "00195419") << text;
  }
  EXPECT_EQ(choose(std::vector{word("00195.419", 0, 0, 100, 20)}, hint)->red, 3);
  for (const char* text : {"0019541O", "A1234567", "1234567890123", "1.2.345678", "-0195419", ""})
    EXPECT_FALSE(choose(std::vector{word(text, 0, 0, 100, 20)}, hint)) << text;
}

TEST(Choose, of_no_words_or_words_without_a_place_is_no_crash) {
  EXPECT_FALSE(choose({}, {}));
  Hint hint;
  hint.window = Box{10, 10, 100, 30};
  EXPECT_FALSE(choose(std::vector{Word{"12345", {}, -1}}, hint));
  EXPECT_TRUE(choose(std::vector{Word{"12345", {}, -1}}, {}));
}

}  // namespace
}  // namespace meterlens::second
