// What an account holds open or hands on: its live streams, sessions and tokens.
#include <sqlite3.h>

#include "server/api/answers.h"
#include "server/api/doors_fixture.h"

namespace meterlens::api {
namespace {

class AccountsTest : public DoorsTest {
 protected:
  void SetUp() override {
    settings_.live_judge_ms = 10;
    DoorsTest::SetUp();
    settings_.live_client_count_max = 16;
    restart();
  }

  // A new user's session, without a log-in.
  std::string session_of(const door::User& user) {
    store::Access access(*store_);
    EXPECT_TRUE(access.add_user(user));
    const std::string cookie = "c-" + user.name;
    EXPECT_TRUE(access.add_session(
        {door::hash_token(cookie), user.name, "127.0.0.1", unix_ms(), unix_ms()}));
    return "Cookie: meterlens_session=" + cookie + "\r\n";
  }
  std::string token_of(const door::User& user, const std::string& scopes,
                       std::int64_t expires_ms = 0) {
    store::Access access(*store_);
    EXPECT_TRUE(access.add_user(user));
    const std::string secret = "mlt_" + user.name;
    EXPECT_TRUE(access.add_token({0, door::hash_token(secret), "t", user.name,
                                  *door::parse_rights(scopes), 1, expires_ms}));
    return "Authorization: Bearer " + secret + "\r\n";
  }
  // Of the server's database, behind its back.
  void change(const std::string& sql) {
    sqlite3* other = nullptr;
    ASSERT_EQ(sqlite3_open((folder_ / "a.db").c_str(), &other), SQLITE_OK);
    sqlite3_busy_timeout(other, 10'000);
    EXPECT_EQ(sqlite3_exec(other, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sql;
    sqlite3_close(other);
  }
};

TEST_F(AccountsTest, AStreamEndsWithWhatOpenedIt) {
  store::Access access(*store_);
  const auto user = [](const std::string& name) {
    return door::User{name, door::Role::operator_, {}, "hash", false, 1, 1};
  };
  const auto edited = [&](const std::string& name, auto edit) {
    return [&access, user = user(name), edit]() mutable {
      edit(user);
      EXPECT_TRUE(access.save_user(user));
    };
  };
  const auto says = [this](const std::string& sql) { return [this, sql] { change(sql); }; };
  const struct {
    const char* what;
    std::string headers;
    std::function<void()> end;
  } cases[] = {
      {"logged out", session_of(user("a")),
       [&] { EXPECT_TRUE(access.remove_session(door::hash_token("c-a"))); }},
      {"disabled", session_of(user("b")), edited("b", [](auto& one) { one.disabled = true; })},
      {"a new password", session_of(user("c")),
       edited("c", [](auto& one) { one.password_hash = "x"; })},
      {"removed", session_of(user("d")), [&] { EXPECT_TRUE(access.remove_user("d")); }},
      {"limited to groups", session_of(user("e")),
       edited("e", [](auto& one) { one.groups = {"North"}; })},
      {"unused too long", session_of(user("f")),
       says("UPDATE session SET used_ms = 2 WHERE user = 'f'")},
      {"a token removed", token_of(user("g"), "read"), says("DELETE FROM token WHERE user = 'g'")},
      {"a token at its end", token_of(user("h"), "read"),
       says("UPDATE token SET expires_ms = 2 WHERE user = 'h'")},
      {"another role, seen by a token", token_of(user("i"), "read operate"),
       edited("i", [](auto& one) { one.role = door::Role::viewer; })},
  };
  const auto opened = [this](const std::string& headers) {
    auto stream = std::make_unique<RawClient>(port_, 5);  // sooner than a heartbeat
    stream->send("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
    stream->read_until(": hello");
    return stream;
  };
  const auto staying = opened(session_of(user("stays")));
  for (const auto& [what, headers, end] : cases) {
    const auto stream = opened(headers);
    end();
    EXPECT_TRUE(stream->sees_end()) << what;
  }
  api_->changed(Subject::device, "m1");
  EXPECT_NE(staying->read_until("\"m1\"").find("\"m1\""), std::string::npos);
  EXPECT_EQ(api_->live_clients(), 1);
}

TEST_F(AccountsTest, AStreamDoesNotKeepItsSession) {
  store::Access access(*store_);
  const door::User user{"a", door::Role::viewer, {}, "hash", false, 1, 1};
  RawClient stream(port_);
  stream.send("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n" + session_of(user) + "\r\n");
  stream.read_until(": hello");
  const std::int64_t used_ms = unix_ms() - 3'600'000;
  change("UPDATE session SET used_ms = " + std::to_string(used_ms));
  // Another stream's end says that all have been judged.
  RawClient other(port_, 5);
  other.send("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n" +
             token_of({"b", door::Role::viewer, {}, "hash", false, 1, 1}, "read") + "\r\n");
  other.read_until(": hello");
  ASSERT_TRUE(access.remove_user("b"));
  EXPECT_TRUE(other.sees_end());
  EXPECT_EQ(access.sessions("a")->front().used_ms, used_ms);
  EXPECT_EQ(api_->live_clients(), 1);
}

TEST_F(AccountsTest, ATokensScopesCountForTheAccount) {
  const auto admin = [](const std::string& name) {
    return door::User{name, door::Role::administrator, {}, "hash", false, 1, 1};
  };
  const std::string metrics = token_of(admin("m"), "metrics"), reads = token_of(admin("r"), "read");
  const std::string operates = token_of(admin("o"), "read review operate metrics");
  const std::int64_t end_ms = unix_ms() + 3'600'000;
  const std::string full = token_of(admin("f"), "read administer", end_ms);
  for (const char* path : {"/api/v1/tokens", "/api/v1/sessions"}) {
    EXPECT_EQ(code_of(get(port_, path, metrics)), "forbidden") << path;
    EXPECT_EQ(status_of(get(port_, path, reads)), 200) << path;
    EXPECT_EQ(status_of(get(port_, path, full)), 200) << path;
  }
  const json mine = json_of(get(port_, "/api/v1/tokens", reads))["tokens"];
  ASSERT_EQ(mine.size(), 1U) << "others' are an administrator's to see";
  const std::string one = "/api/v1/tokens/" + mine[0]["id"].dump();
  const std::string wish = R"({"name":"x","scopes":["read"]})";
  for (const std::string& token : {metrics, reads, operates}) {
    EXPECT_EQ(code_of(post(port_, "/api/v1/tokens", wish, token)), "forbidden");
    EXPECT_EQ(code_of(send("DELETE", port_, one, "", token)), "forbidden");
    EXPECT_EQ(code_of(send("DELETE", port_, "/api/v1/sessions/0123456789abcdef", "", token)),
              "forbidden");
  }
  const auto made = [&](const json& scopes, std::int64_t expires_ms) {
    json wanted{{"name", "x"}, {"scopes", scopes}};
    if (expires_ms != 0) wanted["expires_ms"] = expires_ms;
    return status_of(post(port_, "/api/v1/tokens", wanted.dump(), full));
  };
  EXPECT_EQ(made({"read"}, end_ms), 201);
  EXPECT_EQ(made({"read"}, end_ms + 1), 403);
  EXPECT_EQ(made({"read"}, 0), 403) << "one without an end";
  EXPECT_EQ(made({"operate"}, end_ms), 403);
  EXPECT_EQ(status_of(send("DELETE", port_, one, "", full)), 200);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", reads)), 401);
}

TEST_F(AccountsTest, AnAdministratorOfGroupsSeesTheirOwnAlone) {
  const std::string other = session_of({"a", door::Role::viewer, {}, "hash", false, 1, 1});
  const std::string admin =
      session_of({"n", door::Role::administrator, {"North"}, "hash", false, 1, 1}) + own;
  const std::string script = token_of({"b", door::Role::viewer, {}, "hash", false, 1, 1}, "read");
  const std::string all = log_in("administrator") + own;
  EXPECT_EQ(json_of(get(port_, "/api/v1/sessions", all))["sessions"].size(), 3U);
  const json sessions = json_of(get(port_, "/api/v1/sessions", admin))["sessions"];
  ASSERT_EQ(sessions.size(), 1U);
  EXPECT_EQ(sessions[0]["user"], "n");
  EXPECT_EQ(json_of(get(port_, "/api/v1/tokens", admin))["tokens"].size(), 0U);
  const json tokens = json_of(get(port_, "/api/v1/tokens", all))["tokens"];
  ASSERT_EQ(tokens.size(), 1U);
  const std::string session = "/api/v1/sessions/" + door::hash_token("c-a").substr(0, 16);
  EXPECT_EQ(code_of(send("DELETE", port_, session, "", admin)), "unknown_session");
  EXPECT_EQ(code_of(send("DELETE", port_, "/api/v1/tokens/" + tokens[0]["id"].dump(), "", admin)),
            "unknown_token");
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", other)), 200);
  EXPECT_EQ(status_of(get(port_, "/api/v1/devices", script)), 200);
  EXPECT_EQ(status_of(send("DELETE", port_, session, "", all)), 200);
}

}  // namespace
}  // namespace meterlens::api
