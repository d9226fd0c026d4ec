#include "server/api/json.h"

#include <algorithm>

#include "protocol/bytes.h"
#include "protocol/checksum.h"
#include "server/api/json_text.h"

namespace meterlens::api {
namespace {

using validate::Verdict;

// Null until it was looked at; the numbers also when they are not known.
void put_brightness(Json& out, const std::optional<photo::Brightness>& seen) {
  const bool is_known = seen && seen->light != protocol::Light::unknown;
  out["light"] = seen ? Json(protocol::name(seen->light)) : Json(nullptr);
  out["mean"] = is_known ? Json(seen->mean) : Json(nullptr);
  out["dark_percent"] = is_known ? Json(seen->dark_percent) : Json(nullptr);
  out["bright_percent"] = is_known ? Json(seen->bright_percent) : Json(nullptr);
}

Json object(const command::Command& command) {
  Json out{{"id", command.id},
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
  put_brightness(out, command.brightness);
  return out;
}

Json object(const photo::Photo& photo) {
  const auto digits = protocol::hex(photo.sha256);
  Json out{{"id", photo.id},
          {"device", photo.device},
          {"meter", or_null(photo.meter)},
          {"bytes", photo.photo_bytes},
          {"sha256", std::string(digits.data(), digits.size())},
          {"state", photo.state == photo::PhotoState::stored ? "stored" : "quarantined"},
          {"reason", or_null(photo.reason)},
          {"captured_at_ms", or_null(photo.captured_at_ms)},
          {"received_at_ms", or_null(photo.received_at_ms)},
          {"path", photo.path},
          {"command", or_null(photo.command)}};
  put_brightness(out, photo.brightness);
  return out;
}

Json object(const update::Image& image) {
  const auto digits = protocol::hex(image.sha256);
  return {{"id", image.id},
          {"part", protocol::name(image.part)},
          {"board", image.board},
          {"version", image.version},
          {"bytes", image.image_bytes},
          {"sha256", std::string(digits.data(), digits.size())},
          {"created_ms", or_null(image.created_ms)}};
}

Json object(const update::Update& update) {
  return {{"id", update.id},
          {"device", update.device},
          {"image", update.image},
          {"part", protocol::name(update.part)},
          {"version", update.version},
          {"state", update::name(update.state)},
          {"reason", or_null(update.reason)},
          {"packets_received", update.packets_received},
          {"packets_total", update.packets_total},
          {"created_ms", or_null(update.created_ms)},
          {"updated_ms", or_null(update.updated_ms)}};
}

Json object(const validate::Review& review) {
  return {{"at_ms", review.at_ms},
          {"by", review.by_server ? "server" : "person"},
          {"reviewer", or_null(review.reviewer)},
          {"reason", or_null(review.reason)},
          {"seen",
           {{"verdict", validate::name(review.seen_verdict)},
            {"digits", review.seen_digits},
            {"certain", review.seen_certain},
            {"red", review.seen_red},
            {"value", review.seen_value}}}};
}

Json flags_of(const validate::Reading& reading) {
  Json out = Json::array();
  for (int i = 0; i < validate::flag_count; ++i) {
    const auto flag = static_cast<validate::Flag>(1U << i);
    if ((reading.flags & validate::bit(flag)) != 0) out.push_back(validate::name(flag));
  }
  return out;
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
          {"wheels", reading.wheels},
          {"verdict", validate::name(reading.verdict)},
          {"reasons", reading.reasons},
          {"flags", flags_of(reading)},
          {"ms", reading.ms},
          {"version", reading.review ? reading.review->id : 0},
          {"review", reading.review ? object(*reading.review) : Json(nullptr)}};
}

// A text that is an object as it is, else null.
std::string object_text(const std::string& json) {
  return json.starts_with('{') && Json::accept(json) ? json : "null";
}

template <class Thing>
Json object_or_null(const std::optional<Thing>& thing) {
  return thing ? object(*thing) : Json(nullptr);
}

// What stands in the store as an object's text already is `said`, the rest is `value`.
struct DeviceField {
  std::string_view name;
  Json (*value)(const DeviceView& view);
  std::string store::Device::*said = nullptr;
};
// As in openapi.yaml's Device; a DeviceFields has a bit for each.
constexpr DeviceField device_fields[] = {
    {"id", [](const DeviceView& view) { return Json(view.device.id); }},
    {"dialect", [](const DeviceView& view) { return Json(protocol::name(view.device.dialect)); }},
    {"product", [](const DeviceView& view) { return Json(view.device.product); }},
    {"online", [](const DeviceView& view) { return Json(view.device.online); }},
    {"first_seen_ms", [](const DeviceView& view) { return or_null(view.device.first_seen_ms); }},
    {"last_seen_ms", [](const DeviceView& view) { return or_null(view.device.last_seen_ms); }},
    {"firmware", [](const DeviceView& view) { return or_null(view.device.firmware); }},
    {"remark", [](const DeviceView& view) { return Json(view.device.remark); }},
    {"group", [](const DeviceView& view) { return Json(view.tags.group); }},
    {"labels", [](const DeviceView& view) { return Json(view.tags.labels); }},
    {"enabled", [](const DeviceView& view) { return Json(view.state.enabled); }},
    {"packets_dropped", [](const DeviceView& view) { return Json(view.state.dropped); }},
    {"state", nullptr, &store::Device::state_json},
    {"newest_photo", [](const DeviceView& view) { return object_or_null(view.newest_photo); }},
    {"newest_reading", [](const DeviceView& view) { return object_or_null(view.newest_reading); }},
    {"health", nullptr, &store::Device::health_json},
    {"active_command", [](const DeviceView& view) { return object_or_null(view.active_command); }},
};

std::string item_text(const DeviceView& view, const DeviceFields& fields = {}) {
  std::string out;
  std::uint32_t bit = 1;
  for (const DeviceField& field : device_fields) {
    if ((fields.bits & bit) != 0) {
      out += out.empty() ? "{\"" : ",\"";
      out += field.name;
      out += "\":";
      out += field.said != nullptr ? object_text(view.device.*field.said)
                                   : text(field.value(view));
    }
    bit <<= 1;
  }
  return out.empty() ? "{}" : out + "}";
}

template <class Item>
std::string item_text(const Item& item) {
  return text(object(item));
}

// A text of a body, and its longest.
struct Text {
  std::string_view key;
  std::string* to;
  std::size_t bytes_max;
};

bool take_limited(const Text& text, const Json& value) {
  if (!value.is_string()) return false;
  *text.to = value.get<std::string>();
  const bool is_plain = std::ranges::none_of(
      *text.to, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return !text.to->empty() && text.to->size() <= text.bytes_max && is_plain;
}

std::string said(const Text& text) {
  return "\"" + std::string(text.key) + "\" must be a text of 1 to " +
         std::to_string(text.bytes_max) + " bytes without control characters";
}

// One after another: a page as one tree costs more to build and to forget than all else of it.
template <class Item, class... Fields>
std::string array_text(const std::vector<Item>& items, const Fields&... fields) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ',';
    out += item_text(item, fields...);
  }
  return out + "]";
}

template <class Item>
std::string list(const char* name, const std::vector<Item>& items) {
  return "{\"" + std::string(name) + "\":" + array_text(items) + "}";
}

// A page of them: `next` is the cursor of the following one, or empty.
template <class Item>
std::string list(const char* name, const std::vector<Item>& items, const std::string& next) {
  return "{\"" + std::string(name) + "\":" + array_text(items) +
         ",\"next\":" + text(or_null(next)) + "}";
}

}  // namespace

