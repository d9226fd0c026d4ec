// Inside api/: ETag and If-Match of what people edit. The API's own word for both is `version`, in
// bodies and queries; here If-Match is turned into it, and a conflict into 412. Pure functions.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "server/api/http.h"

namespace meterlens::api {

// Whether what a route is about has a version: `own`, which its JSON and the store know, or
// `counted`, the number of people's edits of that path (store::Fleet::count_edit).
enum class Version : std::uint8_t { none, own, counted };

// What If-Match names; nothing: there is none, or it is "*". The error is the answer.
std::expected<std::optional<std::int64_t>, Response> seen_version(const Request& request);
// The same request with the version in its body, or in the query of a DELETE. The error is the
// answer: the body names another one.
std::expected<Request, Response> with_version(const Request& request, std::int64_t seen);
// 412 instead of a 409 that is about the version.
void to_precondition(Response& response);
Response edited_meanwhile();

void tag(Response& response, std::int64_t version);
// With the "version" of its own JSON, if it has one.
void tag_own(Response& response);

}  // namespace meterlens::api
