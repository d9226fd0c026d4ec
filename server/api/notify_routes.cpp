#include "server/api/notify_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/api/answers.h"
#include "server/api/billing.h"
#include "server/api/query.h"
#include "server/notify/news_json.h"
#include "server/notify/notify.h"

namespace meterlens::api {
namespace {

constexpr std::size_t import_bytes_max = 2'500'000;
constexpr std::size_t name_bytes_max = 64, reason_bytes_max = 500;

bool is_plain_name(const std::string& text, std::size_t bytes_max) {
  return text.size() <= bytes_max && std::ranges::none_of(text, [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

// {"author":"Ann"}, {} or nothing at all.
std::expected<std::string, std::string> parse_author(const std::string& body) {
  if (body.empty()) return "";
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const std::string wrong = "the body must be {\"author\": a name of 1 to 64 bytes}, or empty";
  if (!json.is_object() || json.size() > 1) return std::unexpected(wrong);
  if (json.empty()) return "";
  if (!json.contains("author") || !json["author"].is_string()) return std::unexpected(wrong);
  std::string author = json["author"].get<std::string>();
  if (author.empty() || !is_plain_name(author, name_bytes_max)) return std::unexpected(wrong);
  return author;
}

std::expected<store::AlarmFilter, std::string> parse_alarms(std::string_view query) {
  const auto asked = parse_query(query);
  if (!asked) return std::unexpected(asked.error());
  store::AlarmFilter filter;
  const std::string open = asked->get("open");
  if (!open.empty() && open != "true" && open != "false")
    return std::unexpected("open must be true or false");
  filter.open = open == "true";
  if (const std::string kind = asked->get("kind"); !kind.empty()) {
    filter.kind = store::alarm_kind_named(kind);
    if (!filter.kind) {
      return std::unexpected("kind must be leak, stuck, doubtful, silent, quota, disk, broker or "
                             "sink");
    }
  }
  filter.subject = asked->get("subject");
  if (const std::string cursor = asked->get("cursor"); !cursor.empty()) {
    const auto before = parse_id(cursor);
    if (!before) return std::unexpected("cursor must be the \"next\" of the page before");
    filter.before_id = *before;
  }
  filter.count_max = page_count + 1;
  return filter;
}

std::expected<ImportOrder, std::string> parse_import(const Request& request) {
  const auto asked = parse_query(request.query);
  if (!asked) return std::unexpected(asked.error());
  ImportOrder order;
  const std::string accept = asked->get("accept_good");
  if (!accept.empty() && accept != "true" && accept != "false")
    return std::unexpected("accept_good must be true or false");
  order.accept_good = accept == "true";
  order.author = {asked->get("author"), asked->get("reason"), unix_ms()};
  if (order.author.name.size() > name_bytes_max || order.author.reason.size() > reason_bytes_max)
    return std::unexpected("author has at most 64 bytes, reason 500");
  order.is_signed = request.caller.has_account();
  if (order.is_signed) order.author.name = request.caller.name;
  order.text = request.body;
  return order;
}

}  // namespace

NotifyRoutes::NotifyRoutes(store::Store& store, const Doors& doors, Changed changed,
                           StoreError store_error)
    : store_(store),
      doors_(doors),
      changed_(std::move(changed)),
      store_error_(std::move(store_error)),
      alarms_(store) {}

void NotifyRoutes::list(RouteList& routes) {
  routes.add(*this, {
      {"GET", "/api/v1/alarms", &NotifyRoutes::alarms},
      {"GET", "/api/v1/alarms/{id}", &NotifyRoutes::alarm},
      {"POST", "/api/v1/alarms/{id}/acknowledge", &NotifyRoutes::acknowledge},
      {"GET", "/api/v1/notify", &NotifyRoutes::sinks},
      {"POST", "/api/v1/notify/{id}/test", &NotifyRoutes::test},
      {"GET", "/api/v1/export/readings.csv", &NotifyRoutes::export_csv},
      {"GET", "/api/v1/export/readings.json", &NotifyRoutes::export_json},
      {"POST", "/api/v1/import/meters", &NotifyRoutes::take_meters,
       {.body_bytes_max = import_bytes_max}},
      {"POST", "/api/v1/import/readings", &NotifyRoutes::take_readings,
       {.body_bytes_max = import_bytes_max}},
  });
}

std::optional<std::string> NotifyRoutes::alarm_text(std::int64_t id) {
  const auto alarm = alarms_.alarm(id);
  return alarm ? std::optional(notify::alarm_json(*alarm)) : std::nullopt;
}

Response NotifyRoutes::alarms(const Request& request, const std::string&) {
  const auto filter = parse_alarms(request.query);
  if (!filter) return bad_request(filter.error());
  auto alarms = alarms_.alarms(*filter);
  if (!alarms) return store_error_(alarms.error(), "alarm");
  const bool has_more = alarms->size() > page_count;
  if (has_more) alarms->pop_back();
  return json_response(notify::alarms_json(*alarms, has_more));
}

Response NotifyRoutes::alarm(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("alarm", id);
  const auto alarm = alarms_.alarm(*number);
  if (!alarm) return store_error_(alarm.error(), "alarm");
  return json_response(notify::alarm_json(*alarm));
}

Response NotifyRoutes::acknowledge(const Request& request, const std::string& id) {
  auto author = parse_author(request.body);
  if (!author) return bad_request(author.error());
  if (request.caller.has_account()) author = request.caller.name;
  const auto number = parse_id(id);
  if (!number) return unknown("alarm", id);
  const auto alarm = alarms_.acknowledge(*number, *author, unix_ms());
  if (!alarm) return store_error_(alarm.error(), "alarm");
  changed_(Subject::alarm, id);
  return json_response(notify::alarm_json(*alarm));
}

Response NotifyRoutes::sinks(const Request&, const std::string&) {
  return json_response(notify::sinks_json(
      doors_.notify == nullptr ? std::vector<notify::SinkStatus>() : doors_.notify->status()));
}

Response NotifyRoutes::test(const Request&, const std::string& id) {
  const auto sent = doors_.notify == nullptr ? std::nullopt : doors_.notify->test(id);
  if (!sent) {
    return error_response(404, "unknown_sink",
                          fmt::format("there is no sink \"{}\"; GET /api/v1/notify has those that "
                                      "the settings turn on", id));
  }
  return json_response(notify::sent_json(id, *sent));
}

Response NotifyRoutes::export_csv(const Request& request, const std::string&) {
  const auto filter = parse_billing(request.query);
  if (!filter) return bad_request(filter.error());
  auto page = billing_csv(store_, *filter);
  if (!page) return store_error_(page.error(), "reading");
  Response response{200, "text/csv; charset=utf-8", std::move(page->body),
                    {{"Cache-Control", "no-store"},
                     {"Content-Disposition", "attachment; filename=\"readings.csv\""}}};
  // Where CSV itself has no place for it.
  if (!page->next.empty()) response.headers.emplace_back("Meterlens-Next", page->next);
  return response;
}

Response NotifyRoutes::export_json(const Request& request, const std::string&) {
  const auto filter = parse_billing(request.query);
  if (!filter) return bad_request(filter.error());
  auto page = billing_json(store_, *filter);
  if (!page) return store_error_(page.error(), "reading");
  return json_response(std::move(page->body));
}

Response NotifyRoutes::take_meters(const Request& request, const std::string&) {
  return imported(request, import_meters);
}

Response NotifyRoutes::take_readings(const Request& request, const std::string&) {
  return imported(request, import_readings);
}

// 200: all lines are good, or the good ones were asked for; 422: there are bad lines, and none is
// in.
Response NotifyRoutes::imported(const Request& request,
                                ImportResult (*take)(store::Store&, const ImportOrder&)) {
  const auto order = parse_import(request);
  if (!order) return bad_request(order.error());
  const auto done = take(store_, *order);
  if (!done) return store_error_(done.error(), "meter");
  if (!*done) return bad_request(done->error());
  const Imported& result = **done;
  for (const validate::Reading& reading : result.judged.readings)
    changed_(Subject::reading, std::to_string(reading.id));
  for (const std::int64_t id : result.judged.changed)
    changed_(Subject::reading, std::to_string(id));
  const bool is_good = result.bad.empty() || order->accept_good;
  return json_response(imported_json(result), is_good ? 200 : 422);
}

}  // namespace meterlens::api
