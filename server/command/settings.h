// Which settings the server wants a device's camera and DTU to have, and whether they are there
// yet: each change raises the part's revision, and all that was ever wished goes out until the part
// says that it has taken that revision. A pure state machine: the clock is the caller's, one
// thread; storing and sending are the caller's, from `take()`.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "protocol/settings.h"
#include "server/command/queue.h"

namespace meterlens::command {

struct WishedSettings {
  std::string device;
  protocol::Part part = protocol::Part::camera;
  std::uint32_t revision = 0;   // 0: nothing was ever wished
  std::uint32_t confirmed = 0;  // the last revision that the part has taken; 0: none
  std::vector<std::uint8_t> entries;  // as on the wire, a key once
  std::vector<std::uint8_t> refused;  // keys, of the confirmed revision
};

inline constexpr std::int64_t settings_pause_ms_first = 5'000;  // without an answer; doubled up to
inline constexpr std::int64_t settings_pause_ms_max = 600'000;

class SettingsBook {
 public:
  // From before a restart.
  void take_up(WishedSettings settings);
  // The settings as they will be; they are in force once `put` has them. Requires whole entries.
  WishedSettings changed(const std::string& device, protocol::Part part,
                         protocol::Bytes entries) const;
  void put(WishedSettings settings, std::int64_t now_ms);

  // The part has answered. true: what is confirmed has changed.
  bool taken(const std::string& device, const protocol::SettingsTaken& answer);
  // A part says which revision it has: a server that has lost its store begins above it, also when
  // something is wished later; a part that has lost its settings gets them again. true: as in
  // `taken`.
  bool heard_revision(const std::string& device, protocol::Part part, std::uint32_t revision,
                      std::int64_t now_ms);

  // What is wished is sent once more, and must be confirmed again.
  void send_again(const std::string& device, std::int64_t now_ms);
  // Nothing is wished any more; what is wished later begins above what the parts may have.
  void withdraw(const std::string& device);
  void forget(const std::string& device);
  void set_link(const std::string& device, Link link, std::int64_t now_ms);
  void set_connected(bool connected, std::int64_t now_ms);
  void clock_moved(std::int64_t by_ms);

  // What is to be sent now.
  std::vector<WishedSettings> due(std::int64_t now_ms);
  // Null: nothing was ever wished.
  const WishedSettings* find(const std::string& device, protocol::Part part) const;

 private:
  struct Entry {
    WishedSettings settings;
    std::uint32_t heard = 0;  // the last revision that the part has spoken of
    std::int64_t due_ms = 0;
    std::int64_t pause_ms = settings_pause_ms_first;
  };
  using Key = std::pair<std::string, protocol::Part>;

  void hurry(Entry& entry, std::int64_t now_ms);

  std::map<Key, Entry> entries_;
  std::map<std::string, Link> links_;
  bool connected_ = false;
};

}  // namespace meterlens::command
