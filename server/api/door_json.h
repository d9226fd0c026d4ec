// Inside api/: users, tokens, credentials, products and the audit as JSON, the bodies about them,
// and what is kept of others' bodies in the audit. The JSON library stays in door_json.cpp.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/api/api.h"
#include "server/api/caller.h"
#include "server/door/user.h"

namespace meterlens::api {

// {name, role, groups, rights, by}
std::string caller_json(const Caller& caller);
// With `secret`: the password, or the token, which is shown this once.
std::string user_json(const door::User& user, const std::string& secret = {});
std::string users_json(const std::vector<door::User>& users);
// `own`: the hash of the session that asks, or empty; `limits` say when each ends.
std::string sessions_json(const std::vector<door::Session>& sessions, const std::string& own,
                          const DoorSettings& limits);
// What a session is called here: the beginning of its hash, which opens nothing.
std::string session_id(const door::Session& session);
std::string token_json(const door::Token& token, const std::string& secret = {});
std::string tokens_json(const std::vector<door::Token>& tokens);
std::string credential_json(const door::Credential& credential, const std::string& secret = {});
std::string credentials_json(const std::vector<door::Credential>& credentials);
std::string product_json(const door::Product& product, const std::string& secret = {});
std::string products_json(const std::vector<door::Product>& products);
// `next`: the cursor of the following page, 0 for none.
std::string entries_json(const std::vector<door::Entry>& entries, std::int64_t next);

// The texts of an object with these keys alone, each a text without control characters of 1 to
// 256 bytes. Those whose name ends in '?' may be missing.
using Texts = std::map<std::string, std::string>;
std::expected<Texts, std::string> parse_texts(const std::string& body,
                                              const std::vector<std::string>& keys);

struct UserEdit {
  std::optional<std::string> name, password;
  std::optional<door::Role> role;
  std::optional<std::vector<std::string>> groups;
  std::optional<bool> disabled;
};
std::expected<UserEdit, std::string> parse_user(const std::string& body);
// name, scopes and expires_ms of a token; `now_ms` must be before its end.
std::expected<door::Token, std::string> parse_token(const std::string& body, std::int64_t now_ms);

// `body` if it is JSON and of a size that is worth keeping, with "***" in place of every value
// whose key is that of a secret; else empty.
std::string without_secrets(const std::string& body);
// `body` with only those elements of its array whose text under `key` is `wanted`.
std::string narrowed_json(const std::string& body, const char* array, const char* key,
                          const std::function<bool(const std::string&)>& wanted);
// The meter of a reading; the device of anything else.
std::pair<std::string, std::string> names_of_event(const std::string& json);

}  // namespace meterlens::api
