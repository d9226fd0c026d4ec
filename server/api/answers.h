// Inside api/: answers that many routes give.
#pragma once

#include <fmt/format.h>

#include <string>

#include "server/api/http.h"
#include "server/clock.h"

namespace meterlens::api {

inline Response json_response(std::string body, int status = 200) {
  return {status, "application/json", std::move(body), {{"Cache-Control", "no-store"}}};
}

inline Response bad_request(const std::string& message) {
  return error_response(400, "bad_request", message);
}

inline Response unknown(const std::string& what, const std::string& id) {
  return error_response(404, "unknown_" + what, fmt::format("there is no {} \"{}\"", what, id));
}

inline Response refused(const CaptureError& error) {
  switch (error.code) {
    case CaptureErrorCode::unknown_device:
      return error_response(404, "unknown_device", error.message);
    case CaptureErrorCode::queue_full:
      return error_response(429, "queue_full", error.message);
    case CaptureErrorCode::wrong_dialect:
      return error_response(409, "wrong_dialect", error.message);
    case CaptureErrorCode::disabled:
      return error_response(409, "device_disabled", error.message);
    case CaptureErrorCode::store: break;
  }
  return error_response(503, "store_failed", error.message);
}

using server::steady_ms;
using server::unix_ms;

}  // namespace meterlens::api
