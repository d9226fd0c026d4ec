// Schedules as JSON.
#include <algorithm>

#include "server/api/json.h"
#include "server/api/json_text.h"
#include "server/schedule/cron.h"

namespace meterlens::api {
namespace {

using schedule::Schedule;

Json object(const Schedule& schedule, std::int64_t now_ms) {
  Json next;
  const auto cron = schedule::Cron::parse(schedule.cron);
  const auto next_ms = cron && schedule.enabled ? cron->next_ms(now_ms, schedule.zone)
                                                : std::optional<std::int64_t>();
  if (next_ms) next = *next_ms;
  return {{"id", schedule.id},           {"name", schedule.name},
          {"cron", schedule.cron},       {"zone", schedule.zone},
          {"devices", schedule.devices}, {"group", schedule.group},
          {"meters", schedule.meters},   {"meter_group", schedule.meter_group},
          {"spread_s", schedule.spread_s},
          {"catch_up_s", schedule.catch_up_s}, {"grace_s", schedule.grace_s},
          {"enabled", schedule.enabled},
          {"next_ms", next},             {"version", schedule.version}};
}

bool take_line(const Json& value, std::string& to) {
  if (!value.is_string()) return false;
  to = value.get<std::string>();
  return std::ranges::none_of(
      to, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool take_seconds(const Json& value, int& to) {
  if (!value.is_number_unsigned() || value > std::int64_t{1} << 30) return false;
  to = value.get<int>();
  return true;
}

bool take_name_list(const Json& value, std::vector<std::string>& to) {
  if (!value.is_array() || value.size() > schedule::schedule_devices_max) return false;
  to.clear();
  for (const Json& device : value) {
    std::string name;
    if (!take_line(device, name)) return false;
    to.push_back(std::move(name));
  }
  std::ranges::sort(to);
  to.erase(std::ranges::unique(to).begin(), to.end());
  return true;
}

// Empty, or what the key's value must be.
std::string take_key(const std::string& key, const Json& value, Schedule& to) {
  const std::string one_line = "a text of one line";
  if (key == "name") return take_line(value, to.name) ? "" : one_line;
  if (key == "cron") return take_line(value, to.cron) ? "" : one_line;
  if (key == "zone") return take_line(value, to.zone) ? "" : one_line;
  if (key == "devices") return take_name_list(value, to.devices) ? "" : "a list of device names";
  if (key == "meters") return take_name_list(value, to.meters) ? "" : "a list of meters' names";
  if (key == "meter_group") return take_line(value, to.meter_group) ? "" : one_line;
  if (key == "grace_s") return take_seconds(value, to.grace_s) ? "" : "a number of seconds";
  if (key == "group") return take_line(value, to.group) ? "" : one_line;
  if (key == "spread_s") return take_seconds(value, to.spread_s) ? "" : "a number of seconds";
  if (key == "catch_up_s") return take_seconds(value, to.catch_up_s) ? "" : "a number of seconds";
  if (key == "enabled") {
    if (!value.is_boolean()) return "true or false";
    to.enabled = value.get<bool>();
    return "";
  }
  if (key == "version") {
    if (!value.is_number_unsigned() || value > version_max)
      return "the \"version\" of the schedule that you saw";
    to.version = value.get<std::int64_t>();
    return "";
  }
  return "left out: it is not known. Known are name, cron, zone, devices, group, meters, "
         "meter_group, spread_s, catch_up_s, grace_s, enabled and version";
}

}  // namespace

std::string schedule_json(const Schedule& schedule, std::int64_t now_ms) {
  return text(object(schedule, now_ms));
}

std::string schedules_json(const std::vector<Schedule>& schedules, std::int64_t now_ms,
                           bool has_more) {
  Json array = Json::array();
  for (const Schedule& schedule : schedules) array.push_back(object(schedule, now_ms));
  const Json next = has_more ? Json(std::to_string(schedules.back().id)) : Json(nullptr);
  return text(Json{{"schedules", std::move(array)}, {"next", next}});
}

std::expected<Schedule, std::string> parse_schedule(const std::string& body,
                                                    const Schedule& before) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return std::unexpected("the body must be a JSON object");
  Schedule schedule = before;
  for (const auto& [key, value] : json.items()) {
    if (const std::string wish = take_key(key, value, schedule); !wish.empty())
      return std::unexpected("\"" + key.substr(0, 32) + "\" must be " + wish);
  }
  if (before.id != 0 && !json.contains("version"))
    return std::unexpected("\"version\" must be the \"version\" of the schedule that you saw");
  return schedule;
}

}  // namespace meterlens::api
