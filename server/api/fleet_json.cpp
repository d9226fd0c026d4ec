#include "server/api/fleet_json.h"

#include <algorithm>

#include "protocol/bytes.h"
#include "server/api/json.h"
#include "server/api/json_text.h"

namespace meterlens::api {
namespace {

using std::string;

std::unexpected<string> wrong(string words) { return std::unexpected(std::move(words)); }

bool is_plain(const string& value) {
  return std::ranges::none_of(
      value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool take_text(const Json& value, std::size_t bytes_max, string& to) {
  if (!value.is_string()) return false;
  to = value.get<string>();
  return to.size() <= bytes_max && is_plain(to);
}

bool take_number(const Json& value, std::int64_t most, std::int64_t& to) {
  if (!value.is_number_unsigned() || value > most) return false;
  to = value.get<std::int64_t>();
  return true;
}

bool take_names(const Json& value, std::vector<string>& to) {
  if (!value.is_array() || value.size() > fleet::target_devices_max) return false;
  to.clear();
  for (const Json& one : value)
    if (!take_text(one, 64, to.emplace_back())) return false;
  std::ranges::sort(to);
  to.erase(std::ranges::unique(to).begin(), to.end());
  return true;
}

template <class Item, class Next>
string page(const char* name, const std::vector<Item>& items, const Json& objects, bool has_more,
            Next next_of) {
  Json next = nullptr;
  if (has_more && !items.empty()) next = next_of(items.back());
  return text(Json{{name, objects}, {"next", std::move(next)}});
}

Json object(const fleet::Target& target) {
  Json label = nullptr;
  if (!target.label_name.empty())
    label = target.label_value.empty() ? target.label_name
                                       : target.label_name + "=" + target.label_value;
  return {{"devices", target.devices}, {"group", or_null(target.group)}, {"label", label}};
}

std::expected<fleet::Target, string> target_of(const Json& value) {
  fleet::Target out;
  if (!value.is_object()) return wrong("\"target\" must be an object of devices, group and label");
  for (const auto& [key, one] : value.items()) {
    string label;
    const bool good = key == "devices" ? take_names(one, out.devices)
                      : key == "group" ? one.is_null() || take_text(one, 256, out.group)
                      : key == "label" ? one.is_null() || take_text(one, 256, label)
                                       : false;
    if (!good) return wrong("\"target\": devices is a list of names, group a path, label "
                            "name or name=value, and nothing else");
    if (label.empty()) continue;
    if (const auto parsed = fleet::parse_label(label, out); !parsed) return wrong(parsed.error());
  }
  if (const auto checked = fleet::check(out); !checked) return wrong(checked.error());
  return out;
}

Json settings_object(protocol::Part part, const std::vector<std::uint8_t>& bytes) {
  Json out = Json::object();
  protocol::ByteReader entries(bytes);
  while (!entries.at_end() && entries.ok()) {
    const auto place = protocol::find_setting(part, entries.u8());
    const auto value = static_cast<std::int32_t>(entries.u32());
    if (place) out[string(protocol::settings_of(part)[*place].name)] = value;
  }
  return out;
}

Json object(const fleet::Message& one) {
  return {{"id", one.id},
          {"device", one.device},
          {"direction", fleet::name(one.direction)},
          {"at_ms", one.at_ms},
          {"topic", one.topic},
          {"payload_bytes", one.payload_bytes},
          {"encoding", one.is_text ? "text" : "hex"},
          {"payload", one.payload}};
}

Json object(const fleet::Sample& one) {
  Json out{{"source", one.source}, {"at_ms", one.at_ms}};
  const Json values = Json::parse(one.values_json, nullptr, false);
  for (const char* key : {"signal_dbm", "uptime_s", "queue", "errors", "photos_lost",
                          "temperature_c", "humidity_percent"})
    out[key] = values.is_object() && values.contains(key) ? values[key] : Json(nullptr);
  return out;
}

Json object(const fleet::Control& one) {
  return {{"id", one.id},
          {"device", one.device},
          {"kind", fleet::name(one.kind)},
          {"payload", Json::parse(one.payload, nullptr, false)},
          {"state", fleet::name(one.state)},
          {"reason", or_null(one.reason)},
          {"created_ms", one.created_ms},
          {"updated_ms", one.updated_ms}};
}

Json object(const fleet::Profile& one) {
  return {{"id", one.id},
          {"name", one.name},
          {"camera", settings_object(protocol::Part::camera, one.camera)},
          {"dtu", settings_object(protocol::Part::dtu, one.dtu)},
          {"target", object(one.target)},
          {"version", one.version}};
}

Json object(const ProfileDevice& one) {
  const bool failed = one.standing.arrival == fleet::Arrival::failed;
  return {{"device", one.device},
          {"state", fleet::name(one.standing.arrival)},
          {"settings", one.standing.settings},
          {"reason", failed && one.push ? or_null(one.push->reason) : Json(nullptr)},
          {"pushed_ms", one.push ? Json(one.push->at_ms) : Json(nullptr)}};
}

Json object(const fleet::CampaignDevice& one) {
  return {{"device", one.device},
          {"stage", one.stage},
          {"state", fleet::name(one.turn)},
          {"update", one.update == 0 ? Json(nullptr) : Json(one.update)},
          {"reason", or_null(one.reason)}};
}

template <class Item>
Json objects(const std::vector<Item>& items) {
  Json out = Json::array();
  for (const Item& item : items) out.push_back(object(item));
  return out;
}

}  // namespace

string tags_json(fleet::Kind kind, const string& id, const fleet::Tags& tags) {
  return text(Json{{fleet::name(kind), id},
                   {"group", tags.group},
                   {"labels", tags.labels},
                   {"version", tags.version}});
}

string groups_json(const std::vector<store::GroupCount>& groups) {
  Json array = Json::array();
  for (const auto& one : groups)
    array.push_back({{"group", one.group}, {"devices", one.devices}, {"meters", one.meters}});
  return text(Json{{"groups", array}});
}

std::expected<fleet::Tags, string> parse_tags(const string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return wrong("the body must be a JSON object");
  fleet::Tags tags;
  for (const auto& [key, value] : json.items()) {
    if (key == "group") {
      if (!take_text(value, 256, tags.group)) return wrong("\"group\" must be a path like a/b");
    } else if (key == "version") {
      if (!take_number(value, version_max, tags.version))
        return wrong("\"version\" must be the \"version\" of the tags that you saw");
    } else if (key == "labels" && value.is_object()) {
      for (const auto& [name, label] : value.items())
        if (!take_text(label, 256, tags.labels[name]))
          return wrong("\"labels\" must be an object of texts");
    } else {
      return wrong("known are group, labels (an object of texts) and version");
    }
  }
  if (!json.contains("version"))
    return wrong("\"version\" must be the \"version\" of the tags that you saw, 0 at first");
  if (const auto good = fleet::check(tags); !good) return wrong(good.error());
  return tags;
}

std::expected<DeviceEdit, string> parse_device_edit(const string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object() || json.empty())
    return wrong("the body must be a JSON object of remark, enabled or both");
  DeviceEdit edit;
  for (const auto& [key, value] : json.items()) {
    if (key == "remark") {
      if (!take_text(value, 200, edit.remark.emplace()))
        return wrong("\"remark\" must be a text of at most 200 bytes without control characters");
    } else if (key == "enabled") {
      if (!value.is_boolean()) return wrong("\"enabled\" must be true or false");
      edit.enabled = value.get<bool>();
    } else {
      return wrong("known are remark and enabled");
    }
  }
  return edit;
}

string messages_json(const std::vector<fleet::Message>& messages, bool has_more) {
  return page("messages", messages, objects(messages), has_more,
              [](const auto& last) { return std::to_string(last.id); });
}

string samples_json(const std::vector<fleet::Sample>& samples, bool has_more) {
  return page("health", samples, objects(samples), has_more, [](const auto& last) {
    return std::to_string(last.at_ms) + "." + last.source;
  });
}

string control_json(const fleet::Control& control) { return text(object(control)); }

string controls_json(const std::vector<fleet::Control>& controls, bool has_more) {
  return page("controls", controls, objects(controls), has_more,
              [](const auto& last) { return std::to_string(last.id); });
}

string profile_json(const fleet::Profile& profile) { return text(object(profile)); }

string profiles_json(const std::vector<fleet::Profile>& profiles, bool has_more) {
  return page("profiles", profiles, objects(profiles), has_more,
              [](const auto& last) { return std::to_string(last.id); });
}

std::expected<fleet::Profile, string> parse_profile(const string& body,
                                                    const fleet::Profile& before) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return wrong("the body must be a JSON object");
  fleet::Profile out = before;
  for (const auto& [key, value] : json.items()) {
    if (key == "name") {
      if (!take_text(value, 64, out.name)) return wrong("\"name\" must be a text of 1 to 64 bytes");
    } else if (key == "camera" || key == "dtu") {
      const auto part = key == "dtu" ? protocol::Part::dtu : protocol::Part::camera;
      auto& entries = key == "dtu" ? out.dtu : out.camera;
      entries.clear();
      if (value.is_object() && value.empty()) continue;
      auto parsed = parse_settings(text(value), part);
      if (!parsed) return wrong('"' + key + "\": " + parsed.error());
      entries = *std::move(parsed);
    } else if (key == "target") {
      auto target = target_of(value);
      if (!target) return wrong(target.error());
      out.target = *std::move(target);
    } else if (key == "version" && before.id != 0) {
      if (!take_number(value, version_max, out.version))
        return wrong("\"version\" must be the \"version\" of the profile that you saw");
    } else {
      return wrong("known are name, camera, dtu, target and, of one that is there, version");
    }
  }
  if (out.name.empty()) return wrong("\"name\" must be a text of 1 to 64 bytes");
  if (out.camera.empty() && out.dtu.empty()) return wrong("name a setting of camera or dtu");
  if (before.id != 0 && !json.contains("version"))
    return wrong("\"version\" must be the \"version\" of the profile that you saw");
  return out;
}

string profile_devices_json(const std::vector<ProfileDevice>& devices, bool has_more) {
  return page("devices", devices, objects(devices), has_more,
              [](const auto& last) { return last.device; });
}

string pushed_json(std::size_t count) { return text(Json{{"devices", count}}); }

string campaign_json(const fleet::Campaign& one, std::span<const fleet::StageCount> counts) {
  Json stages = Json::array();
  for (std::size_t stage = 0; stage <= one.steps.size(); ++stage) {
    const auto count = stage < counts.size() ? counts[stage] : fleet::StageCount();
    stages.push_back({{"stage", stage},
                      {"percent", stage == 0 ? Json(nullptr) : Json(one.steps[stage - 1])},
                      {"devices", count.total()},
                      {"waiting", count.waiting},
                      {"ordered", count.ordered},
                      {"confirmed", count.confirmed},
                      {"failed", count.failed}});
  }
  return text(Json{{"id", one.id},
                   {"name", one.name},
                   {"image", one.image},
                   {"target", object(one.target)},
                   {"canaries", one.canaries},
                   {"steps", one.steps},
                   {"error_percent_max", one.error_percent_max},
                   {"state", fleet::name(one.state)},
                   {"reason", or_null(one.reason)},
                   {"stage", one.stage},
                   {"stages", stages},
                   {"created_ms", one.created_ms},
                   {"updated_ms", one.updated_ms}});
}

string campaigns_json(const std::vector<string>& campaigns, const string& next) {
  string out = "{\"campaigns\":[";
  for (const string& one : campaigns) out += (out.back() == '[' ? "" : ",") + one;
  return out + "],\"next\":" + (next.empty() ? "null" : '"' + next + '"') + "}";
}

string campaign_devices_json(const std::vector<fleet::CampaignDevice>& devices, bool has_more) {
  return page("devices", devices, objects(devices), has_more,
              [](const auto& last) { return last.device; });
}

std::expected<fleet::Campaign, string> parse_campaign(const string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return wrong("the body must be a JSON object");
  fleet::Campaign out;
  for (const auto& [key, value] : json.items()) {
    std::int64_t number = 0;
    if (key == "name") {
      if (!take_text(value, 64, out.name)) return wrong("\"name\" must be a text of 1 to 64 bytes");
    } else if (key == "image") {
      if (!take_number(value, version_max, out.image)) return wrong("\"image\" must be an id");
    } else if (key == "target") {
      auto target = target_of(value);
      if (!target) return wrong(target.error());
      out.target = *std::move(target);
    } else if (key == "canaries") {
      if (!take_names(value, out.canaries)) return wrong("\"canaries\" must be a list of devices");
    } else if (key == "steps" && value.is_array() && value.size() <= fleet::steps_max) {
      out.steps.clear();
      for (const Json& one : value) {
        if (!take_number(one, 100, number)) return wrong("\"steps\" must be a list of percentages");
        out.steps.push_back(static_cast<int>(number));
      }
    } else if (key == "error_percent_max") {
      if (!take_number(value, 100, number)) return wrong("\"error_percent_max\" must be 0 to 100");
      out.error_percent_max = static_cast<int>(number);
    } else {
      return wrong("known are name, image, target, canaries, steps (at most 10 percentages) and "
                   "error_percent_max");
    }
  }
  if (const auto good = fleet::check(out); !good) return wrong(good.error());
  return out;
}

std::expected<std::optional<int>, string> parse_resume(const string& body) {
  const char* wish = "the body must be empty, or {\"error_percent_max\":0 to 100}";
  if (body.empty()) return std::nullopt;
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return wrong(wish);
  if (json.empty()) return std::nullopt;
  std::int64_t number = 0;
  if (json.size() != 1 || !json.contains("error_percent_max") ||
      !take_number(json["error_percent_max"], 100, number))
    return wrong(wish);
  return static_cast<int>(number);
}

}  // namespace meterlens::api
