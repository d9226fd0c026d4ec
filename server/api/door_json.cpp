#include "server/api/door_json.h"

#include <algorithm>
#include <array>

#include "protocol/ids.h"
#include "server/api/json_text.h"
#include "server/door/secret.h"

namespace meterlens::api {
namespace {

constexpr std::size_t text_bytes_max = 256, group_count_max = 100;
constexpr std::size_t kept_bytes_max = 16'384;

Json words(const std::string& text) {
  Json out = Json::array();
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    out.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

Json object(const door::User& user) {
  return {{"name", user.name},         {"role", door::name(user.role)},
          {"groups", user.groups},     {"disabled", user.disabled},
          {"created_ms", user.created_ms}, {"password_ms", user.password_ms}};
}

Json object(const door::Token& token) {
  return {{"id", token.id},
          {"name", token.name},
          {"user", token.user},
          {"scopes", words(door::text_of(token.scopes))},
          {"created_ms", token.created_ms},
          {"expires_ms", or_null(token.expires_ms)}};
}

Json object(const door::Credential& credential) {
  return {{"device", credential.device},
          {"state", credential.removed ? "removed" : "valid"},
          {"by", credential.by},
          {"made_ms", credential.made_ms}};
}

Json object(const door::Product& product) {
  return {{"name", product.name}, {"made_ms", product.made_ms}};
}

// What was kept is JSON, or nothing.
Json kept(const std::string& json) {
  return json.empty() ? Json(nullptr) : Json::parse(json, nullptr, false);
}

Json object(const door::Entry& entry) {
  return {{"id", entry.id},           {"at_ms", entry.at_ms},   {"who", entry.who},
          {"by", entry.by},           {"address", entry.address}, {"method", entry.method},
          {"path", entry.path},       {"status", entry.status},
          {"before", kept(entry.before)}, {"after", kept(entry.after)}};
}

template <class Thing>
std::string with(const Thing& thing, const char* key, const std::string& secret) {
  Json json = object(thing);
  if (!secret.empty()) json[key] = secret;
  return text(json);
}

template <class Thing>
std::string listed(const char* name, const std::vector<Thing>& things) {
  Json array = Json::array();
  for (const Thing& thing : things) array.push_back(object(thing));
  return text(Json{{name, std::move(array)}});
}

bool is_text(const Json& json) {
  if (!json.is_string()) return false;
  const auto& text = json.get_ref<const std::string&>();
  return !text.empty() && text.size() <= text_bytes_max &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

std::expected<Json, std::string> parse_object(const std::string& body) {
  // Deep nesting would cost stack where it is destroyed; nothing here is nested.
  if (std::ranges::count(body, '[') + std::ranges::count(body, '{') > 4)
    return std::unexpected("the body must be a plain JSON object");
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return std::unexpected("the body must be a JSON object");
  return json;
}

std::string text_wanted(const std::string& key) {
  return key + " must be a text of 1 to 256 bytes without control characters";
}

// Empty, or what is wrong.
std::string take_edit(UserEdit& edit, const std::string& key, const Json& value) {
  if (key == "disabled") {
    if (!value.is_boolean()) return "disabled must be true or false";
    edit.disabled = value.get<bool>();
    return "";
  }
  if (key == "groups") {
    if (!value.is_array() || value.size() > group_count_max ||
        !std::ranges::all_of(value, is_text))
      return "groups must be an array of at most 100 names";
    edit.groups = value.get<std::vector<std::string>>();
    return "";
  }
  if (!is_text(value)) return text_wanted(key);
  const auto& word = value.get_ref<const std::string&>();
  if (key == "role") {
    edit.role = door::parse_role(word);
    return edit.role ? "" : "role must be viewer, reviewer, operator or administrator";
  }
  if (key == "password") {
    edit.password = word;
    return word.size() >= door::password_chars_min ? "" : "password must have 10 bytes at least";
  }
  if (key != "name") return "unknown key " + key;
  edit.name = word;
  return protocol::is_device_name(word) ? ""
                                        : "name must be 1 to 64 of A-Z a-z 0-9 . _ - and not begin "
                                          "with a dot";
}

bool is_secret_key(const std::string& key) {
  constexpr std::array<std::string_view, 8> parts{"password", "secret", "token", "api_key",
                                                  "access_key", "private", "credential", "cookie"};
  std::string lower = key;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  if (lower == "password_ms") return false;
  return std::ranges::any_of(parts, [&](std::string_view part) {
    return lower.find(part) != std::string::npos;
  });
}

void hide(Json& json) {
  if (json.is_object()) {
    for (auto& [key, value] : json.items()) {
      if (is_secret_key(key) && !value.is_null() && !value.is_boolean())
        value = "***";
      else
        hide(value);
    }
  } else if (json.is_array()) {
    for (auto& value : json) hide(value);
  }
}

}  // namespace

std::string caller_json(const Caller& caller) {
  return text({{"name", caller.name},
               {"role", door::name(caller.role)},
               {"groups", caller.groups},
               {"rights", words(door::text_of(caller.rights))},
               {"by", caller.by.starts_with("token") ? "token" : caller.by}});
}

std::string user_json(const door::User& user, const std::string& secret) {
  return with(user, "password", secret);
}
std::string users_json(const std::vector<door::User>& users) { return listed("users", users); }
std::string session_id(const door::Session& session) { return session.hash.substr(0, 16); }

std::string sessions_json(const std::vector<door::Session>& sessions, const std::string& own,
                          const DoorSettings& limits) {
  Json array = Json::array();
  for (const door::Session& session : sessions) {
    array.push_back({{"id", session_id(session)},
                     {"user", session.user},
                     {"address", session.address},
                     {"created_ms", session.created_ms},
                     {"used_ms", session.used_ms},
                     {"ends_ms", std::min(session.used_ms + limits.session_idle_ms,
                                          session.created_ms + limits.session_ms_max)},
                     {"own", session.hash == own}});
  }
  return text(Json{{"sessions", std::move(array)}});
}

std::string token_json(const door::Token& token, const std::string& secret) {
  return with(token, "token", secret);
}
std::string tokens_json(const std::vector<door::Token>& tokens) { return listed("tokens", tokens); }
std::string credential_json(const door::Credential& credential, const std::string& secret) {
  return with(credential, "password", secret);
}
std::string credentials_json(const std::vector<door::Credential>& credentials) {
  return listed("credentials", credentials);
}
std::string product_json(const door::Product& product, const std::string& secret) {
  return with(product, "secret", secret);
}
std::string products_json(const std::vector<door::Product>& products) {
  return listed("products", products);
}

std::string entries_json(const std::vector<door::Entry>& entries, std::int64_t next) {
  Json array = Json::array();
  for (const auto& entry : entries) array.push_back(object(entry));
  const Json cursor = next == 0 ? Json(nullptr) : Json(std::to_string(next));
  return text({{"entries", std::move(array)}, {"next", cursor}});
}

std::expected<Texts, std::string> parse_texts(const std::string& body,
                                              const std::vector<std::string>& keys) {
  const auto json = parse_object(body);
  if (!json) return std::unexpected(json.error());
  Texts out;
  for (std::string key : keys) {
    const bool may_be_missing = key.ends_with('?');
    if (may_be_missing) key.pop_back();
    if (!json->contains(key) && may_be_missing) continue;
    if (!json->contains(key) || !is_text((*json)[key])) return std::unexpected(text_wanted(key));
    out[key] = (*json)[key].get<std::string>();
  }
  for (const auto& [key, ignored] : json->items())
    if (!out.contains(key)) return std::unexpected("unknown key " + key);
  return out;
}

std::expected<UserEdit, std::string> parse_user(const std::string& body) {
  const auto json = parse_object(body);
  if (!json) return std::unexpected(json.error());
  UserEdit edit;
  for (const auto& [key, value] : json->items())
    if (auto wrong = take_edit(edit, key, value); !wrong.empty())
      return std::unexpected(std::move(wrong));
  return edit;
}

std::expected<door::Token, std::string> parse_token(const std::string& body, std::int64_t now_ms) {
  const auto json = parse_object(body);
  if (!json) return std::unexpected(json.error());
  door::Token out;
  for (const auto& [key, value] : json->items()) {
    if (key == "name") {
      if (!is_text(value)) return std::unexpected(text_wanted(key));
      out.name = value.get<std::string>();
    } else if (key == "scopes") {
      std::string scopes;
      if (value.is_array() && value.size() <= 5 && std::ranges::all_of(value, is_text))
        for (const auto& one : value)
          scopes += (scopes.empty() ? "" : " ") + one.get<std::string>();
      out.scopes = door::parse_rights(scopes).value_or(door::Rights{});
    } else if (key == "expires_ms") {
      if (!value.is_number_integer() || value.get<std::int64_t>() <= now_ms ||
          value.get<std::int64_t>() > time_max)
        return std::unexpected("expires_ms must be a Unix time in milliseconds that is to come");
      out.expires_ms = value.get<std::int64_t>();
    } else {
      return std::unexpected("unknown key " + key);
    }
  }
  if (out.name.empty()) return std::unexpected(text_wanted("name"));
  if (!out.scopes.any())
    return std::unexpected("scopes must be some of read, review, operate, administer, metrics");
  return out;
}

std::string without_secrets(const std::string& body) {
  if (body.empty() || body.size() > kept_bytes_max) return "";
  Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) return "";
  hide(json);
  return text(json);
}

std::string narrowed_json(const std::string& body, const char* array, const char* key,
                          const std::function<bool(const std::string&)>& wanted) {
  Json json = Json::parse(body, nullptr, false);
  Json kept_ones = Json::array();
  if (!json.is_object() || !json.contains(array)) return "{}";
  std::map<std::string, bool> known;
  for (auto& one : json[array]) {
    const std::string name = one.value(key, "");
    const auto [found, is_new] = known.try_emplace(name);
    if (is_new) found->second = wanted(name);
    if (found->second) kept_ones.push_back(std::move(one));
  }
  json[array] = std::move(kept_ones);
  return text(json);
}

std::pair<std::string, std::string> names_of_event(const std::string& json) {
  const Json event = Json::parse(json, nullptr, false);
  const auto word = [&](const char* key) {
    const auto found = event.find(key);
    return found != event.end() && found->is_string() ? found->get<std::string>() : "";
  };
  if (!event.is_object()) return {};
  const std::string device = word("device");
  return {word("meter"), device.empty() ? word("id") : device};
}

}  // namespace meterlens::api
