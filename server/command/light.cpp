#include "server/command/light.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/bytes.h"
#include "protocol/require.h"

namespace meterlens::command {
namespace {

using protocol::Part;
using protocol::SettingValues;

struct Change {
  std::string_view name;
  std::int32_t value;
};
using Changes = std::vector<Change>;

constexpr std::int32_t automatic = -1;

bool lamp_is_on(const SettingValues& now) {
  return now.get("light") != 0 && now.get("light_percent") > 0;
}

std::int32_t bias(const SettingValues& now, int by) {
  return std::clamp(now.get("exposure_bias") + by, -2, 2);
}

Changes lamp(std::int32_t percent) {
  return {{"light", percent > 0 ? 1 : 0}, {"light_percent", percent}, {"exposure", automatic}};
}

Changes with(Changes changes, Change one) {
  changes.push_back(one);
  return changes;
}

// What may help, best first.
std::vector<Changes> ladder(std::string_view fault, const SettingValues& now) {
  const bool on = lamp_is_on(now);
  if (fault == "dark") {
    return {lamp(100), with(lamp(100), {"exposure_bias", bias(now, 2)}),
            with(with(lamp(100), {"exposure_bias", 2}), {"gain_ceiling", 6})};
  }
  if (fault == "glare") {
    return {lamp(0), with(lamp(0), {"exposure_bias", bias(now, -1)}),
            with(lamp(25), {"exposure_bias", -2})};
  }
  if (fault == "blur" || fault == "low confidence") {
    // Light from elsewhere shows other edges; more of it makes the exposure shorter.
    if (on) return {lamp(0), lamp(40), with(lamp(100), {"exposure_bias", bias(now, -1)})};
    return {lamp(100), lamp(40), with(lamp(0), {"exposure_bias", bias(now, 1)})};
  }
  return {};
}

std::string text_of(const SettingValues& values) {
  std::string out = lamp_is_on(values) ? fmt::format("lamp at {} %", values.get("light_percent"))
                                       : "lamp off";
  if (values.get("exposure_bias") != 0)
    out += fmt::format(", exposure bias {:+}", values.get("exposure_bias"));
  if (values.get("gain_ceiling") != 2)
    out += fmt::format(", gain ceiling {}", values.get("gain_ceiling"));
  return out;
}

void put(std::vector<std::uint8_t>& entries, std::uint8_t key, std::int32_t value) {
  std::array<std::uint8_t, protocol::setting_bytes> bytes{};
  protocol::ByteWriter writer(bytes);
  writer.u8(key);
  writer.u32(static_cast<std::uint32_t>(value));
  entries.insert(entries.end(), bytes.begin(), bytes.end());
}

// Nothing: it changes nothing, or the camera cannot.
std::optional<OtherLight> prepared(const Changes& changes, const SettingValues& now,
                                   const std::vector<std::uint8_t>& refused) {
  OtherLight out;
  SettingValues then = now;
  for (const Change& change : changes) {
    const auto place = protocol::find_setting(Part::camera, change.name);
    protocol::require(place.has_value());
    if (now.at(*place) == change.value) continue;
    const std::uint8_t key = protocol::settings_of(Part::camera)[*place].key;
    if (std::ranges::find(refused, key) != refused.end()) return std::nullopt;
    protocol::require(then.set(*place, change.value));
    put(out.entries, key, change.value);
    put(out.undo, key, now.at(*place));
  }
  if (out.entries.empty()) return std::nullopt;
  out.text = text_of(then);
  return out;
}

}  // namespace

const char* name(LightTry::State state) {
  switch (state) {
    case LightTry::State::setting: return "setting";
    case LightTry::State::shooting: return "shooting";
    case LightTry::State::undoing: return "undoing";
    case LightTry::State::done: return "done";
  }
  protocol::require(false);
  return "";
}

std::optional<LightTry::State> light_state_named(std::string_view text) {
  using enum LightTry::State;
  for (const auto one : {setting, shooting, undoing, done}) {
    if (text == name(one)) return one;
  }
  return std::nullopt;
}

std::optional<OtherLight> other_light(std::string_view fault, int number, const SettingValues& now,
                                      const std::vector<std::uint8_t>& refused) {
  // What changes nothing, or cannot be, makes room for what comes after it.
  for (const Changes& changes : ladder(fault, now)) {
    auto light = prepared(changes, now, refused);
    if (light && --number == 0) return light;
  }
  return std::nullopt;
}

}  // namespace meterlens::command
