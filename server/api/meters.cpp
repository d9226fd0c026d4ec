#include "server/api/meters.h"

#include <algorithm>
#include <array>

#include "protocol/ids.h"
#include "server/api/answers.h"
#include "server/api/by_hand.h"
#include "server/api/json.h"
#include "server/api/meters_json.h"
#include "server/api/query.h"
#include "server/store/fleet.h"

namespace meterlens::api {
namespace {

using validate::Reading;

// What a list is asked for; the error says which parameter is wrong and what it may be.
std::expected<store::MeterFilter, std::string> meter_filter(const Query& query) {
  store::MeterFilter out;
  out.after = query.get("cursor");
  if (!out.after.empty() && !protocol::is_device_name(out.after))
    return std::unexpected("cursor must be the \"next\" of the page before");
  out.target.group = query.get("group");
  if (const auto good = fleet::check_group(out.target.group); !good)
    return std::unexpected(good.error());
  if (const std::string label = query.get("label"); !label.empty())
    if (const auto good = fleet::parse_label(label, out.target); !good)
      return std::unexpected(good.error());
  const auto search = search_of(query);
  if (!search) return std::unexpected(search.error());
  out.search = *search;
  const std::string verdict = query.get("verdict");
  out.unread = verdict == "none";
  if (!verdict.empty() && !out.unread) {
    out.verdict = verdict_named(verdict);
    if (!out.verdict)
      return std::unexpected("verdict must be accepted, doubtful, rejected, estimated, manual or "
                             "none");
  }
  const std::string alarm = query.get("alarm");
  if (!alarm.empty() && alarm != "true" && alarm != "false")
    return std::unexpected("alarm must be true or false");
  out.alarmed = alarm == "true";
  out.count_max = page_count + 1;
  return out;
}

bool is_all(const store::MeterFilter& filter) {
  return fleet::is_empty(filter.target) && filter.search.empty() && !filter.verdict &&
         !filter.unread && !filter.alarmed;
}

store::Result<std::vector<validate::Meter>> meters_of(store::Store& store,
                                                      const store::MeterFilter& filter) {
  if (is_all(filter)) return store.meters(filter.after, filter.count_max);
  const auto names = store::Fleet(store).meters(filter);
  if (!names) return std::unexpected(names.error());
  std::vector<validate::Meter> out;
  for (const std::string& name : *names) {
    auto meter = store.meter(name);
    if (!meter) return std::unexpected(meter.error());
    out.push_back(*std::move(meter));
  }
  return out;
}

// Whoever has logged in cannot write in another's name.
void sign(validate::Author& author, const Request& request) {
  author.at_ms = unix_ms();
  if (request.caller.has_account()) author.name = request.caller.name;
}

}  // namespace

MeterRoutes::MeterRoutes(store::Store& store, const Doors& doors, Changed changed,
                         StoreError store_error)
    : store_(store),
      doors_(doors),
      changed_(std::move(changed)),
      store_error_(std::move(store_error)) {}

void MeterRoutes::list(RouteList& routes) {
  routes.add(*this, {
      {"GET", "/api/v1/meters", &MeterRoutes::meters},
      {"POST", "/api/v1/meters", &MeterRoutes::add_meter},
      {"GET", "/api/v1/meters/{id}", &MeterRoutes::meter, versioned},
      {"PATCH", "/api/v1/meters/{id}", &MeterRoutes::change_meter, versioned},
      {"DELETE", "/api/v1/meters/{id}", &MeterRoutes::remove_meter, versioned},
      {"GET", "/api/v1/meters/{id}/history", &MeterRoutes::meter_history},
      {"GET", "/api/v1/meters/{id}/exchanges", &MeterRoutes::exchanges},
      {"POST", "/api/v1/meters/{id}/exchanges", &MeterRoutes::add_exchange, versioned},
      {"POST", "/api/v1/meters/{id}/readings", &MeterRoutes::add_reading},
      {"POST", "/api/v1/meters/{id}/estimates", &MeterRoutes::add_estimates},
      {"GET", "/api/v1/meters/{id}/missing", &MeterRoutes::missing},
      {"GET", "/api/v1/watches", &MeterRoutes::watches},
      {"POST", "/api/v1/watches", &MeterRoutes::add_watch},
      {"GET", "/api/v1/watches/{id}", &MeterRoutes::watch, versioned},
      {"PATCH", "/api/v1/watches/{id}", &MeterRoutes::change_watch, versioned},
      {"GET", "/api/v1/watches/{id}/history", &MeterRoutes::watch_history},
      {"GET", "/api/v1/readings/{id}/history", &MeterRoutes::reading_history},
  });
}

store::Result<void> MeterRoutes::reconsider(const Reading& reading) {
  const std::array cases{store::Case{reading.meter, reading.at_ms, 0, validate::reconsider}};
  const auto judged = store_.judge(cases, unix_ms());
  if (!judged) return std::unexpected(judged.error());
  tell(*judged);
  return {};
}

void MeterRoutes::tell(const store::Judged& judged) {
  for (const Reading& reading : judged.readings)
    changed_(Subject::reading, std::to_string(reading.id));
  for (const std::int64_t id : judged.changed) changed_(Subject::reading, std::to_string(id));
}

// ---- meters ----

Response MeterRoutes::meters(const Request& request, const std::string&) {
  const auto query = parse_query(request.query);
  if (!query) return bad_request(query.error());
  const auto filter = meter_filter(*query);
  if (!filter) return bad_request(filter.error());
  auto meters = meters_of(store_, *filter);
  if (!meters) return store_error_(meters.error(), "meter");
  const bool has_more = meters->size() > page_count;
  if (has_more) meters->pop_back();
  return json_response(meters_json(*meters, has_more ? meters->back().id : ""));
}

Response MeterRoutes::add_meter(const Request& request, const std::string&) {
  auto wanted = parse_meter(request.body, {}, true);
  if (!wanted) return bad_request(wanted.error());
  sign(wanted->author, request);
  const auto added = store_.add_meter(wanted->thing, wanted->author);
  if (!added) return store_error_(added.error(), "meter");
  return json_response(meter_json(*added), 201);
}

Response MeterRoutes::meter(const Request&, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("meter", id);
  const auto meter = store_.meter(id);
  if (!meter) return store_error_(meter.error(), "meter");
  return json_response(meter_json(*meter));
}

Response MeterRoutes::change_meter(const Request& request, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("meter", id);
  const auto before = store_.meter(id);
  if (!before) return store_error_(before.error(), "meter");
  auto wanted = parse_meter(request.body, *before, false);
  if (!wanted) return bad_request(wanted.error());
  sign(wanted->author, request);
  const auto changed = store_.change_meter(wanted->thing, wanted->author);
  if (!changed) return store_error_(changed.error(), "meter");
  doors_.schedules_changed();  // one may name it
  // Another register or rate means other verdicts.
  Reading newest = by_hand(id, INT64_MAX);
  if (const auto done = reconsider(newest); !done) return store_error_(done.error(), "meter");
  return json_response(meter_json(*changed));
}

Response MeterRoutes::remove_meter(const Request& request, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("meter", id);
  const auto query = parse_query(request.query);
  if (!query) return bad_request(query.error());
  const auto version = parse_id(query->get("version"));
  if (!version) return bad_request("version must be the \"version\" of the meter that you saw");
  const auto removed = store_.remove_meter(id, *version);
  if (!removed) return store_error_(removed.error(), "meter");
  return json_response("{}");
}

Response MeterRoutes::meter_history(const Request&, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("meter", id);
  const auto edits = store_.meter_edits(id, page_count);
  if (!edits) return store_error_(edits.error(), "meter");
  if (edits->empty()) return unknown("meter", id);
  return json_response(meter_edits_json(*edits));
}

// ---- watches ----

Response MeterRoutes::watches(const Request& request, const std::string&) {
  const auto query = parse_query(request.query);
  if (!query) return bad_request(query.error());
  const std::string device = query->get("device");
  const std::string meter = query->get("meter");
  for (const std::string& name : {device, meter}) {
    if (!name.empty() && !protocol::is_device_name(name))
      return bad_request("device and meter must be names of a device and a meter");
  }
  const std::string cursor = query->get("cursor");
  const auto after = cursor.empty() ? 0 : parse_id(cursor);
  if (!after) return bad_request("cursor must be the \"next\" of the page before");
  auto watches = store_.watches(device, meter, *after, page_count + 1);
  if (!watches) return store_error_(watches.error(), "watch");
  const bool has_more = watches->size() > page_count;
  if (has_more) watches->pop_back();
  return json_response(
      watches_json(*watches, has_more ? std::to_string(watches->back().id) : ""));
}

Response MeterRoutes::add_watch(const Request& request, const std::string&) {
  auto wanted = parse_watch(request.body, {}, true);
  if (!wanted) return bad_request(wanted.error());
  sign(wanted->author, request);
  if (!store_.meter(wanted->thing.meter)) return unknown("meter", wanted->thing.meter);
  const auto added = store_.add_watch(wanted->thing, wanted->author);
  if (!added) return store_error_(added.error(), "device");
  doors_.schedules_changed();  // one may name the meter
  return json_response(watch_json(*added), 201);
}

Response MeterRoutes::watch(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("watch", id);
  const auto watch = store_.watch(*number);
  if (!watch) return store_error_(watch.error(), "watch");
  return json_response(watch_json(*watch));
}

Response MeterRoutes::change_watch(const Request& request, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("watch", id);
  const auto before = store_.watch(*number);
  if (!before) return store_error_(before.error(), "watch");
  auto wanted = parse_watch(request.body, *before, false);
  if (!wanted) return bad_request(wanted.error());
  sign(wanted->author, request);
  const auto changed = store_.change_watch(wanted->thing, wanted->author);
  if (!changed) return store_error_(changed.error(), "watch");
  doors_.schedules_changed();  // one may name the meter
  return json_response(watch_json(*changed));
}

Response MeterRoutes::watch_history(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("watch", id);
  const auto edits = store_.watch_edits(*number, page_count);
  if (!edits) return store_error_(edits.error(), "watch");
  if (edits->empty()) return unknown("watch", id);
  return json_response(watch_edits_json(*edits));
}

// ---- exchanges, values by hand, estimates, histories ----

Response MeterRoutes::exchanges(const Request&, const std::string& id) {
  if (!protocol::is_device_name(id) || !store_.meter(id)) return unknown("meter", id);
  const auto exchanges = store_.exchanges(id);
  if (!exchanges) return store_error_(exchanges.error(), "meter");
  return json_response(exchanges_json(*exchanges));
}

Response MeterRoutes::add_exchange(const Request& request, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("meter", id);
  const auto before = store_.meter(id);
  if (!before) return store_error_(before.error(), "meter");
  auto wanted = parse_exchange(request.body, *before);
  if (!wanted) return bad_request(wanted.error());
  sign(wanted->author, request);
  if (wanted->at_ms > wanted->author.at_ms + future_ms_max)
    return bad_request("\"at_ms\" is in the future");
  if (wanted->after.version != before->version)
    return error_response(409, "conflict", "the meter was changed meanwhile: look at it again");
  const auto newest = store_.newest_accepted(id);
  if (!newest) return store_error_(newest.error(), "meter");
  // The old register's last value is its last moment.
  const auto end =
      given(by_hand(id, wanted->at_ms - 1), wanted->end, "", wanted->author, *before, *newest);
  if (!end) return bad_request("end: " + end.error());
  const auto start =
      given(by_hand(id, wanted->at_ms), wanted->start, "", wanted->author, wanted->after, *newest);
  if (!start) return bad_request("start: " + start.error());
  validate::Exchange exchange;
  exchange.meter = id;
  exchange.at_ms = wanted->at_ms;
  exchange.serial_before = before->serial;
  exchange.serial_after = wanted->after.serial;
  exchange.author = wanted->author;
  store::Judged judged;
  const auto added = store_.add_exchange(exchange, wanted->after, *end, *start,
                                         validate::reconsider, judged);
  if (!added) return store_error_(added.error(), "meter");
  changed_(Subject::reading, std::to_string(added->end_reading));
  changed_(Subject::reading, std::to_string(added->start_reading));
  tell(judged);
  return json_response(exchange_json(*added), 201);
}

Response MeterRoutes::add_reading(const Request& request, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("meter", id);
  const auto meter = store_.meter(id);
  if (!meter) return store_error_(meter.error(), "meter");
  auto wanted = parse_manual(request.body);
  if (!wanted) return bad_request(wanted.error());
  sign(wanted->author, request);
  if (wanted->at_ms > wanted->author.at_ms + future_ms_max)
    return bad_request("\"at_ms\" is in the future");
  const auto then = meter_at(store_, *meter, wanted->at_ms);
  if (!then) return store_error_(then.error(), "meter");
  const auto newest = store_.newest_accepted(id);
  if (!newest) return store_error_(newest.error(), "meter");
  const auto reading = given(by_hand(id, wanted->at_ms), wanted->value, wanted->digits,
                             wanted->author, *then, *newest);
  if (!reading) return bad_request(reading.error());
  const std::array cases{
      store::Case{id, wanted->at_ms, 0, [&](const validate::Past& past) {
                    return validate::enter(*reading, past);
                  }}};
  const auto judged = store_.judge(cases, wanted->author.at_ms);
  if (!judged) return store_error_(judged.error(), "meter");
  tell(*judged);
  return json_response(reading_json(judged->readings.front()), 201);
}

Response MeterRoutes::add_estimates(const Request& request, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("meter", id);
  if (const auto meter = store_.meter(id); !meter) return store_error_(meter.error(), "meter");
  auto wanted = parse_estimate(request.body);
  if (!wanted) return bad_request(wanted.error());
  sign(wanted->author, request);
  const auto fill = [&](const validate::Past& past) {
    const auto slots = validate::missing_slots(past.points, wanted->from_ms, wanted->to_ms,
                                               wanted->every_ms);
    validate::Outcome out{validate::estimate(past, slots, wanted->method), {}};
    for (Reading& reading : out.readings) {
      reading.review = validate::Review{.reviewer = wanted->author.name,
                                        .reason = wanted->author.reason,
                                        .at_ms = wanted->author.at_ms};
    }
    return out;
  };
  const std::array cases{store::Case{id, wanted->to_ms, 0, fill}};
  const auto judged = store_.judge(cases, wanted->author.at_ms);
  if (!judged) return store_error_(judged.error(), "meter");
  tell(*judged);
  return json_response(readings_json(judged->readings), 201);
}

Response MeterRoutes::reading_history(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("reading", id);
  const auto history = store_.reading_history(*number);
  if (!history) return store_error_(history.error(), "reading");
  return json_response(reading_history_json(*history));
}

}  // namespace meterlens::api
