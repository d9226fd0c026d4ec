// Inside reader/: one JSON object a line, as the room writes its answers. Pure, any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace meterlens::reader {

using Json = nlohmann::ordered_json;

// Names from outside may be no UTF-8: bytes that are not are replaced.
inline std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace meterlens::reader