std::string device_json(const DeviceView& view) { return item_text(view); }
std::string command_json(const command::Command& command) { return text(object(command)); }
std::string photo_json(const photo::Photo& photo) { return text(object(photo)); }
std::string reading_json(const validate::Reading& reading) { return text(object(reading)); }

std::string image_json(const update::Image& image) { return text(object(image)); }
std::string update_json(const update::Update& update) { return text(object(update)); }

std::string images_json(const std::vector<update::Image>& images, bool has_more) {
  return list("images", images, has_more ? std::to_string(images.back().id) : std::string());
}
std::string updates_json(const std::vector<update::Update>& updates, bool has_more) {
  return list("updates", updates, has_more ? std::to_string(updates.back().id) : std::string());
}
bool DeviceFields::has(std::string_view name) const {
  const auto place = std::ranges::find(device_fields, name, &DeviceField::name);
  return (bits >> (place - std::begin(device_fields)) & 1U) != 0;
}

store::ViewParts DeviceFields::parts() const {
  return {.said = has("state") || has("health"),
          .labels = has("labels"),
          .newest_photo = has("newest_photo"),
          .newest_reading = has("newest_reading"),
          .active_command = has("active_command")};
}

bool DeviceFields::is_cheap() const {
  const store::ViewParts looked_up = parts();
  return !looked_up.said && !looked_up.newest_photo && !looked_up.newest_reading &&
         !looked_up.active_command;
}

