// Users, sessions and tokens.
#include "server/store/access.h"

#include "server/store/engine.h"

namespace meterlens::store {
namespace {

using door::Role;
using door::Token;
using door::User;
using soci::into;
using soci::use;

constexpr const char* user_columns =
    "user.name, user.role, user.groups, user.password_hash, user.disabled, user.created_ms, "
    "user.password_ms";
constexpr const char* token_columns =
    "token.id, token.hash, token.name, token.user, token.scopes, token.created_ms, "
    "token.expires_ms";

// Names of groups may have spaces, but no control characters.
std::string joined_groups(const std::vector<std::string>& groups) {
  std::string text;
  for (const std::string& group : groups) text += group + "\n";
  return text;
}

std::vector<std::string> parted_groups(const std::string& text) {
  std::vector<std::string> groups;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    groups.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return groups;
}

struct UserRow {
  explicit UserRow(soci::statement& statement) {
    statement.exchange(into(user.name));
    statement.exchange(into(role));
    statement.exchange(into(groups));
    statement.exchange(into(user.password_hash));
    statement.exchange(into(disabled));
    statement.exchange(into(user.created_ms));
    statement.exchange(into(user.password_ms));
  }
  User take() {
    user.role = door::parse_role(role).value_or(Role::viewer);
    user.groups = parted_groups(groups);
    user.disabled = disabled != 0;
    return user;
  }
  User user;
  std::string role, groups;
  int disabled = 0;
};

struct TokenRow {
  explicit TokenRow(soci::statement& statement) {
    statement.exchange(into(token.id));
    statement.exchange(into(token.hash));
    statement.exchange(into(token.name));
    statement.exchange(into(token.user));
    statement.exchange(into(scopes));
    statement.exchange(into(token.created_ms));
    statement.exchange(into(token.expires_ms));
  }
  Token take() {
    token.scopes = door::parse_rights(scopes).value_or(door::Rights{});
    return token;
  }
  Token token;
  std::string scopes;
};

struct GrantRow {
  explicit GrantRow(soci::statement& statement) : token(statement), user(statement) {}
  Access::Grant take() { return {token.take(), user.take()}; }
  TokenRow token;
  UserRow user;
};

void exchange_session(soci::statement& statement, door::Session& session) {
  statement.exchange(into(session.hash));
  statement.exchange(into(session.user));
  statement.exchange(into(session.address));
  statement.exchange(into(session.created_ms));
  statement.exchange(into(session.used_ms));
}

struct SessionRow {
  explicit SessionRow(soci::statement& statement) { exchange_session(statement, session); }
  door::Session take() { return session; }
  door::Session session;
};

struct VisitRow {
  explicit VisitRow(soci::statement& statement) : user(first(statement)) {}
  UserRow first(soci::statement& statement) {
    exchange_session(statement, session);
    return UserRow(statement);
  }
  Access::Visit take() { return {session, user.take()}; }
  door::Session session;
  UserRow user;
};

Error no_user(const std::string& name) {
  return {ErrorCode::not_found, "there is no user \"" + name + "\""};
}

// Thrown inside a transaction, so that nothing of it stays.
struct LastAdministrator : soci::soci_error {
  LastAdministrator() : soci_error("no administrator left") {}
};

// One who may keep the users: who is limited to groups may not.
bool has_administrator(soci::session& sql) {
  int count = 0;
  sql << "SELECT count(*) FROM user WHERE role = 'administrator' AND disabled = 0 AND groups = ''",
      into(count);
  return count > 0;
}

void keep_an_administrator(soci::session& sql, bool had_one) {
  if (had_one && !has_administrator(sql)) throw LastAdministrator();
}

Result<void> user_outcome(const Result<int>& rows, const std::string& name) {
  if (!rows && rows.error().message.find("no administrator left") != std::string::npos)
    return std::unexpected(Error{ErrorCode::conflict,
                                 "this is the last administrator of all meters: make another "
                                 "one before"});
  if (!rows) return std::unexpected(rows.error());
  if (*rows == 0) return std::unexpected(no_user(name));
  return {};
}

}  // namespace

Access::Access(Store& store) : engine_(*store.engine_) {}

Result<std::vector<User>> Access::users() {
  return engine_.read([](soci::session& sql) {
    return select_rows<UserRow>(sql, std::string("SELECT ") + user_columns +
                                         " FROM user ORDER BY name");
  });
}

Result<User> Access::user(const std::string& name) {
  auto found = engine_.read([&](soci::session& sql) {
    return select_first<UserRow>(
        sql, std::string("SELECT ") + user_columns + " FROM user WHERE name = :name", name);
  });
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::unexpected(no_user(name));
  return **std::move(found);
}

Result<void> Access::add_user(const User& user) {
  const auto rows = engine_.write([&](soci::session& sql) {
    const std::string role = door::name(user.role), groups = joined_groups(user.groups);
    const int disabled = user.disabled ? 1 : 0;
    return change_rows(sql,
                       "INSERT OR IGNORE INTO user VALUES (:name, :role, :groups, :hash, "
                       ":disabled, :created, :password)",
                       user.name, role, groups, user.password_hash, disabled, user.created_ms,
                       user.password_ms);
  });
  if (!rows) return std::unexpected(rows.error());
  if (*rows == 0)
    return std::unexpected(Error{ErrorCode::conflict, "there is a user \"" + user.name +
                                                          "\" already: choose another name"});
  return {};
}

Result<void> Access::save_user(const User& user, const std::string& except_session) {
  const auto rows = engine_.write([&](soci::session& sql) {
    const bool had_one = has_administrator(sql);
    const std::string role = door::name(user.role), groups = joined_groups(user.groups);
    const int disabled = user.disabled ? 1 : 0;
    sql << "DELETE FROM session WHERE user = :name AND hash <> :except AND EXISTS (SELECT 1 FROM "
           "user WHERE name = :same AND (password_hash <> :hash OR role <> :role OR disabled <> "
           ":disabled))",
        use(user.name), use(except_session), use(user.name), use(user.password_hash), use(role),
        use(disabled);
    const int changed = change_rows(
        sql,
        "UPDATE user SET role = :role, groups = :groups, password_hash = :hash, "
        "disabled = :disabled, password_ms = :password WHERE name = :name",
        role, groups, user.password_hash, disabled, user.password_ms, user.name);
    keep_an_administrator(sql, had_one);
    return changed;
  });
  return user_outcome(rows, user.name);
}

Result<void> Access::remove_user(const std::string& name) {
  const auto rows = engine_.write([&](soci::session& sql) {
    const bool had_one = has_administrator(sql);
    sql << "DELETE FROM session WHERE user = :name", use(name);
    sql << "DELETE FROM token WHERE user = :name", use(name);
    const int changed = change_rows(sql, "DELETE FROM user WHERE name = :name", name);
    keep_an_administrator(sql, had_one);
    return changed;
  });
  return user_outcome(rows, name);
}

Result<void> Access::add_session(const door::Session& session) {
  return engine_.write([&](soci::session& sql) {
    sql << "INSERT INTO session VALUES (:hash, :user, :address, :created, :used)",
        use(session.hash), use(session.user), use(session.address), use(session.created_ms),
        use(session.used_ms);
  });
}

Result<std::optional<Access::Visit>> Access::session(const std::string& hash) {
  return engine_.read([&](soci::session& sql) {
    return select_first<VisitRow>(
        sql,
        std::string("SELECT session.hash, session.user, session.address, session.created_ms, "
                    "session.used_ms, ") +
            user_columns + " FROM session JOIN user ON user.name = session.user "
                           "WHERE session.hash = :hash", hash);
  });
}

Result<std::vector<door::Session>> Access::sessions(const std::string& user) {
  return engine_.read([&](soci::session& sql) {
    return select_rows<SessionRow>(
        sql,
        std::string("SELECT session.hash, session.user, session.address, session.created_ms, "
                    "session.used_ms FROM session WHERE session.user = :user OR :all = '' "
                    "ORDER BY used_ms DESC, hash LIMIT 1000"), user, user);
  });
}

Result<void> Access::touch_session(const std::string& hash, std::int64_t used_ms) {
  return engine_.write([&](soci::session& sql) {
    sql << "UPDATE session SET used_ms = :used WHERE hash = :hash", use(used_ms), use(hash);
  });
}

Result<void> Access::remove_session(const std::string& hash) {
  return engine_.write(
      [&](soci::session& sql) { sql << "DELETE FROM session WHERE hash = :hash", use(hash); });
}

Result<void> Access::remove_sessions_before(std::int64_t used_ms, std::int64_t created_ms) {
  return engine_.write([&](soci::session& sql) {
    sql << "DELETE FROM session WHERE used_ms < :used OR created_ms < :created", use(used_ms),
        use(created_ms);
  });
}

Result<std::int64_t> Access::add_token(const Token& token) {
  return engine_.write([&](soci::session& sql) {
    const std::string scopes = door::text_of(token.scopes);
    sql << "INSERT INTO token (hash, name, user, scopes, created_ms, expires_ms) VALUES (:hash, "
           ":name, :user, :scopes, :created, :expires)",
        use(token.hash), use(token.name), use(token.user), use(scopes), use(token.created_ms),
        use(token.expires_ms);
    std::int64_t id = 0;
    sql << "SELECT last_insert_rowid()", into(id);
    return id;
  });
}

Result<std::optional<Access::Grant>> Access::token(const std::string& hash) {
  return engine_.read([&](soci::session& sql) {
    return select_first<GrantRow>(sql,
                                  std::string("SELECT ") + token_columns + ", " + user_columns +
                                      " FROM token JOIN user ON user.name = token.user "
                                      "WHERE token.hash = :hash", hash);
  });
}

Result<std::vector<Token>> Access::tokens(const std::string& user) {
  auto tokens = engine_.read([&](soci::session& sql) {
    return select_rows<TokenRow>(sql,
                                 std::string("SELECT ") + token_columns +
                                     " FROM token WHERE user = :user OR :all = '' ORDER BY id DESC",
                                 user, user);
  });
  if (tokens)
    for (Token& token : *tokens) token.hash.clear();
  return tokens;
}

Result<void> Access::remove_token(std::int64_t id, const std::string& user) {
  const auto rows = engine_.write([&](soci::session& sql) {
    return change_rows(sql, "DELETE FROM token WHERE id = :id AND (user = :user OR :all = '')", id,
                       user, user);
  });
  if (!rows) return std::unexpected(rows.error());
  if (*rows == 0)
    return std::unexpected(
        Error{ErrorCode::not_found, "there is no token " + std::to_string(id)});
  return {};
}

}  // namespace meterlens::store
