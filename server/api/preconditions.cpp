#include "server/api/preconditions.h"

#include "server/api/answers.h"
#include "server/api/json_text.h"
#include "server/api/query.h"

namespace meterlens::api {
namespace {

Response precondition_failed(const std::string& message) {
  return error_response(412, "precondition_failed", message);
}

}  // namespace

std::expected<std::optional<std::int64_t>, Response> seen_version(const Request& request) {
  std::string_view text = request.if_match;
  if (text.empty() || text == "*") return std::nullopt;
  if (text.size() >= 3 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
    if (text == "0") return 0;
    if (const auto version = parse_id(text)) return version;
  }
  return std::unexpected(
      bad_request("If-Match must be an ETag as it was answered, like \"7\" with its quotes, or *"));
}

std::expected<Request, Response> with_version(const Request& request, std::int64_t seen) {
  Request out = request;
  const std::string text = std::to_string(seen);
  const auto differ = [] {
    return std::unexpected(bad_request("If-Match and \"version\" name two versions: send one"));
  };
  if (request.method == "DELETE") {
    const auto query = parse_query(request.query);
    if (query && query->values.contains("version")) {
      if (query->get("version") != text) return differ();
      return out;
    }
    out.query += (out.query.empty() ? "version=" : "&version=") + text;
    return out;
  }
  Json json = Json::parse(request.body, nullptr, false);
  if (!json.is_object()) return out;  // its route says what is wrong with it
  if (const auto named = json.find("version"); named != json.end()) {
    if (*named != seen) return differ();
    return out;
  }
  json["version"] = seen;
  out.body = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return out;
}

void to_precondition(Response& response) {
  if (response.status != 409) return;
  const Json json = Json::parse(response.body, nullptr, false);
  if (json["error"]["code"] != "conflict") return;
  response = precondition_failed(json["error"]["message"].get<std::string>());
}

Response edited_meanwhile() {
  return precondition_failed("this has been changed meanwhile: look at it again, and send the ETag "
                             "that it then has");
}

void tag(Response& response, std::int64_t version) {
  response.headers.emplace_back("ETag", '"' + std::to_string(version) + '"');
}

void tag_own(Response& response) {
  const Json json = Json::parse(response.body, nullptr, false);
  if (!json.is_object()) return;
  const auto version = json.find("version");
  if (version != json.end() && version->is_number_integer())
    tag(response, version->get<std::int64_t>());
}

}  // namespace meterlens::api
