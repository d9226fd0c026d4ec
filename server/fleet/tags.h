// How devices and meters are sorted: each is in one group of a tree, written as a path like
// "berlin/north/house 3", and may have labels, a value a name. Pure functions.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace meterlens::fleet {

inline constexpr std::size_t group_bytes_max = 128;
inline constexpr std::size_t group_levels_max = 8;
inline constexpr std::size_t label_count_max = 16;
inline constexpr std::size_t label_value_bytes_max = 64;
inline constexpr std::size_t target_devices_max = 4096;

enum class Kind : std::uint8_t { device, meter };
const char* name(Kind kind);

struct Tags {
  std::string group;  // empty: in none
  std::map<std::string, std::string> labels;
  std::int64_t version = 0;  // rises with each edit; 0: never edited
};

// Which devices something is for: those that are named, and those that are in the group (or below
// it) and have the label; with nothing set, none.
struct Target {
  std::vector<std::string> devices = {};
  std::string group = {};
  std::string label_name = {};
  std::string label_value = {};  // empty: any value
  bool operator==(const Target&) const = default;
};
bool is_empty(const Target& target);

// Levels of a path are not empty and have no control characters. The error says what is wrong.
std::expected<void, std::string> check_group(const std::string& group);
std::expected<void, std::string> check(const Tags& tags);
std::expected<void, std::string> check(const Target& target);

// "name" or "name=value", as in a query, into label_name and label_value.
std::expected<void, std::string> parse_label(std::string_view text, Target& out);

// `group` is `above`, or below it.
bool is_within(std::string_view group, std::string_view above);

}  // namespace meterlens::fleet