std::expected<DeviceFields, std::string> parse_device_fields(std::string_view text) {
  DeviceFields out{1};
  while (!text.empty()) {
    const std::string_view name = text.substr(0, text.find(','));
    text.remove_prefix(std::min(name.size() + 1, text.size()));
    const auto place = std::ranges::find(device_fields, name, &DeviceField::name);
    if (place == std::end(device_fields))
      return std::unexpected("fields must be names of a device's fields with commas between, like "
                             "id,online,newest_reading; there is no \"" +
                             std::string(name.substr(0, 64)) + "\"");
    out.bits |= 1U << (place - std::begin(device_fields));
  }
  return out;
}

std::string devices_json(const std::vector<DeviceView>& views, bool has_more,
                         const DeviceFields& fields) {
  Json names = Json::array();
  for (const DeviceField& field : device_fields)
    if (fields.has(field.name)) names.push_back(field.name);
  return "{\"fields\":" + text(names) + ",\"devices\":" + array_text(views, fields) +
         ",\"next\":" + text(has_more ? Json(views.back().device.id) : Json(nullptr)) + "}";
}

std::string devices_json(const std::vector<DeviceView>& views, bool has_more) {
  return list("devices", views, has_more ? views.back().device.id : std::string());
}
std::string photos_json(const std::vector<photo::Photo>& photos, bool has_more) {
  return list("photos", photos, has_more ? std::to_string(photos.back().id) : std::string());
}
std::string readings_json(const std::vector<validate::Reading>& readings, bool has_more) {
  std::string next;
  if (has_more && !readings.empty())
    next = std::to_string(readings.back().at_ms) + "." + std::to_string(readings.back().id);
  return list("readings", readings, next);
}

std::string health_json(const Health& health, const std::string& version) {
  return text(Json{{"status", health.ok() ? "ok" : "degraded"},
                   {"version", version},
                   {"broker", health.broker},
                   {"store", health.store},
                   {"reader", health.reader}});
}

std::string settings_json(const command::WishedSettings& settings) {
  Json values = Json::object();
  protocol::ByteReader entries(settings.entries);
  while (!entries.at_end() && entries.ok()) {
    const auto place = protocol::find_setting(settings.part, entries.u8());
    const auto value = static_cast<std::int32_t>(entries.u32());
    if (place) values[std::string(protocol::settings_of(settings.part)[*place].name)] = value;
  }
  Json refused = Json::array();
  for (const std::uint8_t key : settings.refused)
    if (const auto place = protocol::find_setting(settings.part, key))
      refused.push_back(protocol::settings_of(settings.part)[*place].name);
  return text(Json{{"device", settings.device},
                   {"part", protocol::name(settings.part)},
                   {"revision", settings.revision},
                   {"confirmed_revision", settings.confirmed},
                   {"settings", std::move(values)},
                   {"refused", std::move(refused)}});
}

std::string view_json(const std::string& device, const photo::View& view) {
  return text(Json{{"device", device},
                   {"number", view.number},
                   {"at_ms", view.at_ms},
                   {"bytes", view.jpeg.size()}});
}

