#include "server/api/fleet.h"

#include <limits>

#include "protocol/ids.h"
#include "server/api/answers.h"
#include "server/api/fleet_json.h"
#include "server/api/query.h"

namespace meterlens::api {
namespace {

using fleet::ControlKind;
using fleet::Kind;

Response wrong_cursor() { return bad_request("cursor must be the \"next\" of the page before"); }

}  // namespace

FleetRoutes::FleetRoutes(store::Store& store, const Doors& doors, Changed changed,
                         StoreError store_error, ShowDevice show_device)
    : store_(store),
      rows_(store),
      doors_(doors),
      changed_(std::move(changed)),
      store_error_(std::move(store_error)),
      show_device_(std::move(show_device)) {}

void FleetRoutes::list(RouteList& routes) {
  using Here = FleetRoutes;
  routes.add(*this, {
      {"GET", "/api/v1/groups", &FleetRoutes::groups},
      {"PATCH", "/api/v1/devices/{id}", &FleetRoutes::change_device, counted},
      {"DELETE", "/api/v1/devices/{id}", &FleetRoutes::remove_device, counted},
      {"POST", "/api/v1/devices/{id}/reset", &FleetRoutes::reset_device},
      {"GET", "/api/v1/devices/{id}/tags", &FleetRoutes::device_tags, versioned},
      {"PUT", "/api/v1/devices/{id}/tags", &FleetRoutes::change_device_tags, versioned},
      {"GET", "/api/v1/meters/{id}/tags", &FleetRoutes::meter_tags, versioned},
      {"PUT", "/api/v1/meters/{id}/tags", &FleetRoutes::change_meter_tags, versioned},
      {"GET", "/api/v1/devices/{id}/messages", &FleetRoutes::messages},
      {"GET", "/api/v1/devices/{id}/health", &FleetRoutes::health},
      {"GET", "/api/v1/devices/{id}/controls", &FleetRoutes::controls},
      {"GET", "/api/v1/controls/{id}", &FleetRoutes::control},
      {"POST", "/api/v1/devices/{id}/controls/gpio", &Here::order_control<ControlKind::gpio>},
      {"POST", "/api/v1/devices/{id}/controls/uart", &Here::order_control<ControlKind::uart>},
      {"POST", "/api/v1/devices/{id}/controls/timer", &Here::order_control<ControlKind::timer>},
      {"POST", "/api/v1/devices/{id}/controls/fota", &Here::order_control<ControlKind::fota>},
      {"POST", "/api/v1/devices/{id}/controls/send", &Here::order_control<ControlKind::send>},
      {"GET", "/api/v1/profiles", &FleetRoutes::profiles},
      {"POST", "/api/v1/profiles", &FleetRoutes::add_profile},
      {"GET", "/api/v1/profiles/{id}", &FleetRoutes::profile, versioned},
      {"PUT", "/api/v1/profiles/{id}", &FleetRoutes::change_profile, versioned},
      {"DELETE", "/api/v1/profiles/{id}", &FleetRoutes::remove_profile, versioned},
      {"POST", "/api/v1/profiles/{id}/push", &FleetRoutes::push_profile},
      {"GET", "/api/v1/profiles/{id}/devices", &FleetRoutes::profile_devices},
      {"GET", "/api/v1/campaigns", &FleetRoutes::campaigns},
      {"POST", "/api/v1/campaigns", &FleetRoutes::add_campaign},
      {"GET", "/api/v1/campaigns/{id}", &FleetRoutes::campaign},
      {"GET", "/api/v1/campaigns/{id}/devices", &FleetRoutes::campaign_devices},
      {"POST", "/api/v1/campaigns/{id}/pause", &FleetRoutes::pause_campaign},
      {"POST", "/api/v1/campaigns/{id}/resume", &FleetRoutes::resume_campaign},
      {"POST", "/api/v1/campaigns/{id}/abort", &FleetRoutes::abort_campaign},
  });
}

std::expected<Page, std::string> page_of(const Query& query, int count_max) {
  Page page;
  page.cursor = query.get("cursor");
  const std::string limit = query.get("limit");
  if (limit.empty()) return page;
  const auto number = parse_id(limit);
  if (!number || *number > count_max)
    return std::unexpected("limit must be 1 to " + std::to_string(count_max));
  page.count_max = static_cast<int>(*number);
  return page;
}

std::expected<Cursor, std::string> cursor_of(const Request& request, bool by_name) {
  const auto query = parse_query(request.query);
  if (!query) return std::unexpected(query.error());
  const auto page = page_of(*query);
  if (!page) return std::unexpected(page.error());
  Cursor out{page->count_max, 0, page->cursor};
  if (page->cursor.empty()) return out;
  const auto number = parse_id(page->cursor);
  if (by_name ? !protocol::is_device_name(page->cursor) : !number)
    return std::unexpected("cursor must be the \"next\" of the page before");
  out.id = number.value_or(0);
  return out;
}

Response refused(fleet::OrderError error) {
  using enum fleet::OrderError;
  switch (error) {
    case unknown_device:
      return error_response(404, "unknown_device",
                            "there is no such device; it appears when it first connects");
    case wrong_dialect:
      return error_response(409, "wrong_dialect",
                            "only a SmartDTU has these; a native device has settings");
    case disabled:
      return error_response(409, "device_disabled", "the device is disabled: enable it before");
    case queue_full:
      return error_response(429, "queue_full", "too many controls wait for this device already");
    case store: break;
  }
  return error_response(503, "store_failed", "it could not be stored; /api/v1/health says why");
}

Response FleetRoutes::order(const fleet::Order& order, const std::string& done_json) {
  const auto done = doors_.order(order);
  return done ? json_response(done_json) : refused(done.error());
}

// ---- tags ----

std::optional<Response> FleetRoutes::missing(Kind kind, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown(fleet::name(kind), id);
  if (kind == Kind::device) {
    if (const auto device = store_.device(id); !device)
      return store_error_(device.error(), "device");
  } else if (const auto meter = store_.meter(id); !meter) {
    return store_error_(meter.error(), "meter");
  }
  return {};
}

Response FleetRoutes::groups(const Request&, const std::string&) {
  const auto groups = rows_.groups(10'000);
  if (!groups) return store_error_(groups.error(), "group");
  return json_response(groups_json(*groups));
}

Response FleetRoutes::tags(Kind kind, const std::string& id) {
  if (auto none = missing(kind, id)) return *std::move(none);
  const auto tags = rows_.tags(kind, id);
  if (!tags) return store_error_(tags.error(), "tags");
  return json_response(tags_json(kind, id, *tags));
}

Response FleetRoutes::change_tags(Kind kind, const Request& request, const std::string& id) {
  const auto wanted = parse_tags(request.body);
  if (!wanted) return bad_request(wanted.error());
  if (auto none = missing(kind, id)) return *std::move(none);
  const auto saved = rows_.save_tags(kind, id, *wanted);
  if (!saved) return store_error_(saved.error(), "tags");
  doors_.schedules_changed();  // one may be for a group
  if (kind == Kind::device) changed_(Subject::device, id);
  return json_response(tags_json(kind, id, *saved));
}

Response FleetRoutes::device_tags(const Request&, const std::string& id) {
  return tags(Kind::device, id);
}

Response FleetRoutes::change_device_tags(const Request& request, const std::string& id) {
  return change_tags(Kind::device, request, id);
}

Response FleetRoutes::meter_tags(const Request&, const std::string& id) {
  return tags(Kind::meter, id);
}

Response FleetRoutes::change_meter_tags(const Request& request, const std::string& id) {
  return change_tags(Kind::meter, request, id);
}

// ---- one device ----

Response FleetRoutes::change_device(const Request& request, const std::string& id) {
  const auto edit = parse_device_edit(request.body);
  if (!edit) return bad_request(edit.error());
  if (auto none = missing(Kind::device, id)) return *std::move(none);
  if (edit->enabled) {
    const auto done = doors_.order(fleet::SetEnabled{id, *edit->enabled});
    if (!done) return refused(done.error());
  }
  if (edit->remark) {
    const auto saved = rows_.save_remark(id, *edit->remark);
    if (!saved) return store_error_(saved.error(), "device");
    changed_(Subject::device, id);
  }
  return show_device_(id);
}

Response FleetRoutes::remove_device(const Request& request, const std::string& id) {
  const auto query = parse_query(request.query);
  if (!query) return bad_request(query.error());
  const std::string history = query->get("history");
  if (history != "keep" && history != "purge")
    return bad_request("say ?history=keep or ?history=purge: whether its photos, readings and "
                       "messages stay");
  if (!protocol::is_device_name(id)) return unknown("device", id);
  Response done = order(fleet::Remove{id, history == "purge"}, "{}");
  if (done.status == 200 && doors_.credentials_changed) doors_.credentials_changed();
  return done;
}

Response FleetRoutes::reset_device(const Request& request, const std::string& id) {
  if (!request.body.empty() && request.body != "{}")
    return bad_request("the body must be empty or {}");
  if (!protocol::is_device_name(id)) return unknown("device", id);
  return order(fleet::Reset{id}, "{}");
}

// ---- records ----

Response FleetRoutes::messages(const Request& request, const std::string& id) {
  const auto cursor = cursor_of(request, false);
  if (!cursor) return bad_request(cursor.error());
  if (!protocol::is_device_name(id)) return unknown("device", id);
  // Also of a device that was deleted with its history kept.
  auto messages = rows_.messages(id, cursor->id, cursor->count_max + 1);
  if (!messages) return store_error_(messages.error(), "device");
  const bool has_more = cut(*messages, cursor->count_max);
  if (messages->empty())
    if (auto none = missing(Kind::device, id)) return *std::move(none);
  return json_response(messages_json(*messages, has_more));
}

Response FleetRoutes::health(const Request& request, const std::string& id) {
  const auto query = parse_query(request.query);
  if (!query) return bad_request(query.error());
  const auto page = page_of(*query);
  if (!page) return bad_request(page.error());
  std::int64_t since_ms = 0, until_ms = std::numeric_limits<std::int64_t>::max();
  std::string before_source;
  for (const auto& [key, to] : {std::pair("since", &since_ms), std::pair("until", &until_ms)}) {
    const std::string text = query->get(key);
    if (text.empty() || text == "0") continue;
    const auto time = parse_id(text);
    if (!time) return bad_request(std::string(key) + " must be a time in Unix milliseconds");
    *to = *time;
  }
  if (!page->cursor.empty()) {
    const auto point = page->cursor.find('.');
    const auto time = parse_id(page->cursor.substr(0, point));
    if (!time || point == std::string::npos) return wrong_cursor();
    until_ms = *time;
    before_source = page->cursor.substr(point + 1);
  }
  if (!protocol::is_device_name(id)) return unknown("device", id);
  auto samples = rows_.samples(id, since_ms, until_ms, before_source, page->count_max + 1);
  if (!samples) return store_error_(samples.error(), "device");
  const bool has_more = cut(*samples, page->count_max);
  if (samples->empty())
    if (auto none = missing(Kind::device, id)) return *std::move(none);
  return json_response(samples_json(*samples, has_more));
}

// ---- controls ----

Response FleetRoutes::controls(const Request& request, const std::string& id) {
  const auto cursor = cursor_of(request, false);
  if (!cursor) return bad_request(cursor.error());
  if (auto none = missing(Kind::device, id)) return *std::move(none);
  auto controls = rows_.controls(id, cursor->id, cursor->count_max + 1);
  if (!controls) return store_error_(controls.error(), "control");
  const bool has_more = cut(*controls, cursor->count_max);
  return json_response(controls_json(*controls, has_more));
}

Response FleetRoutes::control(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("control", id);
  const auto control = rows_.control(*number);
  if (!control) return store_error_(control.error(), "control");
  return json_response(control_json(*control));
}

template <ControlKind kind>
Response FleetRoutes::order_control(const Request& request, const std::string& id) {
  auto payload = fleet::payload_of(kind, request.body);
  if (!payload) return bad_request(payload.error());
  if (!protocol::is_device_name(id)) return unknown("device", id);
  const auto ordered = doors_.order(fleet::SendControl{id, kind, *std::move(payload)});
  if (!ordered) return refused(ordered.error());
  const auto control = rows_.control(*ordered);
  if (!control) return store_error_(control.error(), "control");
  return json_response(control_json(*control), 202);
}

}  // namespace meterlens::api
