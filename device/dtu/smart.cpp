#include "device/dtu/smart.h"

#include <algorithm>
#include <array>
#include <limits>

#include "device/text.h"
#include "protocol/require.h"

namespace meterlens::dtu {
namespace {

using device::TextWriter;
using protocol::JsonKind;
using protocol::JsonScanner;
using protocol::JsonValue;

constexpr std::string_view event_head =
    R"({"uart1": {"config": {"baud_rate": 115200, "data_bits": 8, "parity": 0, "stop_bits": 1, )"
    R"("flow_control": 0}, "payload": )";

bool is_white(std::uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

// What the deployed program takes for nothing: 0, "", {}, [], false, null.
bool is_nothing(const JsonValue& value) {
  switch (value.kind) {
    case JsonKind::object:
    case JsonKind::array: {
      const auto inside = value.text.substr(1, value.text.size() - 2);
      return std::all_of(inside.begin(), inside.end(),
                         [](char c) { return is_white(static_cast<std::uint8_t>(c)); });
    }
    case JsonKind::string: return value.text.size() == 2;
    case JsonKind::literal: return value.text != "true";
    default: return value.text.find_first_not_of("-0.eE+") == std::string_view::npos;
  }
}

void put_pins(TextWriter& out, const Pins& pins) {
  out.put(R"("gpio": {)");
  for (std::size_t i = 0; i < pins.size(); ++i)
    out.put(i == 0 ? "\"gpio" : ", \"gpio").put_number(i + 1).put("\": ").put_number(pins[i]);
  out.put("}");
}

void set_pins(const JsonValue& wishes, Pins& pins) {
  constexpr std::string_view prefix = "gpio";
  for (protocol::JsonMembers members(wishes.text); members.next();) {
    if (!members.key().starts_with(prefix)) continue;
    const auto pin = protocol::json_integer({JsonKind::number, members.key().substr(4)});
    const auto level = protocol::json_integer(members.value());
    if (!pin || *pin < 1 || *pin > static_cast<std::int64_t>(pins.size()) || !level) continue;
    pins[static_cast<std::size_t>(*pin - 1)] = *level == 0 ? 0 : 1;
  }
}

// A setting and the name that it has in a SmartDTU's JSON.
struct SmartSetting {
  std::string_view json, name;
};
constexpr std::string_view uart_keys[] = {"uart0", "uart1", "uart2"};
constexpr std::string_view camera_uart = uart_keys[1];  // the only one that this board has
constexpr std::uint8_t uart_first_settings[std::size(uart_keys)] = {20, 15, 25};  // their keys
constexpr std::string_view uart_words[] = {"baud_rate", "data_bits", "parity", "stop_bits",
                                           "flow_control"};
constexpr SmartSetting timer_settings[smart_timer_count][3] = {
    {{"status", "timer1_on"}, {"period", "timer1_period_ms"}, {"mode", "timer1_repeats"}},
    {{"status", "timer2_on"}, {"period", "timer2_period_ms"}, {"mode", "timer2_repeats"}},
    {{"status", "timer3_on"}, {"period", "timer3_period_ms"}, {"mode", "timer3_repeats"}}};
constexpr std::string_view timer_keys[smart_timer_count] = {"timer1", "timer2", "timer3"};

std::array<SmartSetting, std::size(uart_words)> uart_settings(std::size_t uart) {
  std::array<SmartSetting, std::size(uart_words)> out;
  const auto table = protocol::settings_of(protocol::Part::dtu);
  auto at = std::ranges::find(table, uart_first_settings[uart], &protocol::Setting::key);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = {uart_words[i], at++->name};
  return out;
}

// true: one of them was there and in its range.
bool take(const JsonValue& object, std::span<const SmartSetting> wanted, settings::Kept& kept) {
  bool any = false;
  for (const SmartSetting& setting : wanted) {
    const auto value = protocol::json_member(object, setting.json);
    const auto number = value ? protocol::json_integer(*value) : std::nullopt;
    if (!number || *number < 0 || *number > std::numeric_limits<std::int32_t>::max()) continue;
    any = kept.set(setting.name, static_cast<std::int32_t>(*number)) || any;
  }
  return any;
}

bool take_timer(std::string_view key, const JsonValue& value, settings::Kept& kept) {
  const auto found = std::ranges::find(timer_keys, key);
  if (found == std::end(timer_keys) || value.kind != JsonKind::object) return false;
  return take(value, timer_settings[found - std::begin(timer_keys)], kept);
}

// true: the key of a UART. What is to be written to one that is not there counts as unknown.
bool take_uart(std::string_view key, const JsonValue& value, settings::Kept& kept,
               SmartControl& control) {
  const auto found = std::ranges::find(uart_keys, key);
  if (found == std::end(uart_keys)) return false;
  const auto text = protocol::json_member(value, "payload");
  if (text && !is_nothing(*text)) {
    if (key == camera_uart)
      control.uart_text = text->text;
    else
      ++control.unknown_keys;
  }
  const auto config = protocol::json_member(value, "config");
  if (config && take(*config, uart_settings(static_cast<std::size_t>(found - uart_keys)), kept))
    control.sets_settings = true;
  return true;
}

bool is_initial(const protocol::SettingValues& values, std::span<const SmartSetting> some) {
  const protocol::SettingValues initial(protocol::Part::dtu);
  return std::ranges::all_of(some, [&](const SmartSetting& setting) {
    return values.get(setting.name) == initial.get(setting.name);
  });
}

void put_settings(TextWriter& out, std::string_view key, std::span<const SmartSetting> some,
                  const protocol::SettingValues& values, std::string_view last) {
  if (is_initial(values, some)) return;
  out.put(", \"").put(key).put("\": {");
  for (const SmartSetting& setting : some) {
    out.put(&setting == some.data() ? "\"" : ", \"").put(setting.json).put("\": ");
    out.put_number(static_cast<std::uint64_t>(values.get(setting.name)));
  }
  out.put(last).put("}");
}

}  // namespace

SmartUart::SmartUart(std::size_t read_bytes) : read_bytes_(read_bytes) {
  protocol::require(read_bytes >= 1 && read_bytes <= uart_text_bytes_max);
}

bool SmartUart::put(std::uint8_t byte, std::uint64_t now_ms) {
  last_byte_ms_ = now_ms;
  if (count_ == 0 && !spoiled_ && is_white(byte)) return false;
  if ((byte < 32 || byte >= 127) && !is_white(byte)) spoiled_ = true;
  if (spoiled_) {
    count_ = 0;
    return false;
  }
  text_[count_++] = static_cast<char>(byte);
  if (state_ == JsonScanner::State::open && text_[0] == '{')
    state_ = scanner_.put(static_cast<char>(byte));
  return is_object() || count_ == read_bytes_;
}

bool SmartUart::step(std::uint64_t now_ms) {
  if (now_ms < due_ms()) return false;
  if (!spoiled_) return true;
  ++counters_.not_ascii;
  spoiled_ = false;
  scanner_ = {};
  state_ = JsonScanner::State::open;
  return false;
}

std::uint64_t SmartUart::due_ms() const {
  return count_ > 0 || spoiled_ ? last_byte_ms_ + uart_pause_ms
                                : std::numeric_limits<std::uint64_t>::max();
}

bool SmartUart::is_passed_over() const {
  const auto value = protocol::json_text(text());
  if (!value) return false;
  return value->kind == JsonKind::number || value->kind == JsonKind::array ||
         protocol::json_member(*value, "payload").has_value();
}

std::size_t SmartUart::event(std::span<char> out) {
  std::size_t written = 0;
  if (count_ > 0 && is_passed_over()) {
    ++counters_.passed_over;
  } else if (count_ > 0) {
    TextWriter event(out);
    event.put(event_head);
    if (is_object()) {
      event.put(text());
    } else {
      const auto escaped = protocol::json_escape(text(), event.room().subspan(1));
      protocol::require(escaped.has_value());
      event.put("\"");
      event.skip(*escaped);
      event.put("\"");
    }
    event.put("}}");
    written = event.count();
  }
  count_ = 0;
  scanner_ = {};
  state_ = JsonScanner::State::open;
  return written;
}

std::optional<SmartControl> decode_control(std::string_view payload, Pins& pins,
                                           settings::Kept& kept) {
  const auto object = protocol::json_text(payload);
  if (!object || object->kind != JsonKind::object) return std::nullopt;
  SmartControl control;
  for (protocol::JsonMembers members(object->text); members.next();) {
    const JsonValue value = members.value();
    if (take_uart(members.key(), value, kept, control)) continue;
    if (take_timer(members.key(), value, kept)) {
      control.sets_settings = true;
    } else if (members.key() == "gpio" && value.kind == JsonKind::object) {
      set_pins(value, pins);
      control.sets_pins = true;
    } else {
      ++control.unknown_keys;
    }
  }
  return control;
}

std::size_t state_event(const SmartIdentity& identity, std::string_view device, const Pins& pins,
                        const protocol::SettingValues& settings, std::span<char> out) {
  TextWriter event(out);
  event.put(R"({"modem": {"imei": ")").put(identity.imei);
  event.put(R"(", "devModel": ")").put(identity.model);
  event.put(R"(", "sn": ")").put(device);
  event.put(R"(", "fwVersion": ")").put(identity.firmware);
  event.put(R"(", "productId": "EC600S"}, "aht10": {"temperature": -50, "humidity": 0}, )");
  put_pins(event, pins);
  for (std::size_t i = 0; i < smart_timer_count; ++i)
    put_settings(event, timer_keys[i], timer_settings[i], settings,
                 R"(, "callback": "aht10,gpio")");
  for (std::size_t i = 0; i < std::size(uart_keys); ++i)
    put_settings(event, uart_keys[i], uart_settings(i), settings, "");
  event.put("}");
  return event.count();
}

void SmartTimers::set(const settings::Kept& kept, std::uint64_t now_ms) {
  for (std::size_t i = 0; i < smart_timer_count; ++i) {
    const auto period_ms = static_cast<std::uint32_t>(kept.get(timer_settings[i][1].name));
    const bool on = kept.get(timer_settings[i][0].name) == 1;
    if (on && due_ms_[i] != 0 && period_ms_[i] == period_ms) continue;
    period_ms_[i] = period_ms;
    due_ms_[i] = on ? now_ms + period_ms : 0;
  }
}

bool SmartTimers::step(settings::Kept& kept, std::uint64_t now_ms) {
  bool fired = false;
  for (std::size_t i = 0; i < smart_timer_count; ++i) {
    if (due_ms_[i] == 0 || now_ms < due_ms_[i]) continue;
    fired = true;
    due_ms_[i] = now_ms + period_ms_[i];
    if (kept.get(timer_settings[i][2].name) == 1) continue;
    due_ms_[i] = 0;
    kept.set(timer_settings[i][0].name, 0);
  }
  return fired;
}

std::uint64_t SmartTimers::due_ms() const {
  std::uint64_t due = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t one : due_ms_)
    if (one != 0) due = std::min(due, one);
  return due;
}

std::size_t pins_event(const Pins& pins, std::span<char> out) {
  TextWriter event(out);
  event.put("{");
  put_pins(event, pins);
  event.put("}");
  return event.count();
}

}  // namespace meterlens::dtu
