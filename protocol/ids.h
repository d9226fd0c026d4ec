// Names of devices and the MQTT topics of both dialects. No heap; views point into the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace meterlens::protocol {

inline constexpr std::size_t device_name_chars_max = 64;
inline constexpr std::string_view native_prefix = "meterlens";

// Of names of devices and of boards.
constexpr bool is_name_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

// 1 to 64 of A-Z a-z 0-9 . _ - and no leading dot: safe as a topic level, in a path and in a URL.
bool is_device_name(std::string_view text);

enum class Dialect : std::uint8_t { native, smartdtu };
const char* name(Dialect dialect);

enum class Channel : std::uint8_t {
  up,      // native: frames from the camera; SmartDTU: `event`
  down,    // native: frames to the camera; SmartDTU: `control`
  status,  // native only: JSON, retained, also the last will
};

struct Topic {
  Dialect dialect = Dialect::native;
  Channel channel = Channel::up;
  std::string_view product;  // SmartDTU product id; "meterlens" for native
  std::string_view device;
};

// Three levels: meterlens/{device}/up|down|status or {product_id}/{device_name}/event|control.
// Nothing when it is none of these or a name is not allowed.
std::optional<Topic> parse_topic(std::string_view text);

// Characters of the longest topic.
inline constexpr std::size_t topic_chars_max = 2 * device_name_chars_max + 16;

// Writes the topic and returns it as a view of `out`. Requires names that are allowed and
// out.size() >= topic_chars_max.
std::string_view format_topic(const Topic& topic, std::span<char> out);

}  // namespace meterlens::protocol
