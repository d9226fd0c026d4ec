#include "server/api/json.h"

#include <nlohmann/json.hpp>

#include "protocol/checksum.h"

namespace meterlens::api {
namespace {

using Json = nlohmann::ordered_json;

std::string text(const Json& json) {
  // Names and reasons are ASCII; should one not be, the answer is JSON all the same.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json or_null(const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); }
Json or_null(std::int64_t value) { return value == 0 ? Json(nullptr) : Json(value); }

Json object(const command::Command& command) {
  return {{"id", command.id},
          {"device", command.device},
          {"kind", command.kind},
          {"state", command::name(command.state)},
          {"reason", or_null(command.reason)},
          {"packets_received", command.packets_received},
          {"packets_total", command.packets_total},
          {"photo", or_null(command.photo)},
          {"reading", or_null(command.reading)},
          {"created_ms", or_null(command.created_ms)},
          {"updated_ms", or_null(command.updated_ms)}};
}

Json object(const photo::Photo& photo) {
  const auto digits = protocol::hex(photo.sha256);
  return {{"id", photo.id},
          {"device", photo.device},
          {"bytes", photo.photo_bytes},
          {"sha256", std::string(digits.data(), digits.size())},
          {"state", photo.state == photo::PhotoState::stored ? "stored" : "quarantined"},
          {"reason", or_null(photo.reason)},
          {"captured_at_ms", or_null(photo.captured_at_ms)},
          {"received_at_ms", or_null(photo.received_at_ms)},
          {"path", photo.path},
          {"command", or_null(photo.command)}};
}

Json object(const validate::Reading& reading) {
  return {{"id", reading.id},
          {"meter", reading.meter},
          {"device", reading.device},
          {"photo", or_null(reading.photo)},
          {"at_ms", or_null(reading.at_ms)},
          {"status", reading.status},
          {"digits", reading.digits},
          {"certain", reading.certain},
          {"value", reading.value},
          {"red", reading.red},
          {"confidence", reading.confidence},
          {"window", reading.window},
          {"verdict", validate::name(reading.verdict)},
          {"reasons", reading.reasons},
          {"ms", reading.ms}};
}

Json object(const DeviceView& view) {
  const auto& device = view.device;
  Json out{{"id", device.id},
           {"dialect", protocol::name(device.dialect)},
           {"product", device.product},
           {"online", device.online},
           {"first_seen_ms", or_null(device.first_seen_ms)},
           {"last_seen_ms", or_null(device.last_seen_ms)},
           {"firmware", or_null(device.firmware)},
           {"remark", device.remark}};
  out["newest_photo"] = view.newest_photo ? object(*view.newest_photo) : Json(nullptr);
  out["newest_reading"] = view.newest_reading ? object(*view.newest_reading) : Json(nullptr);
  out["active_command"] = view.active_command ? object(*view.active_command) : Json(nullptr);
  return out;
}

template <class Item>
std::string list(const char* name, const std::vector<Item>& items) {
  Json array = Json::array();
  for (const auto& item : items) array.push_back(object(item));
  return text(Json{{name, std::move(array)}});
}

}  // namespace

std::string device_json(const DeviceView& view) { return text(object(view)); }
std::string command_json(const command::Command& command) { return text(object(command)); }
std::string photo_json(const photo::Photo& photo) { return text(object(photo)); }
std::string reading_json(const validate::Reading& reading) { return text(object(reading)); }

std::string devices_json(const std::vector<DeviceView>& views) { return list("devices", views); }
std::string photos_json(const std::vector<photo::Photo>& photos) { return list("photos", photos); }
std::string readings_json(const std::vector<validate::Reading>& readings) {
  return list("readings", readings);
}

std::string health_json(const Health& health, const std::string& version) {
  return text(Json{{"status", health.ok() ? "ok" : "degraded"},
                   {"version", version},
                   {"broker", health.broker},
                   {"store", health.store},
                   {"reader", health.reader}});
}

std::string error_json(const std::string& code, const std::string& message) {
  return text(Json{{"error", {{"code", code}, {"message", message}}}});
}

std::expected<void, std::string> parse_capture(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) return std::unexpected("the body is not JSON: send {\"capture\":1}");
  const bool one_key = json.is_object() && json.size() == 1 && json.contains("capture");
  if (!one_key) {
    return std::unexpected("the body must be an object with the one key \"capture\": "
                           "send {\"capture\":1}");
  }
  const Json& value = json["capture"];
  if (!value.is_number_integer() || value != 1) {
    return std::unexpected("\"capture\" must be the number 1: send {\"capture\":1}");
  }
  return {};
}

}  // namespace meterlens::api
