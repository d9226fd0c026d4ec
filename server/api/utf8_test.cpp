#include "server/api/utf8.h"

#include <gtest/gtest.h>

namespace meterlens::api {
namespace {

TEST(Utf8, IsKnown) {
  for (const char* right : {"", "m\xc2\xb3 \xe6\xb0\xb4 \xf0\x9f\x92\xa7", "\xed\x9f\xbf"})
    EXPECT_TRUE(is_utf8(right)) << right;
  for (const char* wrong : {"\xff", "\xc2", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xe6\xb0",
                            "a\x80", "\xc2" "a", "\xf4\x90\x80\x80"})
    EXPECT_FALSE(is_utf8(wrong)) << wrong;
}

}  // namespace
}  // namespace meterlens::api
