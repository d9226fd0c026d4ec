#include "server/fleet/profile.h"

#include <algorithm>
#include <array>

namespace meterlens::fleet {
namespace {

using command::WishedSettings;
using protocol::setting_bytes;

// The bytes of a key's entry in `all`; nothing when it is not there.
const std::uint8_t* find(const std::vector<std::uint8_t>& all, std::uint8_t key) {
  for (std::size_t at = 0; at + setting_bytes <= all.size(); at += setting_bytes)
    if (all[at] == key) return all.data() + at;
  return nullptr;
}

std::string name_of(protocol::Part part, std::uint8_t key) {
  const auto place = protocol::find_setting(part, key);
  return place ? std::string(protocol::settings_of(part)[*place].name) : std::to_string(key);
}

// What of the part's entries drifted or was refused; the arrival of this part.
Arrival look(const Profile& profile, protocol::Part part,
             const std::optional<WishedSettings>& wished, std::vector<std::string>& names) {
  const auto& entries = profile.entries(part);
  Arrival out = Arrival::confirmed;
  if (wished && wished->confirmed != wished->revision) out = Arrival::waiting;
  for (std::size_t at = 0; at + setting_bytes <= entries.size(); at += setting_bytes) {
    const std::uint8_t key = entries[at];
    const std::uint8_t* there = wished ? find(wished->entries, key) : nullptr;
    const bool same = there != nullptr && std::equal(there, there + setting_bytes,
                                                     entries.begin() + static_cast<long>(at));
    const bool was_refused = wished && std::ranges::find(wished->refused, key) !=
                                           wished->refused.end();
    if (same && !was_refused) continue;
    if (!same) out = Arrival::drifted;
    if (same && out != Arrival::drifted) out = Arrival::refused;
    names.push_back(name_of(part, key));
  }
  return out;
}

}  // namespace

const char* name(Arrival arrival) {
  constexpr std::array names{"missing", "waiting", "confirmed", "refused", "drifted", "failed"};
  return names[static_cast<std::size_t>(arrival)];
}

bool is_wished(const std::vector<std::uint8_t>& entries, const WishedSettings* wished) {
  if (wished == nullptr) return entries.empty();
  for (std::size_t at = 0; at + setting_bytes <= entries.size(); at += setting_bytes) {
    const std::uint8_t* there = find(wished->entries, entries[at]);
    if (there == nullptr ||
        !std::equal(there, there + setting_bytes, entries.begin() + static_cast<long>(at)))
      return false;
  }
  return true;
}

Standing standing(const Profile& profile, const std::optional<Push>& push,
                  const std::optional<WishedSettings>& camera,
                  const std::optional<WishedSettings>& dtu) {
  Standing out;
  if (!push) return out;
  if (push->state == PushState::failed) return {Arrival::failed, {}};
  if (push->state == PushState::pending) return {Arrival::waiting, {}};
  // The worst of the two parts counts: drifted, refused, waiting, confirmed.
  const auto rank = [](Arrival one) {
    constexpr std::array ranks{0, 1, 0, 2, 3, 4};
    return ranks[static_cast<std::size_t>(one)];
  };
  out.arrival = Arrival::confirmed;
  for (const auto part : {protocol::Part::camera, protocol::Part::dtu}) {
    if (profile.entries(part).empty()) continue;
    const auto& wished = part == protocol::Part::camera ? camera : dtu;
    const Arrival one = look(profile, part, wished, out.settings);
    if (rank(one) > rank(out.arrival)) out.arrival = one;
  }
  return out;
}

}  // namespace meterlens::fleet
