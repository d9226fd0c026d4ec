#include "server/door/rights.h"

#include <gtest/gtest.h>

namespace meterlens::door {
namespace {

TEST(Rights, RiseWithTheRole) {
  EXPECT_EQ(text_of(rights_of(Role::viewer)), "read metrics");
  EXPECT_EQ(text_of(rights_of(Role::reviewer)), "read review metrics");
  EXPECT_EQ(text_of(rights_of(Role::operator_)), "read review operate metrics");
  EXPECT_EQ(text_of(rights_of(Role::administrator)), "read review operate administer metrics");
}

TEST(Rights, AreReadAsTheyAreWritten) {
  for (const char* text : {"", "read", "read operate", "administer metrics"})
    EXPECT_EQ(text_of(parse_rights(text).value()), text);
  for (const char* text : {"write", "read,review", " read", "read  review", "READ"})
    EXPECT_FALSE(parse_rights(text)) << text;
  for (const Role role : {Role::viewer, Role::reviewer, Role::operator_, Role::administrator})
    EXPECT_EQ(parse_role(name(role)), role);
  EXPECT_FALSE(parse_role("root"));
}

TEST(Rights, CoverAndMeet) {
  const Rights viewer = rights_of(Role::viewer), operator_ = rights_of(Role::operator_);
  EXPECT_TRUE(operator_.cover(viewer));
  EXPECT_FALSE(viewer.cover(operator_));
  EXPECT_EQ(text_of(both(viewer, *parse_rights("operate read"))), "read");
}

}  // namespace
}  // namespace meterlens::door
