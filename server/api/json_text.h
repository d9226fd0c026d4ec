// Inside api/: what all files that write JSON share. Pure, any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace meterlens::api {

using Json = nlohmann::ordered_json;

// The largest version, as of ids in paths; the largest time, in the year 2286.
inline constexpr std::int64_t version_max = 999'999'999'999'999'999;
inline constexpr std::int64_t time_max = 9'999'999'999'999;

// Names and reasons are ASCII; should one not be, the answer is JSON all the same.
inline std::string text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

inline Json or_null(const std::string& value) {
  return value.empty() ? Json(nullptr) : Json(value);
}
inline Json or_null(std::int64_t value) { return value == 0 ? Json(nullptr) : Json(value); }

}  // namespace meterlens::api
