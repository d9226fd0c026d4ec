// Inside notify/: JSON as it is sent. Pure, any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace meterlens::notify {

// Names and reasons come from people: what is no UTF-8 is replaced, not thrown.
inline std::string text_of(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace meterlens::notify
