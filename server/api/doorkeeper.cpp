#include "server/api/doorkeeper.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "server/api/answers.h"
#include "server/api/door_json.h"
#include "server/api/policy.h"
#include "server/api/query.h"
#include "server/door/secret.h"

namespace meterlens::api {
namespace {

constexpr const char* cookie_name = "meterlens_session";
// A session's row is written so often at most.
constexpr std::int64_t touch_ms = 300'000;

std::string cookie_of(const std::string& cookies) {
  const std::string start = std::string(cookie_name) + "=";
  for (std::size_t at = 0; at < cookies.size();) {
    const std::size_t end = std::min(cookies.find(';', at), cookies.size());
    at = std::min(cookies.find_first_not_of(' ', at), end);
    const std::string one = cookies.substr(at, end - at);
    if (one.starts_with(start)) return one.substr(start.size());
    at = end + 1;
  }
  return "";
}

std::string bearer_of(const std::string& authorization) {
  constexpr std::string_view start = "Bearer ";
  return authorization.starts_with(start) ? authorization.substr(start.size()) : "";
}

// A page of somebody else whose domain was made to lead here would be of our own origin. Addresses
// and names without a dot are nobody's domain.
bool is_local_host(const std::string& host) {
  if (host.starts_with('[')) return true;
  const std::string name = host.substr(0, host.find(':'));
  if (name.find_first_not_of("0123456789.") == std::string::npos) return true;
  return name.find('.') == std::string::npos || name.ends_with(".local") ||
         name.ends_with(".localhost");
}

// A browser names the page that a request comes from; only our own pages may change something.
bool is_foreign(const Request& request) {
  if (request.origin.empty()) return false;
  return request.origin != "http://" + request.host && request.origin != "https://" + request.host;
}

Caller nobody_at(const std::string& address) {
  return {.name = "", .by = "none", .address = address};
}

Response foreign_origin() {
  return error_response(403, "foreign_origin", "changes are taken only from our own pages");
}

Response login_required() {
  Response response = error_response(
      401, "login_required", "log in (POST /api/v1/session) or send a token");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

Response forbidden(const std::string& message) {
  return error_response(403, "forbidden", message);
}

}  // namespace

Doorkeeper::Doorkeeper(const Settings& settings, store::Store& store, metrics::Metrics& metrics,
                       const Doors& doors)
    : settings_(settings), access_(store), metrics_(metrics), doors_(doors),
      visible_(store, doors), routes_(settings.body_bytes_max, store) {
  list();
}

void Doorkeeper::list() {
  routes_.add(*this, {
      {"GET", "/api/v1/session", &Doorkeeper::who},
      {"POST", "/api/v1/session", &Doorkeeper::log_in},
      {"DELETE", "/api/v1/session", &Doorkeeper::log_out},
      {"PUT", "/api/v1/session/password", &Doorkeeper::change_own_password},
      {"GET", "/api/v1/sessions", &Doorkeeper::sessions},
      {"DELETE", "/api/v1/sessions/{id}", &Doorkeeper::end_session},
      {"GET", "/api/v1/users", &Doorkeeper::users},
      {"POST", "/api/v1/users", &Doorkeeper::add_user},
      {"GET", "/api/v1/users/{id}", &Doorkeeper::user, counted},
      {"PATCH", "/api/v1/users/{id}", &Doorkeeper::change_user, counted},
      {"DELETE", "/api/v1/users/{id}", &Doorkeeper::remove_user, counted},
      {"GET", "/api/v1/tokens", &Doorkeeper::tokens},
      {"POST", "/api/v1/tokens", &Doorkeeper::add_token},
      {"DELETE", "/api/v1/tokens/{id}", &Doorkeeper::remove_token},
      {"GET", "/api/v1/audit", &Doorkeeper::audit},
      {"GET", "/api/v1/credentials", &Doorkeeper::credentials},
      {"POST", "/api/v1/devices/{id}/credential", &Doorkeeper::add_credential},
      {"DELETE", "/api/v1/devices/{id}/credential", &Doorkeeper::remove_credential},
      {"GET", "/api/v1/products", &Doorkeeper::products},
      {"POST", "/api/v1/products", &Doorkeeper::add_product},
      {"DELETE", "/api/v1/products/{id}", &Doorkeeper::remove_product},
      {"POST", "/api/v1/registrations", &Doorkeeper::register_device},
  });
}

Response Doorkeeper::answer(Request request, const Next& next, const Next& look) {
  request.caller = find_out(request);
  auto refused = refuse(request);
  if (!refused) refused = visible_.refuse(request, request.caller);
  if (!refused) refused = routes_.answer(request);
  if (!refused) return look_or_change(request, next, look);
  metrics_.add(metrics::Count::http_requests);
  if (refused->status >= 400) metrics_.add(metrics::Count::http_errors);
  return *std::move(refused);
}

// ---- who asks ----

Caller Doorkeeper::find_out(const Request& request) {
  Caller caller = nobody_at(request.address);
  if (const auto token = bearer_of(request.authorization); !token.empty())
    return of_token(door::hash_token(token), request.address).value_or(caller);
  if (const auto cookie = cookie_of(request.cookie); !cookie.empty())
    caller = of_session(door::hash_token(cookie), request.address, true).value_or(caller);
  if (caller.is_known() || settings_.doors.required) return caller;
  caller = {"local", "local", request.address, door::Role::administrator,
            door::rights_of(door::Role::administrator), {}, ""};
  return caller;
}

std::optional<Caller> Doorkeeper::of_session(const std::string& hash, const std::string& address,
                                             bool is_use) {
  const auto visit = access_.session(hash);
  if (!visit) return {};
  if (!*visit) return nobody_at(address);
  const auto& [session, user] = **visit;
  const std::int64_t now = unix_ms();
  if (user.disabled || is_over(session, now)) return nobody_at(address);
  if (is_use && now - session.used_ms > touch_ms) {
    if (const auto touched = access_.touch_session(hash, now); !touched)
      spdlog::warn(fmt::format("a session could not be kept up: {}", touched.error().message));
  }
  return Caller{user.name,   "session", address, user.role, door::rights_of(user.role),
                user.groups, hash};
}

std::optional<Caller> Doorkeeper::of_token(const std::string& hash, const std::string& address) {
  const auto grant = access_.token(hash);
  if (!grant) return {};
  if (!*grant) return nobody_at(address);
  const auto& [its, user] = **grant;
  if (user.disabled || (its.expires_ms != 0 && its.expires_ms <= unix_ms()))
    return nobody_at(address);
  return Caller{user.name, fmt::format("token {}", its.id), address, user.role,
                door::both(door::rights_of(user.role), its.scopes), user.groups, "", hash,
                its.expires_ms};
}

std::optional<bool> Doorkeeper::is_still(const Caller& caller) {
  // A stream alone does not keep a session from its end.
  const auto now = caller.token.empty() ? of_session(caller.session, caller.address, false)
                                        : of_token(caller.token, caller.address);
  if (!now) return {};
  return *now == caller;
}

// ---- what may be done ----

std::optional<Response> Doorkeeper::refuse(const Request& request) {
  const Caller& caller = request.caller;
  const bool changes = request.method != "GET" && request.method != "HEAD";
  if (changes && is_foreign(request)) return foreign_origin();
  if (!settings_.doors.required && !is_local_host(request.host))
    return error_response(403, "foreign_host",
                          "without log-in this server answers only to localhost and 127.0.0.1; "
                          "set [doors] required = true to use another name");
  Need need = need_of(request.method, request.path);
  // What a token's scopes say counts for its user's account, too.
  if (need == Need::account && !caller.token.empty())
    need = changes ? Need::administer : Need::read;
  if (need == Need::nothing) return {};
  if (!caller.is_known()) return login_required();
  // No page of another site can set a header of its own.
  if (changes && !caller.session.empty() && !request.has_own_header)
    return error_response(403, "csrf", "changes need the header X-Meterlens: 1");
  if (allows(caller.rights, need)) return {};
  return forbidden(fmt::format("this needs the right to {}; your role is {}{}", name(need),
                               door::name(caller.role),
                               caller.session.empty() && caller.by != "local"
                                   ? ", and the token has scopes of its own" : ""));
}

Response Doorkeeper::look_or_change(const Request& request, const Next& next, const Next& look) {
  const Caller& caller = request.caller;
  if (request.method == "GET") {
    Response response = next(request);
    visible_.narrow(request, caller, response);
    if (response.live && caller.has_account())
      response.still = [this, caller] { return is_still(caller); };
    if (response.live && caller.is_limited())
      response.may_see = [this, caller](const std::string& json) {
        return visible_.may_see(caller, json);
      };
    return response;
  }
  Request looking = request;
  looking.method = "GET";
  looking.body.clear();
  looking.query.clear();
  // What a POST makes has another path than the request.
  const bool is_there = request.method != "POST";
  const auto seen = [&] {
    const Response now = look(looking);
    return now.status == 200 ? now.body : std::string();
  };
  const std::string before = is_there ? seen() : "";
  Response response = next(request);
  const bool is_repetition = std::ranges::any_of(
      response.headers, [](const auto& header) { return header.first == "Idempotent-Replayed"; });
  if (response.status < 400 && !is_repetition)
    write_down(request, response, before, is_there ? seen() : response.body);
  return response;
}

void Doorkeeper::write_down(const Request& request, const Response& response,
                            const std::string& before, const std::string& after) {
  const Caller& caller = request.caller;
  door::Entry entry{.at_ms = unix_ms(),
                    .who = caller.name,
                    .by = caller.by,
                    .address = request.address,
                    .method = request.method,
                    .path = request.path,
                    .status = response.status,
                    .before = without_secrets(before),
                    .after = without_secrets(after)};
  if (const auto kept = access_.add_entry(entry); !kept)
    spdlog::error(fmt::format("audit: {} {} by {} could not be written down: {}", entry.method,
                              entry.path, entry.who, kept.error().message));
}

std::optional<Response> Doorkeeper::too_often(const std::string& name,
                                              const std::string& address) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = steady_ms();
  const std::int64_t wait = std::max(log_ins_.wait_ms("name " + name, now),
                                     log_ins_.wait_ms("address " + address, now));
  if (wait == 0) return {};
  Response response = error_response(
      429, "too_many_attempts",
      fmt::format("too many wrong passwords: try again in {} s", (wait + 999) / 1000));
  response.headers.emplace_back("Retry-After", std::to_string((wait + 999) / 1000));
  return response;
}

// ---- the session ----

Response Doorkeeper::who(const Request& request, const std::string&) {
  return request.caller.is_known() ? json_response(caller_json(request.caller)) : login_required();
}

Response Doorkeeper::log_in(const Request& request, const std::string&) {
  const auto body = parse_texts(request.body, {"name", "password"});
  if (!body) return bad_request(body.error());
  const std::string name = body->at("name"), password = body->at("password");
  if (auto wait = too_often(name, door::network_of(request.address))) return *std::move(wait);
  // A password's hash takes long by intent: not in the threads that answer everybody.
  Response response;
  response.later = [this, request, name, password] {
    return judge_log_in(request, name, password);
  };
  return response;
}

Response Doorkeeper::judge_log_in(const Request& request, const std::string& name,
                                  const std::string& password) {
  const std::string network = door::network_of(request.address);
  if (auto wait = too_often(name, network)) return *std::move(wait);
  const auto user = access_.user(name);
  if (!user && user.error().code != store::ErrorCode::not_found)
    return store_error(user.error(), "user");
  const bool is_right = door::is_password(user ? user->password_hash : "", password);
  Request attempt = request;
  attempt.caller = {.name = name, .by = "none", .address = request.address};
  if (!is_right || user->disabled) {
    {
      const std::lock_guard lock(mutex_);
      log_ins_.count("name " + name, steady_ms());
      log_ins_.count("address " + network, steady_ms());
    }
    spdlog::warn(fmt::format("log-in from {} refused", request.address));
    Response wrong = error_response(401, "wrong_password", "the name or the password is wrong");
    // What was typed as a name may be a password, so only names of users are kept.
    if (!user) attempt.caller.name = "";
    write_down(attempt, wrong, "", "");
    return wrong;
  }
  {
    const std::lock_guard lock(mutex_);
    log_ins_.forget("name " + name);
  }
  const std::int64_t now = unix_ms();
  const std::string cookie = door::random_secret(32);
  const door::Session session{door::hash_token(cookie), name, request.address, now, now};
  const auto& limits = settings_.doors;
  const auto pruned = access_.remove_sessions_before(now - limits.session_idle_ms,
                                                     now - limits.session_ms_max);
  if (!pruned) return store_error(pruned.error(), "session");
  if (const auto added = access_.add_session(session); !added)
    return store_error(added.error(), "session");
  const Caller caller{name, "session", request.address, user->role, door::rights_of(user->role),
                      user->groups, session.hash};
  Response response = with_cookie(request, cookie, caller);
  attempt.caller = caller;
  write_down(attempt, response, "", "");
  return response;
}

Response Doorkeeper::with_cookie(const Request& request, const std::string& cookie,
                                 const Caller& caller) {
  Response response = json_response(caller_json(caller));
  const bool secure = settings_.certificate.has_value() || request.origin.starts_with("https://");
  response.headers.emplace_back(
      "Set-Cookie", fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}",
                                cookie_name, cookie, settings_.doors.session_ms_max / 1000,
                                secure ? "; Secure" : ""));
  return response;
}

