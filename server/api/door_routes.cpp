// What is asked of users, tokens and the audit.
#include <fmt/format.h>

#include "server/api/answers.h"
#include "server/api/door_json.h"
#include "server/api/doorkeeper.h"
#include "server/api/query.h"
#include "server/door/secret.h"

namespace meterlens::api {

Response Doorkeeper::users(const Request&, const std::string&) {
  const auto users = access_.users();
  if (!users) return store_error(users.error(), "user");
  return json_response(users_json(*users));
}

Response Doorkeeper::user(const Request&, const std::string& id) {
  const auto user = access_.user(id);
  if (!user) return store_error(user.error(), "user");
  return json_response(user_json(*user));
}

Response Doorkeeper::add_user(const Request& request, const std::string&) {
  const auto edit = parse_user(request.body);
  if (!edit) return bad_request(edit.error());
  if (!edit->name || !edit->role) return bad_request("a new user needs a name and a role");
  Response response;
  response.later = [this, request, edit = *edit] {
    const std::string password = edit.password.value_or(door::random_secret(16));
    const door::User user{.name = *edit.name,
                          .role = *edit.role,
                          .groups = edit.groups.value_or(std::vector<std::string>{}),
                          .password_hash = door::hash_password(password),
                          .disabled = edit.disabled.value_or(false),
                          .created_ms = unix_ms(),
                          .password_ms = unix_ms()};
    if (const auto added = access_.add_user(user); !added)
      return store_error(added.error(), "user");
    // Nobody needs to be told what they have sent.
    Response made = json_response(user_json(user, edit.password ? "" : password), 201);
    write_down(request, made, "", made.body);
    return made;
  };
  return response;
}

Response Doorkeeper::change_user(const Request& request, const std::string& id) {
  const auto edit = parse_user(request.body);
  if (!edit) return bad_request(edit.error());
  if (edit->name) return bad_request("a user's name stays: make another user");
  Response response;
  response.later = [this, request, id, edit = *edit] {
    auto user = access_.user(id);
    if (!user) return store_error(user.error(), "user");
    const std::string before = user_json(*user);
    if (edit.role) user->role = *edit.role;
    if (edit.groups) user->groups = *edit.groups;
    if (edit.disabled) user->disabled = *edit.disabled;
    if (edit.password) {
      user->password_hash = door::hash_password(*edit.password);
      user->password_ms = unix_ms();
    }
    const bool is_own = request.caller.name == id;
    if (const auto saved = access_.save_user(*user, is_own ? request.caller.session : "");
        !saved)
      return store_error(saved.error(), "user");
    if (edit.password) {
      const std::lock_guard lock(mutex_);
      log_ins_.forget("name " + id);
    }
    Response done = json_response(user_json(*user));
    write_down(request, done, before, done.body);
    return done;
  };
  return response;
}

Response Doorkeeper::remove_user(const Request& request, const std::string& id) {
  const auto user = access_.user(id);
  if (!user) return store_error(user.error(), "user");
  if (const auto removed = access_.remove_user(id); !removed)
    return store_error(removed.error(), "user");
  Response response = json_response("{}");
  write_down(request, response, user_json(*user), "");
  return response;
}

Response Doorkeeper::tokens(const Request& request, const std::string&) {
  const auto tokens = access_.tokens(request.caller.whose_accounts());
  if (!tokens) return store_error(tokens.error(), "token");
  return json_response(tokens_json(*tokens));
}

Response Doorkeeper::add_token(const Request& request, const std::string&) {
  const Caller& caller = request.caller;
  if (!caller.has_account())
    return error_response(403, "forbidden",
                          "a token belongs to a user: log in as one (`meterlens user add` makes "
                          "the first)");
  auto token = parse_token(request.body, unix_ms());
  if (!token) return bad_request(token.error());
  if (!caller.rights.cover(token->scopes))
    return error_response(403, "forbidden",
                          "a token cannot have more rights than the one who makes it");
  const std::int64_t end_ms = caller.expires_ms;
  if (end_ms != 0 && (token->expires_ms == 0 || token->expires_ms > end_ms))
    return error_response(403, "forbidden",
                          fmt::format("a token cannot end later than the one that makes it: give "
                                      "an expires_ms of at most {}", end_ms));
  const std::string secret = "mlt_" + door::random_secret(secret_chars);
  token->hash = door::hash_token(secret);
  token->user = caller.name;
  token->created_ms = unix_ms();
  const auto id = access_.add_token(*token);
  if (!id) return store_error(id.error(), "token");
  token->id = *id;
  Response response = json_response(token_json(*token, secret), 201);
  write_down(request, response, "", response.body);
  return response;
}

Response Doorkeeper::remove_token(const Request& request, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("token", id);
  const auto removed = access_.remove_token(*number, request.caller.whose_accounts());
  if (!removed) return store_error(removed.error(), "token");
  Response response = json_response("{}");
  write_down(request, response, "", "");
  return response;
}

Response Doorkeeper::audit(const Request& request, const std::string&) {
  const auto query = parse_query(request.query);
  if (!query) return bad_request(query.error());
  const std::string cursor = query->get("cursor");
  const auto before = cursor.empty() ? 0 : parse_id(cursor);
  if (!before) return bad_request("cursor must be the \"next\" of the page before");
  auto entries = access_.entries(*before, page_count + 1, query->get("who"), query->get("path"));
  if (!entries) return store_error(entries.error(), "entry");
  const bool has_more = entries->size() > page_count;
  if (has_more) entries->pop_back();
  return json_response(entries_json(*entries, has_more ? entries->back().id : 0));
}

}  // namespace meterlens::api
