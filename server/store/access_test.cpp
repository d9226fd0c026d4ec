#include "server/store/access.h"

#include "server/store/fixture.h"

namespace meterlens::store {
namespace {

using door::Role;

class AccessTest : public test::OnBoth {
 protected:
  static door::User user_of(const std::string& name, Role role) {
    return {name, role, {}, "hash of " + name, false, 5, 5};
  }
  void add_session(const std::string& hash, const std::string& user) {
    ASSERT_TRUE(Access(*store_).add_session({hash, user, "192.0.2.1", 10, 10}));
  }
};

TEST_P(AccessTest, UsersStayThroughARestart) {
  auto user = user_of("ana", Role::reviewer);
  user.groups = {"North side", "二号楼"};
  ASSERT_TRUE(Access(*store_).add_user(user));
  EXPECT_EQ(Access(*store_).add_user(user).error().code, ErrorCode::conflict);
  store_.reset();
  store_ = open();
  const auto found = Access(*store_).user("ana");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->role, Role::reviewer);
  EXPECT_EQ(found->groups, user.groups);
  EXPECT_EQ(Access(*store_).user("bob").error().code, ErrorCode::not_found);
}

TEST_P(AccessTest, TheLastAdministratorStays) {
  Access access(*store_);
  auto ana = user_of("ana", Role::administrator);
  ASSERT_TRUE(access.add_user(ana));
  ASSERT_TRUE(access.add_user(user_of("bob", Role::viewer)));
  ana.disabled = true;
  EXPECT_EQ(access.save_user(ana).error().code, ErrorCode::conflict);
  EXPECT_EQ(access.remove_user("ana").error().code, ErrorCode::conflict);
  EXPECT_FALSE(access.user("ana")->disabled);
  ASSERT_TRUE(access.save_user(user_of("bob", Role::administrator)));
  EXPECT_TRUE(access.remove_user("ana"));
  EXPECT_EQ(access.remove_user("ana").error().code, ErrorCode::not_found);
}

TEST_P(AccessTest, TheLastAdministratorOfAllMetersStays) {
  Access access(*store_);
  auto ana = user_of("ana", Role::administrator), bob = user_of("bob", Role::administrator);
  bob.groups = {"North"};
  ASSERT_TRUE(access.add_user(ana));
  ASSERT_TRUE(access.add_user(bob));
  ana.groups = {"North"};
  EXPECT_EQ(access.save_user(ana).error().code, ErrorCode::conflict);
  EXPECT_TRUE(access.user("ana")->groups.empty());
  EXPECT_EQ(access.remove_user("ana").error().code, ErrorCode::conflict);
  bob.groups.clear();
  ASSERT_TRUE(access.save_user(bob));
  EXPECT_TRUE(access.save_user(ana));
}

TEST_P(AccessTest, ANewPasswordEndsTheOtherSessions) {
  Access access(*store_);
  auto ana = user_of("ana", Role::viewer);
  ASSERT_TRUE(access.add_user(ana));
  add_session("s1", "ana");
  add_session("s2", "ana");
  ana.groups = {"A"};
  ASSERT_TRUE(access.save_user(ana));
  ASSERT_TRUE(access.session("s1").value());
  EXPECT_EQ((*access.session("s1"))->user.groups, ana.groups);
  ana.password_hash = "another";
  ASSERT_EQ(access.sessions("ana")->size(), 2U);
  EXPECT_EQ(access.sessions("ana")->front().hash, "s1") << "used at the same time";
  EXPECT_EQ(access.sessions("")->size(), 2U);
  EXPECT_TRUE(access.sessions("bob")->empty());
  ASSERT_TRUE(access.save_user(ana, "s2"));
  EXPECT_FALSE(access.session("s1").value());
  EXPECT_TRUE(access.session("s2").value());
  ASSERT_TRUE(access.touch_session("s2", 500));
  ASSERT_TRUE(access.remove_sessions_before(400, 0));
  EXPECT_TRUE(access.session("s2").value());
  ASSERT_TRUE(access.remove_sessions_before(501, 0));
  EXPECT_FALSE(access.session("s2").value());
}

TEST_P(AccessTest, TokensGoWithTheirUser) {
  Access access(*store_);
  ASSERT_TRUE(access.add_user(user_of("ana", Role::viewer)));
  door::Token token{0, "h1", "script", "ana", *door::parse_rights("read"), 1, 0};
  token.id = access.add_token(token).value();
  ASSERT_TRUE(access.token("h1").value());
  EXPECT_EQ((*access.token("h1"))->token.scopes, token.scopes);
  EXPECT_EQ(access.tokens("ana")->size(), 1U);
  EXPECT_EQ(access.tokens("")->size(), 1U);
  EXPECT_EQ(access.tokens("")->front().hash, "");
  EXPECT_EQ(access.remove_token(token.id, "bob").error().code, ErrorCode::not_found);
  ASSERT_TRUE(access.remove_user("ana"));
  EXPECT_FALSE(access.token("h1").value());
}

TEST_P(AccessTest, OnlyAnUnknownDeviceRegisters) {
  Access access(*store_);
  ASSERT_TRUE(access.register_credential({"m1", "h", "product p", 1, false}));
  EXPECT_EQ(access.register_credential({"m1", "x", "product p", 2, false}).error().code,
            ErrorCode::conflict);
  EXPECT_EQ((*access.credential("m1"))->hash, "h");
  Device seen;
  seen.id = "m2";
  ASSERT_TRUE(store_->save_device(seen));
  EXPECT_EQ(access.register_credential({"m2", "x", "product p", 2, false}).error().code,
            ErrorCode::conflict);
  ASSERT_TRUE(access.save_credential({"m1", "", "ana", 3, true}));
  EXPECT_EQ(access.register_credential({"m1", "x", "product p", 4, false}).error().code,
            ErrorCode::conflict);
  EXPECT_TRUE(access.credentials()->front().removed);
}

TEST_P(AccessTest, TheAuditHasPagesAndIsNeverChanged) {
  Access access(*store_);
  for (int i = 1; i <= 5; ++i)
    ASSERT_TRUE(access.add_entry({0, i, i == 3 ? "bob" : "ana", "session", "::1", "PATCH",
                                  "/api/v1/meters/m" + std::to_string(i), 200, "{}", "{}"}));
  const auto page = access.entries(0, 2);
  ASSERT_EQ(page->size(), 2U);
  EXPECT_EQ(page->front().at_ms, 5);
  EXPECT_EQ(access.entries(page->back().id, 100)->front().at_ms, 3);
  EXPECT_EQ(access.entries(0, 100, "bob")->size(), 1U);
  EXPECT_EQ(access.entries(0, 100, "", "/api/v1/meters/m4")->size(), 1U);
  if (kind_ != test::Kind::sqlite) return;
  const std::string update = "sqlite3 '" + path() + "' \"UPDATE audit SET who = 'x'\" 2>&1";
  FILE* out = popen(update.c_str(), "r");
  char line[200] = "";
  ASSERT_NE(fgets(line, sizeof line, out), nullptr);
  pclose(out);
  EXPECT_NE(std::string(line).find("never changed"), std::string::npos) << line;
}

INSTANTIATE_TEST_SUITE_P(On, AccessTest, test::both, test::named);

}  // namespace
}  // namespace meterlens::store
