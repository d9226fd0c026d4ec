#include "server/photo/brightness.h"

#include <limits>

namespace meterlens::photo {

Brightness brightness_of(protocol::Bytes jpeg, std::int32_t dark_level,
                         std::int32_t bright_level) {
  protocol::LuminanceWalk walk;
  walk.begin(jpeg);
  if (walk.step(std::numeric_limits<std::uint32_t>::max()) != protocol::LuminanceWalk::State::done)
    return {};
  const protocol::Luminance seen = walk.result();
  return {protocol::judge(seen, dark_level, bright_level), seen.mean, seen.dark_percent,
          seen.bright_percent};
}

}  // namespace meterlens::photo
