// What the Wi-Fi part decides: when to try again, when to look for a better access point and which
// to take, when the set-up page is open. Pure decisions: time and facts in, what to do out. No
// heap, no clock of its own, one thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace meterlens::esp32cam {

// Pauses between attempts to connect: growing, back to the first after a success.
class Attempts {
 public:
  static constexpr std::uint64_t pause_first_ms = 1'000;
  static constexpr std::uint64_t pause_last_ms = 60'000;

  void failed(std::uint64_t now_ms);
  void succeeded() { pause_ms_ = pause_first_ms; }
  std::uint64_t due_ms() const { return due_ms_; }

 private:
  std::uint64_t pause_ms_ = pause_first_ms;
  std::uint64_t due_ms_ = 0;
};

struct AccessPoint {
  std::array<std::uint8_t, 6> bssid{};
  std::int8_t dbm = 0;
};

// Roaming inside one network name.
class Roaming {
 public:
  static constexpr int weak_dbm = -70;
  static constexpr int gain_db_min = 8;           // so much better must another one be
  static constexpr std::uint32_t weak_count = 3;  // so many looks in a row before it scans
  static constexpr std::uint64_t scan_pause_first_ms = 60'000;
  static constexpr std::uint64_t scan_pause_last_ms = 3'600'000;  // after scans that found none

  // true: scan now. Called every few seconds while connected.
  bool look(std::int8_t dbm, std::uint64_t now_ms);
  // The access points that a scan found, of this network only; the one to move to, if any is worth
  // it. `current` is where the device is now.
  std::optional<AccessPoint> choose(const AccessPoint& current, std::span<const AccessPoint> found,
                                    std::uint64_t now_ms);

 private:
  std::uint32_t weak_ = 0;
  std::uint64_t scan_pause_ms_ = scan_pause_first_ms;
  std::uint64_t scan_due_ms_ = 0;
};

// When the set-up network and its page are there.
class SetupDoor {
 public:
  // Without a connection: at first, when what was entered may be wrong, and later.
  static constexpr std::uint64_t patience_first_ms = 120'000;
  static constexpr std::uint64_t patience_ms = 900'000;
  static constexpr std::uint64_t visit_ms = 600'000;  // after the button
  static constexpr std::uint64_t hold_ms = 3'000;     // the button must be held

  // A device without set-up has its door always open.
  SetupDoor(bool is_set_up, std::uint64_t now_ms) : is_set_up_(is_set_up), lost_ms_(now_ms) {}

  // Called every second or faster, with the facts of the moment.
  bool open(bool connected, bool button_is_down, std::uint64_t now_ms);
  // Somebody is at the page: it stays for a visit more.
  void visited(std::uint64_t now_ms) { visit_until_ms_ = now_ms + visit_ms; }

 private:
  bool is_set_up_;
  bool was_connected_ = false;   // at the last look
  bool ever_connected_ = false;  // since the start
  std::uint64_t lost_ms_;        // when the connection was last there
  std::optional<std::uint64_t> down_since_ms_;
  std::uint64_t visit_until_ms_ = 0;
};

}  // namespace meterlens::esp32cam
