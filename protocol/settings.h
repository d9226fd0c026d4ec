// The settings of a camera and of a DTU that the server changes: their keys, names and ranges, and
// their bytes on the wire (SPEC.md, section 9). All are whole numbers. Both sides use this table: a
// name in the API and a key on the wire mean the same. No heap, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/checksum.h"

namespace meterlens::protocol {

// Who behind a device's name is meant.
enum class Part : std::uint8_t { camera = 1, dtu = 2 };
const char* name(Part part);
// Nothing: no part has this number.
std::optional<Part> part_of(std::uint8_t code);

struct Setting {
  std::uint8_t key;  // never used again for something else
  std::string_view name;
  std::int32_t least, most, initial;
};

inline constexpr std::size_t setting_count_max = 48;  // of a part
inline constexpr std::size_t setting_bytes = 5;       // on the wire: key u8, value i32

std::span<const Setting> settings_of(Part part);
// Its place in settings_of(part).
std::optional<std::size_t> find_setting(Part part, std::uint8_t key);
std::optional<std::size_t> find_setting(Part part, std::string_view name);

// One value for each setting of a part; they begin as the initial ones.
class SettingValues {
 public:
  explicit SettingValues(Part part);

  Part part() const { return part_; }
  // Requires a name of the part.
  std::int32_t get(std::string_view name) const;
  std::int32_t at(std::size_t place) const { return values_[place]; }
  // false: outside its range, and nothing changes. Requires a place of settings_of(part).
  bool set(std::size_t place, std::int32_t value);

  // Takes the entries (key u8, value i32, repeated) that are known and within their range. Writes
  // the keys of the others into `refused`, as far as it has room, and returns how many they are;
  // nothing when `entries` ends within an entry: then nothing changes.
  std::optional<std::size_t> take(Bytes entries, std::span<std::uint8_t> refused);
  // Writes all entries; requires room for setting_count_max. Returns their bytes.
  std::size_t write(std::span<std::uint8_t> out) const;

  bool operator==(const SettingValues&) const = default;

 private:
  Part part_;
  std::array<std::int32_t, setting_count_max> values_{};
};

}  // namespace meterlens::protocol
