#include "server/photo/views.h"

#include <algorithm>

namespace meterlens::photo {
namespace {

// On the circle of numbers.
bool is_older(std::uint16_t one, std::uint16_t than) {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(one - than)) < 0;
}

}  // namespace

Views::Entry& Views::entry_of(const std::string& device, std::int64_t now_ms) {
  if (!entries_.contains(device) && entries_.size() >= devices_max_) {
    entries_.erase(std::ranges::min_element(
        entries_, {}, [](const auto& entry) { return entry.second.heard_ms; }));
  }
  Entry& entry = entries_[device];
  entry.heard_ms = now_ms;
  return entry;
}

bool Views::add(const std::string& device, const protocol::Bytes& data, std::uint16_t number,
                std::uint8_t index, std::uint8_t count, std::int64_t now_ms) {
  // After so long a pause it is another aiming, whose numbers begin anew.
  constexpr std::int64_t pause_ms = 60'000;
  const std::lock_guard lock(mutex_);
  const auto known = entries_.find(device);
  const bool anew = known == entries_.end() || now_ms - known->second.heard_ms > pause_ms;
  Entry& entry = entry_of(device, now_ms);
  if (anew) entry.number = 0;
  if (entry.number != 0 && is_older(number, entry.number)) return false;
  if (number != entry.number || entry.packets.size() != count) {
    entry.number = number;
    entry.packets.assign(count, {});
    entry.missing = count;
  }
  auto& packet = entry.packets[index];
  if (!packet.empty()) return false;
  packet.assign(data.begin(), data.end());
  if (--entry.missing > 0) return false;
  View whole{number, now_ms, {}};
  for (const auto& part : entry.packets)
    whole.jpeg.insert(whole.jpeg.end(), part.begin(), part.end());
  const bool is_jpeg = whole.jpeg.size() > 2 && whole.jpeg[0] == 0xFF && whole.jpeg[1] == 0xD8;
  if (is_jpeg) entry.whole = std::move(whole);
  return is_jpeg;
}

void Views::put(const std::string& device, View view) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entry_of(device, view.at_ms);
  entry.whole = std::move(view);
}

std::optional<View> Views::newest(const std::string& device) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(device);
  if (found == entries_.end() || found->second.whole.jpeg.empty()) return std::nullopt;
  return found->second.whole;
}

}  // namespace meterlens::photo
