// A photo that was too dark, glaring or blurred is taken once more with other light: what to change
// for it, and the trail of such tries. The protocol has no light for a single shot, so the camera's
// settings are changed for it and put back; what is to be put back is stored before anything is
// sent. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/settings.h"

namespace meterlens::command {

struct LightTry {
  enum class State : std::uint8_t {
    setting,   // the camera is told of the other light
    shooting,  // the photo is ordered
    undoing,   // the camera is told of the light from before
    done,      // all is as before
  };
  std::int64_t id = 0;
  std::string device;
  std::int64_t first_command = 0;  // of the slot: whose photo was the first bad one
  int number = 0;                  // 1: the first try after that
  std::int64_t photo = 0;          // the bad one before
  std::string fault;               // what was wrong with it: "dark"
  std::string light;               // for people: "lamp at 100 %"
  std::int64_t command = 0;        // of the new capture; 0: not ordered
  State state = State::setting;
  std::string note;                // why it came to nothing; empty otherwise
  std::vector<std::uint8_t> entries;  // settings as on the wire: the other light
  std::vector<std::uint8_t> undo;     // and that from before
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
};
const char* name(LightTry::State state);
std::optional<LightTry::State> light_state_named(std::string_view text);

struct OtherLight {
  std::string text;  // for people
  std::vector<std::uint8_t> entries;
  std::vector<std::uint8_t> undo;
};
// The reader's reason ("dark", "glare", "blur", "low confidence") as far as light can help; the
// try's number is 1 to 3, each tries something else. Nothing: no light helps, or none is left.
// `refused`: keys that the camera does not know.
std::optional<OtherLight> other_light(std::string_view fault, int number,
                                      const protocol::SettingValues& now,
                                      const std::vector<std::uint8_t>& refused);
inline constexpr int light_tries_max = 3;

}  // namespace meterlens::command
