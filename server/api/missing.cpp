// Readings that schedules wanted of a meter and that did not come in time.
#include "protocol/ids.h"
#include "server/api/answers.h"
#include "server/api/fleet.h"
#include "server/api/json_text.h"
#include "server/api/meters.h"
#include "server/store/slots.h"

namespace meterlens::api {
namespace {

std::string missing_json(const std::vector<store::Missing>& missing, bool has_more) {
  Json list = Json::array();
  for (const store::Missing& one : missing) {
    list.push_back({{"id", one.id},
                    {"meter", one.meter},
                    {"schedule", one.moment.schedule},
                    {"due_ms", one.moment.due_ms},
                    {"noticed_ms", one.noticed_ms},
                    {"reason", one.reason},
                    {"closed_ms", or_null(one.closed_ms)},
                    {"reading", or_null(one.reading)},
                    {"estimate", or_null(one.estimate)}});
  }
  const Json next = has_more ? Json(std::to_string(missing.back().id)) : Json(nullptr);
  return text(Json{{"missing", std::move(list)}, {"next", next}});
}

}  // namespace

Response MeterRoutes::missing(const Request& request, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("meter", id);
  const auto cursor = cursor_of(request, false);
  if (!cursor) return bad_request(cursor.error());
  const std::string open = parse_query(request.query)->get("open");
  if (!open.empty() && open != "true" && open != "false")
    return bad_request("open must be true or false");
  if (const auto meter = store_.meter(id); !meter) return store_error_(meter.error(), "meter");
  auto missing = store::SlotBook(store_).missing({.meter = id, .open = open == "true",
                                                  .before_id = cursor->id,
                                                  .count_max = cursor->count_max + 1});
  if (!missing) return store_error_(missing.error(), "meter");
  const bool has_more = cut(*missing, cursor->count_max);
  return json_response(missing_json(*missing, has_more));
}

}  // namespace meterlens::api
