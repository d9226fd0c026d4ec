#include "server/store/slots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "server/store/command_rows.h"
#include "server/store/fleet_rows.h"
#include "server/store/reading_rows.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;

constexpr const char* missing_select =
    "SELECT s.id, s.meter, s.schedule, s.due_ms, s.from_ms, s.until_ms, s.noticed_ms, s.reason,"
    " s.closed_ms, s.reading, s.estimate FROM slot s ";

struct MissingRow {
  explicit MissingRow(soci::statement& statement) {
    statement.exchange(into(row.id));
    statement.exchange(into(row.meter));
    statement.exchange(into(row.moment.schedule));
    statement.exchange(into(row.moment.due_ms));
    statement.exchange(into(row.moment.from_ms));
    statement.exchange(into(row.moment.until_ms));
    statement.exchange(into(row.noticed_ms));
    statement.exchange(into(row.reason));
    statement.exchange(into(row.closed_ms));
    statement.exchange(into(row.reading));
    statement.exchange(into(row.estimate));
  }
  Missing take() const { return row; }
  Missing row;
};

struct SubjectRow {
  explicit SubjectRow(soci::statement& statement) {
    statement.exchange(into(row.meter));
    statement.exchange(into(row.device));
  }
  Subject take() const { return row; }
  Subject row;
};

struct FilledRow {
  explicit FilledRow(soci::statement& statement) {
    statement.exchange(into(slot));
    statement.exchange(into(estimate));
    statement.exchange(into(reading));
  }
  FilledRow take() const { return *this; }
  std::int64_t slot = 0, estimate = 0, reading = 0;
};

struct SlotCountRow {
  explicit SlotCountRow(soci::statement& statement) {
    statement.exchange(into(meter));
    statement.exchange(into(count));
  }
  std::pair<std::string, int> take() const { return {meter, count}; }
  std::string meter;
  int count = 0;
};

struct SlotCommandRow {
  explicit SlotCommandRow(soci::statement& statement) {
    statement.exchange(into(device));
    statement.exchange(into(id));
    statement.exchange(into(state));
    statement.exchange(into(reason));
  }
  SlotCommandRow take() const { return *this; }
  std::string device, state, reason;
  std::int64_t id = 0;
};

// Meters `m` that are there at a time, and watches `w` that hold then.
std::string installed(std::int64_t at_ms) {
  return fmt::format("mv.installed_ms <= {0} AND (mv.removed_ms = 0 OR mv.removed_ms > {0})",
                     at_ms);
}
std::string holds(std::int64_t at_ms) {
  return fmt::format("wv.from_ms <= {0} AND (wv.to_ms = 0 OR wv.to_ms > {0})", at_ms);
}
constexpr const char* watch_join =
    "SELECT w.meter, w.device FROM watch w JOIN watch_version wv ON wv.version = w.version"
    " JOIN device d ON d.id = w.device JOIN meter m ON m.id = w.meter"
    " JOIN meter_version mv ON mv.version = m.version ";
constexpr const char* meter_join =
    "SELECT a.id FROM meter a JOIN meter_version mv ON mv.version = a.version ";

// Of the devices that a schedule names, or of all.
std::vector<Subject> of_devices(soci::session& sql, const schedule::Schedule& schedule,
                                std::int64_t at_ms) {
  const std::string then = installed(at_ms) + " AND " + holds(at_ms);
  if (!schedule.devices.empty())
    return select_of<SubjectRow>(
        sql, std::string(watch_join) + "WHERE w.device IN (?) AND " + then, schedule.devices);
  Where where;
  where.add(then);
  add_target(where, fleet::Kind::device, {.group = schedule.group});
  return where.select<SubjectRow>(sql, std::string(watch_join) + "JOIN device a ON a.id = w.device",
                                  "");
}

std::vector<Subject> of_meters(soci::session& sql, const schedule::Schedule& schedule,
                               std::int64_t at_ms) {
  std::vector<std::string> meters;
  if (schedule.meters.empty()) {
    Where where;
    where.add(installed(at_ms));
    add_target(where, fleet::Kind::meter, {.group = schedule.meter_group});
    meters = where.select<NameRow>(sql, meter_join, "");
  } else {
    meters = select_of<NameRow>(
        sql, std::string(meter_join) + "WHERE a.id IN (?) AND " + installed(at_ms),
        schedule.meters);
  }
  auto out = select_of<SubjectRow>(
      sql, std::string(watch_join) + "WHERE w.meter IN (?) AND " + holds(at_ms), meters);
  std::set<std::string> watched;
  for (const Subject& one : out) watched.insert(one.meter);
  for (std::string& meter : meters)
    if (!watched.contains(meter)) out.push_back({std::move(meter), ""});
  return out;
}

