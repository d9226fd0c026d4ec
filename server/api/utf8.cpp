#include "server/api/utf8.h"

#include <nlohmann/json.hpp>

namespace meterlens::api {

bool is_utf8(std::string_view text) {
  try {
    nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

}  // namespace meterlens::api
