// The settings of a part, kept so that they survive a reset and a power cut at any moment: two
// copies in two areas, written in turn, each numbered and checksummed. The newest whole one counts;
// when both are broken or missing the initial settings are in force, and that is counted.
//
// An area (numbers little-endian):
//   0 magic u32 "MLS1"   4 sequence u32   8 revision u32   12 part u8   13 zero   14 entries u16
//  16 entries (key u8, value i32)          16 + 5 n  CRC-32 of all before it u32
//
// Entries of keys that this program does not know, or out of its ranges, are passed over: settings
// of a newer program do no harm. No heap, one thread; about 500 bytes, and as many on the stack of
// `load` and `take`.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "device/port.h"
#include "protocol/message.h"
#include "protocol/settings.h"

namespace meterlens::settings {

inline constexpr std::size_t area_bytes_max =
    16 + protocol::setting_bytes * protocol::setting_count_max + 4;

class Kept {
 public:
  struct Counters {
    std::uint32_t broken_areas = 0;   // at start: neither empty nor whole
    std::uint32_t failed_writes = 0;
    bool unsaved = false;             // the last one failed: in force until the next reset alone
    std::uint32_t refused = 0;        // wishes of unknown keys, or out of range
  };

  // Without `areas` nothing survives a reset.
  Kept(protocol::Part part, const MeterlensAreas& areas);

  // Reads the areas; once, first of all.
  void load();

  // Takes settings of this part into force and keeps them; writes the answer's refused keys into
  // `refused`. The same or an older revision changes nothing and is answered again. Nothing: not
  // this part's, or cut within an entry.
  std::optional<protocol::SettingsTaken> take(const protocol::Settings& settings,
                                              std::span<std::uint8_t> refused);
  // Changes one setting on the device's own account (a SmartDTU's control message); it is kept, the
  // revision stays. false: out of its range. Requires a name of the part.
  bool set(std::string_view name, std::int32_t value);

  const protocol::SettingValues& values() const { return values_; }
  std::int32_t get(std::string_view name) const { return values_.get(name); }
  std::uint32_t revision() const { return revision_; }  // 0: never set by a server
  const Counters& counters() const { return counters_; }

 private:
  bool load_area(std::uint8_t area);
  void save();

  MeterlensAreas areas_;
  protocol::SettingValues values_;
  std::uint32_t revision_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint8_t next_area_ = 0;
  Counters counters_;
};

}  // namespace meterlens::settings
