#include "server/fleet/control.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "server/fleet/wrong.h"

namespace meterlens::fleet {
namespace {

using Json = nlohmann::ordered_json;
using Payload = std::expected<Json, std::string>;

constexpr std::int64_t period_ms_max = 86'400'000;

struct Range {
  const char* key;
  std::int64_t least;
  std::int64_t most;
};

// As QuecPython's UART takes them; parity 0 none, 1 even, 2 odd.
constexpr std::array uart_ranges{Range{"baud_rate", 1200, 921'600}, Range{"data_bits", 5, 8},
                                 Range{"parity", 0, 2}, Range{"stop_bits", 1, 2},
                                 Range{"flow_control", 0, 1}};

bool is_between(const Json& value, std::int64_t least, std::int64_t most) {
  return value.is_number_integer() && value >= least && value <= most;
}

Payload gpio(const Json& body) {
  Json pins = Json::object();
  for (int pin = 1; pin <= 14; ++pin) {
    const auto key = "gpio" + std::to_string(pin);
    const auto found = body.find(key);
    if (found == body.end()) continue;
    if (!is_between(*found, 0, 1)) return wrong('"' + key + "\" must be 0 or 1");
    pins[key] = *found;
  }
  if (pins.empty() || pins.size() != body.size())
    return wrong("name one or more of gpio1 to gpio14, and nothing else");
  return Json{{"gpio", pins}};
}

Payload uart(const Json& body) {
  if (!body.contains("uart") || !is_between(body["uart"], 0, 2))
    return wrong("\"uart\" must be 0, 1 or 2");
  Json config = Json::object();
  for (const auto& [key, value] : body.items()) {
    if (key == "uart") continue;
    const auto range =
        std::ranges::find_if(uart_ranges, [&](const Range& one) { return key == one.key; });
    if (range == uart_ranges.end())
      return wrong("known are uart, baud_rate, data_bits, parity, stop_bits and flow_control");
    if (!is_between(value, range->least, range->most))
      return wrong('"' + key + "\" must be a whole number from " + std::to_string(range->least) +
                   " to " + std::to_string(range->most));
    config[key] = value;
  }
  if (config.empty()) return wrong("name at least one parameter of the UART");
  return Json{{"uart" + body["uart"].dump(), {{"config", config}}}};
}

Payload timer(const Json& body) {
  Json out{{"status", 1}, {"period", 0}, {"mode", 1}, {"callback", "aht10,gpio"}};
  int number = 0;
  for (const auto& [key, value] : body.items()) {
    if (key == "timer") {
      if (!is_between(value, 1, 3)) return wrong("\"timer\" must be 1, 2 or 3");
      number = value.get<int>();
    } else if (key == "enabled" || key == "repeat") {
      if (!value.is_boolean()) return wrong('"' + key + "\" must be true or false");
      out[key == "enabled" ? "status" : "mode"] = value.get<bool>() ? 1 : 0;
    } else if (key == "period_ms") {
      if (!is_between(value, 1000, period_ms_max))
        return wrong("\"period_ms\" must be a whole number from 1000 to 86400000");
      out["period"] = value;
    } else if (key == "callback") {
      std::string names;
      for (const auto& one : value.is_array() ? value : Json::array()) {
        if (one != "aht10" && one != "gpio") return wrong("\"callback\": aht10 and gpio are known");
        names += (names.empty() ? "" : ",") + one.get<std::string>();
      }
      if (names.empty()) return wrong("\"callback\" must be a list of aht10 and gpio");
      out["callback"] = names;
    } else {
      return wrong("known are timer, enabled, period_ms, repeat and callback");
    }
  }
  if (number == 0) return wrong("\"timer\" must be 1, 2 or 3");
  if (out["period"] == 0) return wrong("\"period_ms\" must be given");
  return Json{{"timer" + std::to_string(number), out}};
}

// The DTU speaks http only, and parts a list at its commas.
bool is_address(const Json& value) {
  if (!value.is_string()) return false;
  const auto text = value.get<std::string>();
  return text.size() > 7 && text.size() <= 512 && text.starts_with("http://") &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != ','; });
}

Payload fota(const Json& body) {
  const char* wish = "send {\"firmware\":\"http://...\"}, or {\"files\":[\"http://...\"]} with 1 "
                     "to 8; the device speaks http only, and no comma may be in an address";
  if (body.size() != 1) return wrong(wish);
  if (body.contains("firmware")) {
    if (!is_address(body["firmware"])) return wrong(wish);
    return Json{{"fota", {{"mode", 1}, {"url", body["firmware"]}}}};
  }
  std::string list;
  const Json files = body.value("files", Json());
  if (!files.is_array() || files.empty() || files.size() > 8) return wrong(wish);
  for (const auto& one : files) {
    if (!is_address(one)) return wrong(wish);
    list += (list.empty() ? "" : ",") + one.get<std::string>();
  }
  return Json{{"fota", {{"mode", 0}, {"url", list}}}};
}

Payload send(const Json& body) {
  const bool right = body.size() == 2 && body.contains("uart") && body.contains("payload");
  if (!right || !is_between(body["uart"], 0, 2))
    return wrong("send {\"uart\":1,\"payload\":{\"any\":\"JSON\"}} with uart 0, 1 or 2");
  const Json& payload = body["payload"];
  const bool nothing = payload.is_null() || payload == false || payload == 0 || payload == "" ||
                       (payload.is_structured() && payload.empty());
  if (nothing) return wrong("\"payload\" is empty: the device would drop it");
  return Json{{"uart" + body["uart"].dump(), {{"payload", payload}}}};
}

// Everything of `wanted` is in `there`, which may have more.
bool has(const Json& there, const Json& wanted) {
  if (!wanted.is_object()) return there == wanted;
  if (!there.is_object()) return false;
  return std::ranges::all_of(wanted.items(), [&](const auto& item) {
    const auto found = there.find(item.key());
    return found != there.end() && has(*found, item.value());
  });
}

}  // namespace

