// Inside api/: the answers and checks that all routes share. Pure but for the clock.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "server/api/http.h"

namespace meterlens::api {

inline Response json_response(std::string body, int status = 200) {
  return {status, "application/json", std::move(body), {{"Cache-Control", "no-store"}}};
}

inline Response bad_request(const std::string& message) {
  return error_response(400, "bad_request", message);
}

inline Response unknown(const std::string& what, const std::string& id) {
  return error_response(404, "unknown_" + what, "there is no " + what + " \"" + id + "\"");
}

inline std::int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// A browser names the page that a request comes from; only our own pages may change something.
inline bool is_foreign(const Request& request) {
  if (request.origin.empty()) return false;
  return request.origin != "http://" + request.host && request.origin != "https://" + request.host;
}

}  // namespace meterlens::api
