// The routes of schedules.
#include "server/api/answers.h"
#include "server/api/query.h"
#include "server/api/routes.h"

namespace meterlens::api {

namespace {

constexpr std::size_t schedules_max = 10'000;

std::expected<void, std::string> check_all(const schedule::Schedule& schedule,
                                           std::int64_t now_ms) {
  if (auto good = schedule::check(schedule, now_ms); !good) return good;
  if (auto good = fleet::check_group(schedule.group); !good) return good;
  return fleet::check_group(schedule.meter_group);
}

}  // namespace

Response Routes::schedules(const Request& request, const std::string&) {
  const auto cursor = cursor_of(request, false);
  if (!cursor) return bad_request(cursor.error());
  auto schedules = store_.schedules(cursor->id, cursor->count_max + 1);
  if (!schedules) return store_error(schedules.error());
  const bool has_more = cut(*schedules, cursor->count_max);
  return json_response(schedules_json(*schedules, unix_ms(), has_more));
}

Response Routes::schedule(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("schedule", id);
  const auto schedule = store_.schedule(*number);
  if (!schedule) return store_error(schedule.error(), "schedule");
  return json_response(schedule_json(*schedule, unix_ms()));
}

Response Routes::add_schedule(const Request& request, const std::string&) {
  auto schedule = parse_schedule(request.body, {});
  if (!schedule) return bad_request(schedule.error());
  if (const auto good = check_all(*schedule, unix_ms()); !good) return bad_request(good.error());
  const auto all = store_.schedules();
  if (!all) return store_error(all.error());
  if (all->size() >= schedules_max)
    return error_response(409, "too_many_schedules", "delete some that are not needed any more");
  schedule->done_ms = unix_ms();
  const auto id = store_.add_schedule(*schedule);
  if (!id) return store_error(id.error());
  doors_.schedules_changed();
  const auto stored = store_.schedule(*id);
  if (!stored) return store_error(stored.error(), "schedule");
  return json_response(schedule_json(*stored, unix_ms()), 201);
}

Response Routes::change_schedule(const Request& request, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("schedule", id);
  const auto before = store_.schedule(*number);
  if (!before) return store_error(before.error(), "schedule");
  auto schedule = parse_schedule(request.body, *before);
  if (!schedule) return bad_request(schedule.error());
  if (const auto good = check_all(*schedule, unix_ms()); !good) return bad_request(good.error());
  // What was due before the change is not caught up by the new rule.
  schedule->done_ms = unix_ms();
  if (const auto saved = store_.save_schedule(*schedule); !saved)
    return store_error(saved.error(), "schedule");
  doors_.schedules_changed();
  return this->schedule(request, id);
}

Response Routes::delete_schedule(const Request& request, const std::string& id) {
  const auto query = parse_query(request.query);
  if (!query) return bad_request(query.error());
  const auto seen = parse_id(query->get("version"));
  if (!seen && query->values.contains("version"))
    return bad_request("version must be the \"version\" of the schedule that you saw");
  const auto number = parse_id(id);
  if (!number) return unknown("schedule", id);
  const auto before = store_.schedule(*number);
  if (!before) return store_error(before.error(), "schedule");
  const auto deleted = store_.delete_schedule(*number, seen.value_or(before->version));
  if (!deleted) return store_error(deleted.error(), "schedule");
  doors_.schedules_changed();
  return json_response(schedule_json(*before, unix_ms()));
}

}  // namespace meterlens::api
