#include "boards/esp32cam/portable/wifi.h"

#include <algorithm>

namespace meterlens::esp32cam {

void Attempts::failed(std::uint64_t now_ms) {
  due_ms_ = now_ms + pause_ms_;
  pause_ms_ = std::min(2 * pause_ms_, pause_last_ms);
}

bool Roaming::look(std::int8_t dbm, std::uint64_t now_ms) {
  weak_ = dbm < weak_dbm ? std::min(weak_ + 1, weak_count) : 0;
  if (weak_ < weak_count || now_ms < scan_due_ms_) return false;
  scan_due_ms_ = now_ms + scan_pause_ms_;
  return true;
}

std::optional<AccessPoint> Roaming::choose(const AccessPoint& current,
                                           std::span<const AccessPoint> found,
                                           std::uint64_t now_ms) {
  const AccessPoint* best = nullptr;
  int current_dbm = current.dbm;
  for (const AccessPoint& point : found) {
    // Compared as the same scan heard it.
    if (point.bssid == current.bssid)
      current_dbm = point.dbm;
    else if (best == nullptr || point.dbm > best->dbm)
      best = &point;
  }
  const bool move = best != nullptr && best->dbm >= current_dbm + gain_db_min;
  scan_pause_ms_ = move ? scan_pause_first_ms : std::min(2 * scan_pause_ms_, scan_pause_last_ms);
  scan_due_ms_ = now_ms + scan_pause_ms_;
  weak_ = 0;
  if (!move) return std::nullopt;
  return *best;
}

bool SetupDoor::open(bool connected, bool button_is_down, std::uint64_t now_ms) {
  if (connected || was_connected_) lost_ms_ = now_ms;
  was_connected_ = connected;
  ever_connected_ |= connected;
  if (!button_is_down)
    down_since_ms_.reset();
  else if (!down_since_ms_)
    down_since_ms_ = now_ms;
  else if (now_ms - *down_since_ms_ >= hold_ms)
    visited(now_ms);
  const std::uint64_t patience = ever_connected_ ? patience_ms : patience_first_ms;
  return !is_set_up_ || now_ms < visit_until_ms_ || now_ms - lost_ms_ >= patience;
}

}  // namespace meterlens::esp32cam
