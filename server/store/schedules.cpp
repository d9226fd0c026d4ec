// Schedules.
#include "server/store/engine.h"
#include "server/store/fleet_rows.h"

namespace meterlens::store {
namespace {

using schedule::Schedule;
using soci::into;
using soci::use;

constexpr const char* schedule_select =
    "SELECT id, name, cron, zone, devices, spread_s, catch_up_s, enabled, done_ms, version,"
    " device_group, meters, meter_group, grace_s, judged_ms FROM schedule ";

// Instead of names of devices when meters are meant: a program that does not know of meters would
// else take it for all devices, and leaves out what is no name.
const std::string meters_mark = ":";

struct ScheduleRow {
  explicit ScheduleRow(soci::statement& statement) {
    statement.exchange(into(schedule.id));
    statement.exchange(into(schedule.name));
    statement.exchange(into(schedule.cron));
    statement.exchange(into(schedule.zone));
    statement.exchange(into(devices));
    statement.exchange(into(schedule.spread_s));
    statement.exchange(into(schedule.catch_up_s));
    statement.exchange(into(enabled));
    statement.exchange(into(schedule.done_ms));
    statement.exchange(into(schedule.version));
    statement.exchange(into(schedule.group));
    statement.exchange(into(meters));
    statement.exchange(into(schedule.meter_group));
    statement.exchange(into(schedule.grace_s));
    statement.exchange(into(schedule.judged_ms));
  }
  Schedule take() {
    if (devices != meters_mark) schedule.devices = parted(devices);
    schedule.meters = parted(meters);
    schedule.enabled = enabled != 0;
    return schedule;
  }
  Schedule schedule;
  std::string devices, meters;
  int enabled = 0;
};

std::string devices_text(const Schedule& schedule) {
  const bool names_meters = !schedule.meters.empty() || !schedule.meter_group.empty();
  return names_meters ? meters_mark : joined(schedule.devices);
}

Error no_schedule(std::int64_t id) {
  return {ErrorCode::not_found, "there is no schedule " + std::to_string(id)};
}

// Of a change that named its version: done, or why not.
Result<void> schedule_outcome(const Result<int>& rows, bool is_there, std::int64_t id) {
  if (!rows) return std::unexpected(rows.error());
  if (*rows > 0) return {};
  if (!is_there) return std::unexpected(no_schedule(id));
  return std::unexpected(Error{ErrorCode::conflict,
                               "the schedule has been changed meanwhile: look at it again, and "
                               "send its new version"});
}

}  // namespace

Result<std::vector<Schedule>> Store::schedules() {
  return engine_->read([](soci::session& sql) {
    return select_rows<ScheduleRow>(sql, std::string(schedule_select) + "ORDER BY id");
  });
}

Result<std::vector<Schedule>> Store::schedules(std::int64_t after, int count_max) {
  return engine_->read([&](soci::session& sql) {
    return select_rows<ScheduleRow>(
        sql, std::string(schedule_select) + "WHERE id > :after ORDER BY id LIMIT :count", after,
        count_max);
  });
}

Result<Schedule> Store::schedule(std::int64_t id) {
  auto found = engine_->read([&](soci::session& sql) {
    return select_first<ScheduleRow>(sql, std::string(schedule_select) + "WHERE id = :id", id);
  });
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::unexpected(no_schedule(id));
  return **std::move(found);
}

Result<std::int64_t> Store::add_schedule(const Schedule& schedule) {
  return engine_->write([&](soci::session& sql) {
    const std::string devices = devices_text(schedule), meters = joined(schedule.meters);
    const int enabled = schedule.enabled ? 1 : 0;
    sql << "INSERT INTO schedule (name, cron, zone, devices, spread_s, catch_up_s, enabled,"
           " done_ms, version, device_group, meters, meter_group, grace_s, judged_ms)"
           " VALUES (:name, :cron, :zone, :devices, :spread, :catch_up, :enabled, :done, 1, :path,"
           " :meters, :meter_path, :grace, :judged)",
        use(schedule.name), use(schedule.cron), use(schedule.zone), use(devices),
        use(schedule.spread_s), use(schedule.catch_up_s), use(enabled), use(schedule.done_ms),
        use(schedule.group), use(meters), use(schedule.meter_group), use(schedule.grace_s),
        use(schedule.done_ms);
    std::int64_t id = 0;
    sql << "SELECT last_insert_rowid()", into(id);
    return id;
  });
}

Result<void> Store::save_schedule(const Schedule& schedule) {
  const auto rows = engine_->write([&](soci::session& sql) {
    const std::string devices = devices_text(schedule), meters = joined(schedule.meters);
    const int enabled = schedule.enabled ? 1 : 0;
    return change_rows(
        sql, "UPDATE schedule SET name = :name, cron = :cron, zone = :zone, devices = :devices,"
             " spread_s = :spread, catch_up_s = :catch_up, enabled = :enabled, done_ms = :done,"
             " device_group = :path, meters = :meters, meter_group = :meter_path,"
             " grace_s = :grace, judged_ms = :judged, version = version + 1"
             " WHERE id = :id AND version = :version",
        schedule.name, schedule.cron, schedule.zone, devices, schedule.spread_s,
        schedule.catch_up_s, enabled, schedule.done_ms, schedule.group, meters,
        schedule.meter_group, schedule.grace_s, schedule.done_ms, schedule.id, schedule.version);
  });
  return schedule_outcome(rows, this->schedule(schedule.id).has_value(), schedule.id);
}

Result<void> Store::delete_schedule(std::int64_t id, std::int64_t version) {
  const auto rows = engine_->write([&](soci::session& sql) {
    return change_rows(sql, "DELETE FROM schedule WHERE id = :id AND version = :version", id,
                       version);
  });
  return schedule_outcome(rows, schedule(id).has_value(), id);
}

Result<void> Store::save_schedules_done(
    std::span<const std::pair<std::int64_t, std::int64_t>> done) {
  return engine_->write([&](soci::session& sql) {
    for (const auto& [id, done_ms] : done)
      sql << "UPDATE schedule SET done_ms = :done WHERE id = :id", use(done_ms), use(id);
  });
}

}  // namespace meterlens::store