std::expected<protocol::Aim, std::string> parse_aim(const std::string& body) {
  const Json json = body.empty() ? Json::object() : Json::parse(body, nullptr, false);
  if (!json.is_object()) return std::unexpected("the body must be a JSON object");
  protocol::Aim aim{120, 1500};
  for (const auto& [key, value] : json.items()) {
    const bool is_seconds = key == "seconds";
    if (!is_seconds && key != "period_ms")
      return std::unexpected("the body has an unknown key: known are seconds and period_ms");
    const std::int64_t least = is_seconds ? 0 : protocol::aim_period_ms_least;
    const std::int64_t most = is_seconds ? protocol::aim_seconds_max : 60'000;
    if (!value.is_number_integer() || value < least || value > most) {
      return std::unexpected("\"" + key + "\" must be a whole number from " +
                             std::to_string(least) + " to " + std::to_string(most));
    }
    (is_seconds ? aim.seconds : aim.period_ms) = value.get<std::uint16_t>();
  }
  return aim;
}

std::expected<std::vector<std::uint8_t>, std::string> parse_settings(const std::string& body,
                                                                     protocol::Part part) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object() || json.empty())
    return std::unexpected("the body must be a JSON object of one or more settings");
  std::vector<std::uint8_t> out(protocol::setting_bytes * protocol::setting_count_max);
  protocol::ByteWriter entries(out);
  for (const auto& [name, value] : json.items()) {
    const auto place = protocol::find_setting(part, name);
    if (!place) {
      return std::unexpected("there is no setting \"" + name.substr(0, 64) + "\" of the " +
                             protocol::name(part));
    }
    const protocol::Setting& setting = protocol::settings_of(part)[*place];
    const bool fits = value.is_number_integer() && value >= setting.least && value <= setting.most;
    if (!fits) {
      return std::unexpected("\"" + name + "\" must be a whole number from " +
                             std::to_string(setting.least) + " to " +
                             std::to_string(setting.most));
    }
    entries.u8(setting.key);
    entries.u32(static_cast<std::uint32_t>(value.get<std::int32_t>()));
  }
  out.resize(entries.count());
  return out;
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

std::expected<std::int64_t, std::string> parse_update(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  const bool one_key = json.is_object() && json.size() == 1 && json.contains("image");
  // A number above the range of ids would be another one when it is taken as one.
  const bool is_id = one_key && json["image"].is_number_unsigned() &&
                     json["image"].get<std::uint64_t>() <= std::uint64_t{version_max};
  if (!is_id || json["image"] == 0)
    return std::unexpected("send {\"image\":7} with the id of an image, and nothing else");
  return json["image"].get<std::int64_t>();
}

std::expected<VersionedEdit, std::string> parse_edit(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return std::unexpected("the body must be a JSON object");
  VersionedEdit out;
  std::string verdict;
  const Text texts[] = {{"verdict", &verdict, 16},
                        {"digits", &out.edit.digits, 32},
                        {"value", &out.edit.value, 32},
                        {"reason", &out.edit.reason, 500},
                        {"reviewer", &out.edit.reviewer, 64}};
  for (const auto& [key, value] : json.items()) {
    const auto known = std::ranges::find(texts, key, &Text::key);
    if (known == std::end(texts) && key != "version") {
      return std::unexpected("the body has an unknown key: known are version, verdict, digits, "
                             "value, reason and reviewer");
    }
    if (known != std::end(texts) && !take_limited(*known, value))
      return std::unexpected(said(*known));
  }
  const auto version = json.find("version");
  if (version == json.end() || !version->is_number_unsigned() || *version > version_max) {
    return std::unexpected("\"version\" must be the \"version\" of the reading that you saw");
  }
  out.version = version->get<std::int64_t>();
  for (const auto one : {Verdict::accepted, Verdict::manual, Verdict::rejected}) {
    if (verdict != validate::name(one)) continue;
    out.edit.verdict = one;
    return out;
  }
  return std::unexpected("\"verdict\" must be accepted, manual or rejected");
}

}  // namespace meterlens::api
