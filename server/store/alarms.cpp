#include "server/store/alarms.h"

#include <fmt/format.h>

#include <array>

#include "server/store/alarm_rows.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;

constexpr std::array kind_names{"leak", "stuck", "doubtful", "silent",
                                "quota", "disk", "broker", "sink", "missing"};
static_assert(kind_names.size() == alarm_kind_count);

std::optional<Alarm> find_open(soci::session& sql, AlarmKind kind, const std::string& subject) {
  const std::string name_of_kind = name(kind);
  return select_first<AlarmRow>(sql, std::string(alarm_select) +
                                         "WHERE a.kind = :kind AND a.subject = :subject"
                                         " AND a.cleared_ms = 0", name_of_kind, subject);
}

std::optional<Alarm> find(soci::session& sql, std::int64_t id) {
  return select_first<AlarmRow>(sql, std::string(alarm_select) + "WHERE a.id = :id", id);
}

void note(soci::session& sql, std::int64_t alarm, const std::string& state,
          const std::string& reason, std::int64_t now_ms) {
  sql << "INSERT INTO alarm_change (alarm, state, reason, at_ms)"
         " VALUES (:alarm, :state, :reason, :at)",
      use(alarm), use(state), use(reason), use(now_ms);
}

std::optional<Alarm> raise_in(soci::session& sql, AlarmKind kind, const std::string& subject,
                              const std::string& reason, std::int64_t now_ms) {
  if (find_open(sql, kind, subject)) return {};
  const std::string name_of_kind = name(kind);
  sql << "INSERT INTO alarm (kind, subject, reason, raised_ms, acknowledged_ms, acknowledged_by,"
         " cleared_ms) VALUES (:kind, :subject, :reason, :at, 0, '', 0)",
      use(name_of_kind), use(subject), use(reason), use(now_ms);
  const auto alarm = find_open(sql, kind, subject);
  protocol::require(alarm.has_value());
  note(sql, alarm->id, "raised", reason, now_ms);
  return alarm;
}

std::optional<Alarm> clear_in(soci::session& sql, AlarmKind kind, const std::string& subject,
                              const std::string& reason, std::int64_t now_ms) {
  auto alarm = find_open(sql, kind, subject);
  if (!alarm) return {};
  sql << "UPDATE alarm SET cleared_ms = :at WHERE id = :id", use(now_ms), use(alarm->id);
  note(sql, alarm->id, "cleared", reason, now_ms);
  alarm->cleared_ms = now_ms;
  return alarm;
}

Result<std::optional<Alarm>> first_of(const Result<std::vector<Alarm>>& alarms) {
  if (!alarms) return std::unexpected(alarms.error());
  if (alarms->empty()) return std::optional<Alarm>();
  return alarms->front();
}

struct AlarmCountRow {
  explicit AlarmCountRow(soci::statement& statement) {
    statement.exchange(into(kind));
    statement.exchange(into(count));
  }
  std::pair<std::string, int> take() const { return {kind, count}; }
  std::string kind;
  int count = 0;
};

Error no_alarm(std::int64_t id) {
  return {ErrorCode::not_found, fmt::format("there is no alarm {}", id)};
}

}  // namespace

const char* name(AlarmKind kind) { return kind_names.at(static_cast<std::size_t>(kind)); }

std::optional<AlarmKind> alarm_kind_named(const std::string& name) {
  for (std::size_t i = 0; i < kind_names.size(); ++i) {
    if (name == kind_names[i]) return static_cast<AlarmKind>(i);
  }
  return {};
}

const char* subject_of(AlarmKind kind) {
  switch (kind) {
    case AlarmKind::leak:
    case AlarmKind::stuck:
    case AlarmKind::missing:
    case AlarmKind::doubtful: return "meter";
    case AlarmKind::silent: return "device";
    case AlarmKind::quota: return "service";
    case AlarmKind::disk: return "folder";
    case AlarmKind::sink: return "sink";
    case AlarmKind::broker: break;
  }
  return "";
}

Result<std::optional<Alarm>> AlarmBook::raise(AlarmKind kind, const std::string& subject,
                                              const std::string& reason, std::int64_t now_ms) {
  const Wanted wanted{subject, reason};
  return first_of(set_all(kind, {&wanted, 1}, true, now_ms));
}

Result<std::optional<Alarm>> AlarmBook::clear(AlarmKind kind, const std::string& subject,
                                              const std::string& reason, std::int64_t now_ms) {
  const Wanted wanted{subject, reason};
  return first_of(set_all(kind, {&wanted, 1}, false, now_ms));
}

Result<std::vector<Alarm>> AlarmBook::set_all(AlarmKind kind, std::span<const Wanted> wanted,
                                              bool is_wrong, std::int64_t now_ms) {
  return store_.engine_->write([&](soci::session& sql) {
    std::vector<Alarm> out;
    for (const auto& [subject, reason] : wanted) {
      auto alarm = is_wrong ? raise_in(sql, kind, subject, reason, now_ms)
                            : clear_in(sql, kind, subject, reason, now_ms);
      if (alarm) out.push_back(*std::move(alarm));
    }
    return out;
  });
}

Result<Alarm> AlarmBook::acknowledge(std::int64_t id, const std::string& by, std::int64_t now_ms) {
  auto found = store_.engine_->write([&](soci::session& sql) -> std::optional<Alarm> {
    auto alarm = find(sql, id);
    if (!alarm || alarm->acknowledged_ms != 0) return alarm;
    sql << "UPDATE alarm SET acknowledged_ms = :at, acknowledged_by = :by WHERE id = :id",
        use(now_ms), use(by), use(id);
    note(sql, id, "acknowledged", by, now_ms);
    return find(sql, id);
  });
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::unexpected(no_alarm(id));
  return **std::move(found);
}

Result<Alarm> AlarmBook::alarm(std::int64_t id) {
  auto found = store_.engine_->read([&](soci::session& sql) { return find(sql, id); });
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::unexpected(no_alarm(id));
  return **std::move(found);
}

Result<std::vector<Alarm>> AlarmBook::alarms(const AlarmFilter& filter) {
  return store_.engine_->read([&](soci::session& sql) {
    const std::string kind = filter.kind ? name(*filter.kind) : "";
    std::string text = alarm_select;
    text += filter.open ? "WHERE a.cleared_ms = 0" : "WHERE a.id > 0";
    text += kind.empty() ? " AND :kind = ''" : " AND a.kind = :kind";
    text += filter.subject.empty() ? " AND :subject = ''" : " AND a.subject = :subject";
    text += filter.before_id == 0 ? " AND :before = 0" : " AND a.id < :before";
    text += " ORDER BY a.id DESC LIMIT :count";
    return select_rows<AlarmRow>(sql, text, kind, filter.subject, filter.before_id,
                                 filter.count_max);
  });
}

Result<std::map<AlarmKind, int>> AlarmBook::open_counts() {
  return store_.engine_->read([](soci::session& sql) {
    std::map<AlarmKind, int> out;
    for (int i = 0; i < alarm_kind_count; ++i) out[static_cast<AlarmKind>(i)] = 0;
    for (const auto& [kind, count] : select_rows<AlarmCountRow>(
             sql, "SELECT kind, count(*) FROM alarm WHERE cleared_ms = 0 GROUP BY kind")) {
      if (const auto known = alarm_kind_named(kind)) out[*known] = count;
    }
    return out;
  });
}

}  // namespace meterlens::store
