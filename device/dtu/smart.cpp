#include "device/dtu/smart.h"

#include <algorithm>
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

std::optional<SmartControl> decode_control(std::string_view payload, Pins& pins) {
  const auto object = protocol::json_text(payload);
  if (!object || object->kind != JsonKind::object) return std::nullopt;
  SmartControl control;
  for (protocol::JsonMembers members(object->text); members.next();) {
    const JsonValue value = members.value();
    if (members.key() == "uart1") {
      const auto text = protocol::json_member(value, "payload");
      if (text && !is_nothing(*text)) control.uart_text = text->text;
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
                        std::span<char> out) {
  TextWriter event(out);
  event.put(R"({"modem": {"imei": ")").put(identity.imei);
  event.put(R"(", "devModel": ")").put(identity.model);
  event.put(R"(", "sn": ")").put(device);
  event.put(R"(", "fwVersion": ")").put(identity.firmware);
  event.put(R"(", "productId": "EC600S"}, "aht10": {"temperature": -50, "humidity": 0}, )");
  put_pins(event, pins);
  event.put("}");
  return event.count();
}

std::size_t pins_event(const Pins& pins, std::span<char> out) {
  TextWriter event(out);
  event.put("{");
  put_pins(event, pins);
  event.put("}");
  return event.count();
}

}  // namespace meterlens::dtu
