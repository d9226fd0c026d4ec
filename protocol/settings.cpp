#include "protocol/settings.h"

#include <algorithm>
#include <array>

#include "protocol/bytes.h"
#include "protocol/require.h"

namespace meterlens::protocol {
namespace {

constexpr Setting camera_settings[] = {
    {1, "frame_size", 0, 5, 3},  // 320x240, 640x480, 800x600, 1024x768, 1280x1024, 1600x1200
    {2, "crop_left", 0, 999, 0},  // the crop: thousandths of the frame; width 0: the whole frame
    {3, "crop_top", 0, 999, 0},
    {4, "crop_width", 0, 1000, 0},
    {5, "crop_height", 0, 1000, 0},
    {6, "jpeg_quality", 4, 63, 12},  // as the sensor counts: smaller is better and larger
    {7, "exposure", -1, 1200, -1},   // lines; -1: automatic
    {8, "exposure_bias", -2, 2, 0},  // of the automatic exposure
    {9, "gain", -1, 30, -1},         // -1: automatic
    {10, "gain_ceiling", 0, 6, 2},   // of the automatic gain: 2, 4, 8, 16, 32, 64, 128 times
    {11, "white_balance", 0, 4, 0},  // automatic, sunny, cloudy, office, home
    {12, "brightness", -2, 2, 0},
    {13, "contrast", -2, 2, 0},
    {14, "saturation", -2, 2, 0},
    {15, "sharpness", -2, 2, 0},
    {16, "mirror", 0, 1, 0},
    {17, "flip", 0, 1, 0},
    {18, "frames_to_drop", 0, 20, 3},  // before the one that is kept
    {19, "light", 0, 1, 1},
    {20, "light_percent", 0, 100, 100},
    {21, "light_lead_ms", 0, 5000, 500},
    {22, "lamp_pin", -1, 48, -1},  // an external lamp; -1: the board's own LED
    {23, "lamp_kind", 0, 1, 0},    // plain, WS281x
    {24, "lamp_count", 1, 64, 8},  // WS281x: LEDs in a row
    {25, "lamp_rgb", 0, 0xFFFFFF, 0xFFFFFF},
    {26, "dark_level", 0, 255, 24},     // a photo of a smaller mean is too dark
    {27, "bright_level", 0, 255, 235},  // of a larger mean: too bright
    {28, "sleep", 0, 2, 0},             // between photos: none, light, deep
    {29, "awake_ms", 1000, 600000, 10000},  // after the last word, before it sleeps
    {30, "capture_period_s", 0, 2678400, 0},  // of the camera's own timer; 0: none
};

constexpr Setting dtu_own_settings[] = {
    {1, "capture_period_s", 0, 2678400, 0},  // 0: captures are ordered by the server alone
    {2, "capture_offset_s", 0, 2678399, 0},  // after multiples of the period, counted from 1970
    {3, "capture_spread_s", 0, 86399, 0},    // up to so much later, always the same for a device
    {4, "status_period_s", 30, 86400, 900},
    {5, "window", 1, 64, 16},  // messages on their way to the broker
    {6, "timer1_on", 0, 1, 0},  // the timers of a SmartDTU
    {7, "timer1_period_ms", 1000, 86400000, 60000},
    {8, "timer1_repeats", 0, 1, 1},
    {9, "timer2_on", 0, 1, 0},
    {10, "timer2_period_ms", 1000, 86400000, 60000},
    {11, "timer2_repeats", 0, 1, 1},
    {12, "timer3_on", 0, 1, 0},
    {13, "timer3_period_ms", 1000, 86400000, 60000},
    {14, "timer3_repeats", 0, 1, 1},
};

// Each serial line of a DTU has these, under keys that follow each other.
constexpr Setting line_settings[] = {
    {0, "baud", 1200, 921600, 115200},
    {1, "data_bits", 7, 8, 8},
    {2, "parity", 0, 2, 0},  // none, even, odd
    {3, "stop_bits", 1, 2, 1},
    {4, "flow_control", 0, 1, 0},
};
struct SerialLine {
  std::uint8_t first_key;
  std::string_view name;
};
constexpr SerialLine serial_lines[] = {
    {15, "uart_"},   // of a SmartDTU's uart1
    {20, "uart0_"},  // of the two that no camera is at: kept and told
    {25, "uart2_"},
};

using NameChars = std::array<char, 20>;
constexpr std::size_t lines_settings_count = std::size(serial_lines) * std::size(line_settings);
constexpr auto line_names = [] {
  std::array<NameChars, lines_settings_count> out{};
  auto at = out.begin();
  for (const SerialLine& line : serial_lines) {
    for (const Setting& setting : line_settings) {
      const auto end = std::ranges::copy(line.name, at->begin()).out;
      std::ranges::copy(setting.name, end);
      ++at;
    }
  }
  return out;
}();

constexpr auto dtu_settings = [] {
  std::array<Setting, std::size(dtu_own_settings) + lines_settings_count> out{};
  auto to = std::ranges::copy(dtu_own_settings, out.begin()).out;
  auto name = line_names.begin();
  for (const SerialLine& line : serial_lines) {
    for (Setting setting : line_settings) {
      setting.key = static_cast<std::uint8_t>(line.first_key + setting.key);
      setting.name = name++->data();
      *to++ = setting;
    }
  }
  return out;
}();

static_assert(std::size(camera_settings) <= setting_count_max);
static_assert(std::size(dtu_settings) <= setting_count_max);

}  // namespace

const char* name(Part part) { return part == Part::camera ? "camera" : "dtu"; }

std::optional<Part> part_of(std::uint8_t code) {
  if (code < 1 || code > 2) return std::nullopt;
  return static_cast<Part>(code);
}

std::span<const Setting> settings_of(Part part) {
  if (part == Part::camera) return camera_settings;
  return dtu_settings;
}

std::optional<std::size_t> find_setting(Part part, std::uint8_t key) {
  const auto table = settings_of(part);
  const auto found = std::ranges::find(table, key, &Setting::key);
  if (found == table.end()) return std::nullopt;
  return static_cast<std::size_t>(found - table.begin());
}

std::optional<std::size_t> find_setting(Part part, std::string_view name) {
  const auto table = settings_of(part);
  const auto found = std::ranges::find(table, name, &Setting::name);
  if (found == table.end()) return std::nullopt;
  return static_cast<std::size_t>(found - table.begin());
}

SettingValues::SettingValues(Part part) : part_(part) {
  std::ranges::transform(settings_of(part), values_.begin(), &Setting::initial);
}

std::int32_t SettingValues::get(std::string_view name) const {
  const auto place = find_setting(part_, name);
  require(place.has_value());
  return values_[*place];
}

bool SettingValues::set(std::size_t place, std::int32_t value) {
  const auto table = settings_of(part_);
  require(place < table.size());
  if (value < table[place].least || value > table[place].most) return false;
  values_[place] = value;
  return true;
}

std::optional<std::size_t> SettingValues::take(Bytes entries, std::span<std::uint8_t> refused) {
  if (entries.size() % setting_bytes != 0) return std::nullopt;
  std::size_t refused_count = 0;
  for (ByteReader in(entries); !in.at_end();) {
    const std::uint8_t key = in.u8();
    const auto value = static_cast<std::int32_t>(in.u32());
    const auto place = find_setting(part_, key);
    if (place && set(*place, value)) continue;
    if (refused_count < refused.size()) refused[refused_count] = key;
    ++refused_count;
  }
  return refused_count;
}

std::size_t SettingValues::write(std::span<std::uint8_t> out) const {
  ByteWriter entries(out);
  for (std::size_t place = 0; place < settings_of(part_).size(); ++place) {
    entries.u8(settings_of(part_)[place].key);
    entries.u32(static_cast<std::uint32_t>(values_[place]));
  }
  return entries.count();
}

}  // namespace meterlens::protocol
