#include "boards/linux/photo_source.h"

#include "protocol/require.h"
#include "protocol/settings.h"

namespace meterlens::boards {

std::uint32_t deaf_keys(const std::vector<std::string_view>& names) {
  using protocol::Part;
  std::uint32_t keys = 0;
  for (const std::string_view name : names) {
    const auto place = protocol::find_setting(Part::camera, name);
    protocol::require(place.has_value());
    const std::uint8_t key = protocol::settings_of(Part::camera)[*place].key;
    protocol::require(key < 32);
    keys |= std::uint32_t{1} << key;
  }
  return keys;
}

}  // namespace meterlens::boards