Response Doorkeeper::log_out(const Request& request, const std::string&) {
  const Caller& caller = request.caller;
  Response response = json_response("{}");
  response.headers.emplace_back("Set-Cookie",
                                fmt::format("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0",
                                            cookie_name));
  // Photos that the browser keeps are not for the next one who sits there.
  response.headers.emplace_back("Clear-Site-Data", "\"cache\"");
  if (caller.session.empty()) return response;
  if (const auto removed = access_.remove_session(caller.session); !removed)
    return store_error(removed.error(), "session");
  write_down(request, response, "", "");
  return response;
}

Response Doorkeeper::change_own_password(const Request& request, const std::string&) {
  const Caller& caller = request.caller;
  if (!caller.is_known()) return login_required();
  if (caller.session.empty()) return forbidden("only somebody who has logged in has a password");
  if (!request.has_own_header)
    return error_response(403, "csrf", "changes need the header X-Meterlens: 1");
  const auto body = parse_texts(request.body, {"old", "new"});
  if (!body) return bad_request(body.error());
  if (body->at("new").size() < door::password_chars_min)
    return bad_request(fmt::format("new must have {} bytes at least", door::password_chars_min));
  if (auto wait = too_often(caller.name, door::network_of(caller.address)))
    return *std::move(wait);
  Response response;
  response.later = [this, request, old = body->at("old"), fresh = body->at("new")] {
    auto user = access_.user(request.caller.name);
    if (!user) return store_error(user.error(), "user");
    if (!door::is_password(user->password_hash, old)) {
      const std::lock_guard lock(mutex_);
      log_ins_.count("name " + user->name, steady_ms());
      return error_response(403, "wrong_password", "the old password is wrong");
    }
    user->password_hash = door::hash_password(fresh);
    user->password_ms = unix_ms();
    if (const auto saved = access_.save_user(*user, request.caller.session); !saved)
      return store_error(saved.error(), "user");
    Response done = json_response(caller_json(request.caller));
    write_down(request, done, "", "");
    return done;
  };
  return response;
}

Response Doorkeeper::store_error(const store::Error& error, const char* what) {
  switch (error.code) {
    case store::ErrorCode::not_found:
      return error_response(404, fmt::format("unknown_{}", what), error.message);
    case store::ErrorCode::conflict: return error_response(409, "conflict", error.message);
    case store::ErrorCode::disk_full: return error_response(507, "disk_full", error.message);
    default: return error_response(503, "store_failed", error.message);
  }
}

}  // namespace meterlens::api
