#include "server/store/text_columns.h"

#include <gtest/gtest.h>

namespace meterlens::store {
namespace {

TEST(TextColumns, DigestsGoThereAndBack) {
  protocol::Digest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<std::uint8_t>(i * 9);
  EXPECT_EQ(digest_of(hex_text(digest)), digest);
  EXPECT_EQ(digest_of("zz"), protocol::Digest{});
  EXPECT_EQ(digest_of(""), protocol::Digest{});
}

TEST(TextColumns, WindowsGoThereAndBack) {
  const Window window{{{0.1, -2}, {1e6, 3.25}, {4, 5}, {6, 7.000001}}};
  EXPECT_EQ(window_of(window_text(window)), window);
  for (const char* bad : {"", "1 2 3", "a b c d e f g h", "1 2 3 4 5 6 7 x"}) {
    EXPECT_EQ(window_of(bad), Window{}) << bad;
  }
}

TEST(TextColumns, LinesGoThereAndBack) {
  const std::vector<std::string> lines{"one", "two, three"};
  EXPECT_EQ(lines_of(lines_text(lines)), lines);
  EXPECT_EQ(lines_of(lines_text({"a\nb"})), std::vector<std::string>{"a b"});
  EXPECT_TRUE(lines_of("").empty());
  EXPECT_EQ(lines_text({}), "");
}

TEST(TextColumns, UnknownNamesAreTheCautiousOnes) {
  EXPECT_EQ(photo_state_named("?"), photo::PhotoState::quarantined);
  EXPECT_EQ(verdict_named("?"), validate::Verdict::rejected);
  EXPECT_EQ(verdict_named("accepted"), validate::Verdict::accepted);
}

}  // namespace
}  // namespace meterlens::store
