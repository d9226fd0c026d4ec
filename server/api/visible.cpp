#include "server/api/visible.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/ids.h"
#include "server/api/answers.h"
#include "server/api/door_json.h"
#include "server/api/query.h"

namespace meterlens::api {
namespace {

// Lists that are narrowed, and the key by which: a device's or a meter's name.
struct List {
  const char* path;
  const char* array;
  const char* key;
  bool of_meters;
};
constexpr std::array lists{
    List{"/api/v1/devices", "devices", "id", false},
    List{"/api/v1/photos", "photos", "device", false},
    List{"/api/v1/readings", "readings", "meter", true},
    List{"/api/v1/meters", "meters", "id", true},
    List{"/api/v1/watches", "watches", "meter", true},
};
// Asks for itself, or is narrowed elsewhere.
constexpr std::array<std::string_view, 7> open_paths{
    "/api/v1/session", "/api/v1/session/password", "/api/v1/sessions", "/api/v1/tokens",
    "/api/v1/events",  "/api/v1/health",           "/api/v1/summary"};

const List* list_of(const std::string& path) {
  const auto found = std::ranges::find(lists, path, &List::path);
  return found == lists.end() ? nullptr : &*found;
}

// The name or number in "/api/v1/KIND/{id}" and all below it.
std::string id_below(const std::string& kind, const std::string& path) {
  const std::string start = "/api/v1/" + kind + "/";
  if (!path.starts_with(start)) return "";
  const std::string rest = path.substr(start.size());
  return rest.substr(0, std::min(rest.find('/'), rest.size()));
}

}  // namespace

bool Visible::meter(const Caller& caller, const std::string& meter) {
  if (!doors_.meter_groups || !protocol::is_device_name(meter)) return false;
  const auto groups = doors_.meter_groups(meter);
  return std::ranges::any_of(groups, [&](const std::string& group) {
    return std::ranges::find(caller.groups, group) != caller.groups.end();
  });
}

bool Visible::device(const Caller& caller, const std::string& device) {
  // A photo that somebody sent for a meter, with a phone.
  constexpr std::string_view phone = "phone:";
  if (device.starts_with(phone)) return meter(caller, device.substr(phone.size()));
  if (!protocol::is_device_name(device)) return false;
  const auto watches = store_.watches(device, "", 0, 100);
  return watches && std::ranges::any_of(*watches, [&](const validate::Watch& watch) {
    return meter(caller, watch.meter);
  });
}

std::optional<bool> Visible::is_visible(const Request& request, const Caller& caller) {
  const std::string& path = request.path;
  const bool looks = request.method == "GET";
  if (std::ranges::find(open_paths, path) != open_paths.end()) return true;
  if (path.starts_with("/api/v1/tokens/") || path.starts_with("/api/v1/sessions/")) return true;
  if (list_of(path) != nullptr && looks) return true;
  if (const auto id = id_below("devices", path); !id.empty()) return device(caller, id);
  if (const auto id = id_below("meters", path); !id.empty()) {
    // Another group would be another's, or out of sight.
    if (!looks && path.ends_with("/tags")) return std::nullopt;
    const bool is_word = path != "/api/v1/meters/" + id;  // a value, an exchange, an estimate
    if (looks || is_word) return meter(caller, id);
    return std::nullopt;
  }
  if (const auto id = parse_id(id_below("readings", path))) {
    const auto found = store_.reading(*id);
    return found && meter(caller, found->meter);
  }
  if (!looks) return std::nullopt;
  if (const auto id = match("/api/v1/photos/{id}.jpg", path)) {
    const auto number = parse_id(*id);
    const auto found = number ? store_.photo(*number) : store::Result<photo::Photo>();
    return number && found && device(caller, found->device);
  }
  if (const auto id = parse_id(id_below("commands", path))) {
    const auto found = store_.command(*id);
    return found && device(caller, found->device);
  }
  if (const auto id = parse_id(id_below("updates", path))) {
    const auto found = store_.update(*id);
    return found && device(caller, found->device);
  }
  if (const auto id = parse_id(id_below("watches", path))) {
    const auto found = store_.watch(*id);
    return found && meter(caller, found->meter);
  }
  return std::nullopt;
}

std::optional<Response> Visible::refuse(const Request& request, const Caller& caller) {
  const bool is_api = request.path.starts_with("/api/");
  if (!caller.is_limited() || (!is_api && request.method == "GET")) return {};
  const auto visible = is_visible(request, caller);
  if (!visible)
    return error_response(403, "forbidden",
                          "this is not for users who are limited to groups of meters");
  // As if it were not there: its name is none of the caller's business.
  if (!*visible)
    return error_response(404, "not_visible", "there is no such thing in your groups of meters");
  return {};
}

void Visible::narrow(const Request& request, const Caller& caller, Response& response) {
  const List* list = list_of(request.path);
  if (!caller.is_limited() || list == nullptr || response.status != 200) return;
  response.body = narrowed_json(response.body, list->array, list->key,
                                [&](const std::string& name) {
                                  return list->of_meters ? meter(caller, name)
                                                         : device(caller, name);
                                });
}

bool Visible::may_see(const Caller& caller, const std::string& event_json) {
  const auto [of_meter, of_device] = names_of_event(event_json);
  return of_meter.empty() ? device(caller, of_device) : meter(caller, of_meter);
}

}  // namespace meterlens::api