const char* name(ControlKind kind) {
  constexpr std::array names{"gpio", "uart", "timer", "fota", "send"};
  return names[static_cast<std::size_t>(kind)];
}

const char* name(ControlState state) {
  constexpr std::array names{"queued", "sent", "confirmed", "unconfirmed", "expired", "failed"};
  return names[static_cast<std::size_t>(state)];
}

bool is_final(ControlKind kind, ControlState state) {
  if (state == ControlState::queued) return false;
  return state != ControlState::sent || kind == ControlKind::fota || kind == ControlKind::send;
}

std::expected<std::string, std::string> payload_of(ControlKind kind, std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return wrong("the body must be a JSON object");
  constexpr std::array makers{gpio, uart, timer, fota, send};
  const Payload payload = makers[static_cast<std::size_t>(kind)](json);
  if (!payload) return std::unexpected(payload.error());
  // ASCII: a byte that is no UTF-8 kills the UART reader of a SmartDTU.
  std::string text = payload->dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > control_bytes_max)
    return wrong("longer than " + std::to_string(control_bytes_max) + " bytes as JSON");
  return text;
}

bool confirms(const Control& control, std::string_view state_json) {
  if (control.kind == ControlKind::fota || control.kind == ControlKind::send) return false;
  const Json wanted = Json::parse(control.payload, nullptr, false);
  const Json state = Json::parse(state_json, nullptr, false);
  if (!wanted.is_object() || !state.is_object()) return false;
  return std::ranges::all_of(wanted.items(), [&](const auto& item) {
    const auto found = state.find(item.key());
    if (found == state.end()) return false;
    if (control.kind != ControlKind::uart) return has(*found, item.value());
    // Older programs tell the parameters beside `config`, not within it.
    const Json& parameters = item.value()["config"];
    return has(*found, parameters) ||
           (found->is_object() && found->contains("config") && has((*found)["config"], parameters));
  });
}

}  // namespace meterlens::fleet
