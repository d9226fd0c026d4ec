#include "server/api/route_list.h"

#include <algorithm>

#include "server/api/answers.h"
#include "server/api/query.h"

namespace meterlens::api {

Response wrong_method(const std::string& methods) {
  Response response = error_response(405, "method_not_allowed", "use " + methods + " here");
  response.headers.emplace_back("Allow", methods);
  return response;
}

Response body_too_large(std::size_t bytes, std::size_t bytes_max) {
  return error_response(413, "body_too_large",
                        fmt::format("the body has {} bytes, at most {} are read", bytes,
                                    bytes_max));
}

std::optional<Response> RouteList::answer(const Request& request) const {
  std::string methods;
  for (const Route& route : routes_) {
    const auto id = match(route.pattern, request.path);
    if (!id) continue;
    if (request.method == route.method) return ask(route, request, std::string(*id));
    methods += (methods.empty() ? "" : ", ") + std::string(route.method);
  }
  if (methods.empty()) return {};
  return wrong_method(methods);
}

Response RouteList::ask(const Route& route, const Request& request, const std::string& id) const {
  const std::size_t bytes_max =
      route.terms.body_bytes_max == 0 ? body_bytes_max_ : route.terms.body_bytes_max;
  if (request.body.size() > bytes_max) return body_too_large(request.body.size(), bytes_max);
  if (route.terms.version == Version::none) return route.answer(request, id);
  if (request.method == "GET") return look(route, request, id);
  const auto seen = seen_version(request);
  if (!seen) return seen.error();
  return route.terms.version == Version::own ? change_own(route, request, id, *seen)
                                             : change_counted(route, request, id, *seen);
}

// The version is read first: what changes in between makes the next edit fail, not get lost.
Response RouteList::look(const Route& route, const Request& request,
                         const std::string& id) const {
  const bool is_counted = route.terms.version == Version::counted;
  const auto edits = is_counted ? rows_.edits(request.path) : store::Result<std::int64_t>(0);
  if (!edits) return error_response(503, "store_failed", edits.error().message);
  Response response = route.answer(request, id);
  if (response.status != 200) return response;
  if (is_counted)
    tag(response, *edits);
  else
    tag_own(response);
  return response;
}

Response RouteList::change_own(const Route& route, const Request& request, const std::string& id,
                               std::optional<std::int64_t> seen) const {
  std::expected<Request, Response> named = request;
  if (seen) named = with_version(request, *seen);
  if (!named) return named.error();
  Response response = route.answer(*named, id);
  if (seen) to_precondition(response);
  if (response.status < 300) tag_own(response);
  return response;
}

// Counted before, so that one of two is refused, and after, so that whoever looked in between has
// an old one.
Response RouteList::change_counted(const Route& route, const Request& request,
                                   const std::string& id,
                                   std::optional<std::int64_t> seen) const {
  std::optional<std::int64_t> number;
  if (seen) {
    const auto edits = rows_.count_edit(request.path, seen);
    if (!edits && edits.error().code == store::ErrorCode::conflict) return edited_meanwhile();
    if (!edits) return error_response(503, "store_failed", edits.error().message);
    number = *edits;
  }
  const auto finish = [this, number, path = request.path](Response response) {
    // Refused for another reason: who corrects it needs the number that it has now.
    if (response.status >= 300 && number) tag(response, *number);
    if (response.status >= 300) return response;
    if (const auto edits = rows_.count_edit(path, {})) tag(response, *edits);
    return response;
  };
  Response response = route.answer(request, id);
  if (!response.later) return finish(std::move(response));
  response.later = [finish, later = std::move(response.later)] { return finish(later()); };
  return response;
}

std::vector<std::string> RouteList::names() const {
  std::vector<std::string> out;
  for (const Route& route : routes_)
    out.push_back(std::string(route.method) + " " + std::string(route.pattern));
  return out;
}

}  // namespace meterlens::api
