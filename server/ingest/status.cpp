#include "server/ingest/status.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace meterlens::ingest {

std::optional<Presence> decode_status(std::string_view payload) {
  const auto status = nlohmann::json::parse(payload, nullptr, false);
  if (status.is_discarded() || !status.is_object()) return std::nullopt;
  const auto online = status.find("online");
  if (online == status.end() || !online->is_boolean()) return std::nullopt;
  Presence presence{online->get<bool>(), {}, {}};
  const auto firmware = status.find("firmware");
  if (firmware != status.end() && firmware->is_string()) {
    const auto text = firmware->get<std::string>();
    const bool plain =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    if (plain && text.size() <= protocol::device_name_chars_max) presence.firmware = text;
  }
  // Written anew: one line, and nothing that is no UTF-8.
  presence.state_json = status.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return presence;
}

}  // namespace meterlens::ingest