// Sorted and each once.
Names meters_of(std::span<const Subject> subjects) {
  Names out;
  for (const Subject& one : subjects)
    if (out.empty() || out.back() != one.meter) out.push_back(one.meter);
  return out;
}

// Why nothing came of a device, as far as the rows say.
std::map<std::string, std::string> reasons_of(soci::session& sql, const Moment& moment,
                                              const Names& devices) {
  std::map<std::string, std::string> out;
  for (const std::string& device : devices)
    out[device] = fmt::format("{} was not asked for a photo, and sent none by itself", device);
  for (const std::string& device :
       select_of<NameRow>(sql, "SELECT id FROM device WHERE online = 0 AND id IN (?)", devices))
    out[device] = fmt::format("{} is offline", device);
  const std::string text =
      fmt::format("SELECT device, id, state, reason FROM command WHERE device IN (?) AND"
                  " +created_ms >= {} AND +created_ms < {} ORDER BY id",
                  moment.from_ms, moment.until_ms);
  for (const SlotCommandRow& one : select_of<SlotCommandRow>(sql, text, devices)) {
    const bool has_photo = one.state == "stored" || one.state == "read";
    out[one.device] =
        has_photo ? fmt::format("the photo of {} (command {}) gave no reading of this meter",
                                one.device, one.id)
                  : fmt::format("{}: command {} {}{}{}", one.device, one.id, one.state,
                                one.reason.empty() ? "" : ", ", one.reason);
  }
  for (const std::string& device : select_of<NameRow>(
           sql, "SELECT device FROM device_switch WHERE enabled = 0 AND device IN (?)", devices))
    out[device] = fmt::format("{} is disabled", device);
  return out;
}

struct Empty {
  std::string meter;
  std::string reason;
};

// Those without a reading, each with why.
std::vector<Empty> find_empty(soci::session& sql, const Moment& moment,
                              std::span<const Subject> subjects) {
  const auto filled = select_of<NameRow>(
      sql, fmt::format("SELECT DISTINCT r.meter FROM reading r WHERE r.meter IN (?)"
                       " AND r.at_ms >= {} AND r.at_ms < {} AND r.verdict <> 'estimated'",
                       moment.from_ms, moment.until_ms),
      meters_of(subjects));
  const std::set<std::string> has_reading(filled.begin(), filled.end());
  std::vector<Empty> out;
  Names devices;
  for (const Subject& one : subjects)
    if (!has_reading.contains(one.meter) && !one.device.empty()) devices.push_back(one.device);
  std::ranges::sort(devices);
  devices.erase(std::ranges::unique(devices).begin(), devices.end());
  const auto reasons = reasons_of(sql, moment, devices);
  for (const Subject& one : subjects) {
    if (has_reading.contains(one.meter)) continue;
    const std::string reason =
        one.device.empty() ? "no camera looks at it at that time" : reasons.at(one.device);
    if (out.empty() || out.back().meter != one.meter) out.push_back({one.meter, reason});
    else out.back().reason += "; " + reason;
  }
  return out;
}

// The first reading within a slot, 0: none.
std::string filled_select(const char* condition) {
  return fmt::format("coalesce((SELECT min(r.id) FROM reading r WHERE r.meter = s.meter"
                     " AND r.at_ms >= s.from_ms AND r.at_ms < s.until_ms AND {}), 0)", condition);
}

void withdraw(soci::session& sql, const FilledRow& filled, std::int64_t now_ms) {
  auto estimate = find_reading(sql, filled.estimate);
  if (!estimate || estimate->verdict != validate::Verdict::estimated) return;
  estimate->verdict = validate::Verdict::rejected;
  estimate->review = validate::Review{
      .by_server = true,
      .reason = fmt::format("replaced: reading {} of that time has come", filled.reading),
      .at_ms = now_ms};
  insert_review(sql, *estimate);
}

}  // namespace

Result<std::vector<Subject>> SlotBook::subjects(const schedule::Schedule& schedule,
                                                std::int64_t at_ms) {
  return store_.engine_->read([&](soci::session& sql) {
    const bool names_meters = !schedule.meters.empty() || !schedule.meter_group.empty();
    auto out = names_meters ? of_meters(sql, schedule, at_ms) : of_devices(sql, schedule, at_ms);
    std::ranges::sort(out, {}, [](const Subject& one) { return std::tie(one.meter, one.device); });
    return out;
  });
}

