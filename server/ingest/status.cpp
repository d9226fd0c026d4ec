#include "server/ingest/status.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

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
  const auto revision = status.find("settings_revision");
  if (revision != status.end() && revision->is_number_unsigned() &&
      std::in_range<std::uint32_t>(revision->get<std::uint64_t>()))
    presence.settings_revision = revision->get<std::uint32_t>();
  // Written anew: one line, and nothing that is no UTF-8.
  presence.state_json = status.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return presence;
}

}  // namespace meterlens::ingest