Result<std::vector<std::string>> SlotBook::cameras(const schedule::Schedule& schedule,
                                                   std::int64_t at_ms) {
  const auto all = subjects(schedule, at_ms);
  if (!all) return std::unexpected(all.error());
  Names out;
  for (const Subject& one : *all)
    if (!one.device.empty()) out.push_back(one.device);
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

Result<std::int64_t> SlotBook::next_change(std::int64_t at_ms) {
  return store_.engine_->read([&](soci::session& sql) -> std::int64_t {
    std::int64_t out = 0;
    for (const auto& [column, table, versions] :
         {std::array{"from_ms", "watch", "watch_version"},
          std::array{"to_ms", "watch", "watch_version"},
          std::array{"installed_ms", "meter", "meter_version"},
          std::array{"removed_ms", "meter", "meter_version"}}) {
      const std::int64_t next =
          select_first<IntegerRow>(
              sql, fmt::format("SELECT coalesce(min(v.{0}), 0) FROM {1} t JOIN {2} v"
                               " ON v.version = t.version WHERE v.{0} > {3}",
                               column, table, versions, at_ms)).value_or(0);
      if (next != 0 && (out == 0 || next < out)) out = next;
    }
    return out;
  });
}

Result<std::vector<std::string>> SlotBook::note(const Moment& moment,
                                                std::span<const Subject> subjects,
                                                std::int64_t now_ms, int& added) {
  added = 0;
  const auto empty = store_.engine_->read(
      [&](soci::session& sql) { return find_empty(sql, moment, subjects); });
  if (!empty) return std::unexpected(empty.error());
  Names out;
  for (const Empty& one : *empty) out.push_back(one.meter);
  if (out.empty()) return out;
  const auto noted = store_.engine_->write([&](soci::session& sql) {
    int count = 0;
    for (const auto& [meter, reason] : *empty)
      count += change_rows(
          sql, "INSERT OR IGNORE INTO slot (meter, schedule, due_ms, from_ms, until_ms,"
               " noticed_ms, reason, closed_ms, reading, estimate) VALUES (:meter, :schedule,"
               " :due, :from, :until, :noticed, :reason, 0, 0, 0)",
          meter, moment.schedule, moment.due_ms, moment.from_ms, moment.until_ms, now_ms, reason);
    return count;
  });
  if (!noted) return std::unexpected(noted.error());
  added = *noted;
  return out;
}

Result<void> SlotBook::judged(const schedule::Schedule& schedule, std::int64_t due_ms) {
  return store_.engine_->write([&](soci::session& sql) {
    sql << "UPDATE schedule SET judged_ms = :due WHERE id = :id AND version = :version",
        use(due_ms), use(schedule.id), use(schedule.version);
  });
}

Result<int> SlotBook::close(std::span<const std::string> meters, std::int64_t now_ms) {
  const Names names(meters.begin(), meters.end());
  const auto found = store_.engine_->read([&](soci::session& sql) {
    // Of each slot: what fills it, and what its estimate gives way to.
    auto late = select_of<FilledRow>(
        sql, "SELECT s.id, 0, " + filled_select("r.verdict <> 'estimated'") +
                 " FROM slot s WHERE s.closed_ms = 0 AND s.meter IN (?)", names);
    auto better = select_of<FilledRow>(
        sql, "SELECT s.id, s.estimate, " + filled_select("r.standing IN ('accepted', 'manual')") +
                 " FROM slot s WHERE s.estimate <> 0 AND s.meter IN (?) AND EXISTS (SELECT 1 FROM"
                 " reading e WHERE e.id = s.estimate AND e.standing = 'estimated')", names);
    const auto is_empty = [](const FilledRow& one) { return one.reading == 0; };
    std::erase_if(late, is_empty);
    std::erase_if(better, is_empty);
    return std::pair(std::move(late), std::move(better));
  });
  if (!found) return std::unexpected(found.error());
  const auto& [late, better] = *found;
  if (late.empty() && better.empty()) return 0;
  return store_.engine_->write([&](soci::session& sql) {
    int count = 0;
    for (const FilledRow& one : late)
      count += change_rows(sql, "UPDATE slot SET closed_ms = :at, reading = :reading"
                                " WHERE id = :id AND closed_ms = 0",
                           now_ms, one.reading, one.slot);
    for (const FilledRow& one : better) withdraw(sql, one, now_ms);
    return count;
  });
}

Result<std::map<std::string, int>> SlotBook::waiting(std::span<const std::string> meters) {
  const Names names(meters.begin(), meters.end());
  return store_.engine_->read([&](soci::session& sql) {
    auto rows = select_of<SlotCountRow>(
        sql, "SELECT s.meter, count(*) FROM slot s WHERE s.meter IN (?) AND s.closed_ms = 0"
             " AND s.due_ms > coalesce((SELECT max(r.at_ms) FROM reading r WHERE r.meter = s.meter"
             " AND r.verdict <> 'estimated'), 0) GROUP BY s.meter", names);
    return std::map<std::string, int>(rows.begin(), rows.end());
  });
}

Result<std::vector<std::int64_t>> SlotBook::add_commands(
    std::span<const command::Command> commands) {
  return store_.engine_->write([&](soci::session& sql) {
    std::vector<std::int64_t> ids;
    for (const command::Command& command : commands) ids.push_back(insert_command(sql, command));
    return ids;
  });
}

Result<std::vector<Missing>> SlotBook::gaps(std::int64_t before_ms, std::int64_t after,
                                            int count_max) {
  return store_.engine_->read([&](soci::session& sql) {
    return select_rows<MissingRow>(
        sql, std::string(missing_select) +
                 "WHERE s.id > :after AND s.estimate = 0 AND s.due_ms < :before AND NOT EXISTS"
                 " (SELECT 1 FROM reading r WHERE r.meter = s.meter AND r.at_ms >= s.from_ms"
                 " AND r.at_ms < s.until_ms AND r.standing IN ('accepted', 'manual', 'estimated'))"
                 " ORDER BY s.id LIMIT :count", after, before_ms, count_max);
  });
}

Result<std::vector<std::int64_t>> SlotBook::estimate(std::span<const Missing> gaps,
                                                     const Fill& fill, std::int64_t now_ms) {
  return store_.engine_->write([&](soci::session& sql) {
    std::vector<std::int64_t> ids;
    for (const Missing& gap : gaps) {
      const auto known = select_first<IntegerRow>(
          sql, "SELECT estimate FROM slot WHERE id = :id", gap.id);
      if (known.value_or(1) != 0) continue;
      Case one;
      one.meter = gap.meter;
      one.at_ms = gap.moment.due_ms;
      one.judge = [&](const validate::Past& past) { return fill(past, gap); };
      Judged judged;
      judge_in(sql, one, now_ms, judged);
      if (judged.readings.empty()) continue;
      ids.push_back(judged.readings.front().id);
      sql << "UPDATE slot SET estimate = :reading WHERE id = :id", use(ids.back()), use(gap.id);
    }
    return ids;
  });
}

Result<std::vector<Missing>> SlotBook::missing(const MissingFilter& filter) {
  return store_.engine_->read([&](soci::session& sql) {
    std::string text = missing_select;
    text += filter.open ? "WHERE s.closed_ms = 0" : "WHERE s.id > 0";
    text += filter.meter.empty() ? " AND :meter = ''" : " AND s.meter = :meter";
    text += filter.before_id == 0 ? " AND :before = 0" : " AND s.id < :before";
    text += " ORDER BY s.id DESC LIMIT :count";
    return select_rows<MissingRow>(sql, text, filter.meter, filter.before_id, filter.count_max);
  });
}

Result<std::vector<Missing>> SlotBook::billed(const BillingFilter& filter) {
  return store_.engine_->read_list([&](soci::session& sql) {
    std::string text = missing_select;
    text += "WHERE s.closed_ms = 0 AND s.due_ms >= :since AND s.due_ms < :to";
    text += filter.meter.empty() ? " AND :meter = ''" : " AND s.meter = :meter";
    // At the same time a reading comes before a slot; billing_slot_id stands for all of them.
    text += filter.after_meter.empty() ? " AND :after = '' AND :after_ms = 0"
            : filter.after_id == billing_slot_id
                ? " AND (s.meter, s.due_ms) > (:after, :after_ms)"
                : " AND (s.meter, s.due_ms) >= (:after, :after_ms)";
    text += " ORDER BY s.meter, s.due_ms LIMIT :count";
    const std::int64_t to_ms = filter.to_ms == 0 ? INT64_MAX : filter.to_ms;
    return select_rows<MissingRow>(sql, text, filter.from_ms, to_ms, filter.meter,
                                   filter.after_meter, filter.after_ms, filter.count_max);
  }, filter.may_lag);
}

}  // namespace meterlens::store
