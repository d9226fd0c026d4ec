// Counts over the whole store, for the console's home page.
#include "server/store/summary.h"

#include "server/clock.h"
#include "server/store/fleet_rows.h"

namespace meterlens::store {
namespace {

using soci::into;

using server::day_ms;
constexpr std::int64_t quarter_ms = 900'000;  // of an hour: a slot of reading_count
constexpr std::int64_t quarters_a_day = day_ms / quarter_ms;

struct CountRow {
  explicit CountRow(soci::statement& statement) {
    statement.exchange(into(name));
    statement.exchange(into(day));
    statement.exchange(into(count));
  }
  CountRow take() const { return *this; }
  std::string name;
  long long day = 0, count = 0;
};

// What those limited to groups may see: meters in them, devices that watch or watched one.
class Limits {
 public:
  explicit Limits(const std::vector<std::string>& groups) {
    for (const std::string& group : groups) {
      const std::string below = group + "/";
      text_ += (text_.empty() ? "" : " OR ") + std::string("group_path = ? OR ") +
               "substr(group_path, 1, length(?)) = ?";
      values_.insert(values_.end(), {group, below, below});
    }
    text_ = "SELECT id FROM tag WHERE kind = 'meter' AND (" + text_ + ")";
  }
  bool any() const { return !values_.empty(); }
  void meters(Where& where, const std::string& column) const {
    if (!values_.empty()) where.add(column + " IN (" + text_ + ")", values_);
  }
  void devices(Where& where, const std::string& column) const {
    if (!values_.empty())
      where.add(column + " IN (SELECT device FROM watch WHERE meter IN (" + text_ + "))", values_);
  }

 private:
  std::string text_;
  std::vector<std::string> values_;
};

std::int64_t count_of(soci::session& sql, const std::string& from, const Where& where) {
  return where.select<IntegerRow>(sql, "SELECT count(*) FROM " + from, "").front();
}

void count_devices(soci::session& sql, const Limits& limits, Summary& out) {
  Where all, online;
  online.add("online = 1");
  for (Where* where : {&all, &online}) limits.devices(*where, "id");
  if (sql.get_backend_name() != "postgresql") {
    out.devices = count_of(sql, "device", all);
    out.online = count_of(sql, "device", online);
    return;
  }
  // It walks over all devices for either.
  for (const CountRow& row : all.select<CountRow>(
           sql, "SELECT CASE WHEN online = 1 THEN 'online' ELSE '' END, 0, count(*) FROM device",
           " GROUP BY online")) {
    out.devices += row.count;
    if (row.name == "online") out.online += row.count;
  }
}

void count_doubtful(soci::session& sql, const Limits& limits, Summary& out) {
  Where where;
  where.add("standing = 'doubtful'");
  limits.meters(where, "meter");
  out.doubtful = count_of(sql, "reading", where);
}

void count_commands(soci::session& sql, const Limits& limits, std::int64_t since_ms,
                    Summary& out) {
  Where where;
  where.add("created_ms >= " + std::to_string(since_ms));
  limits.devices(where, "device");
  for (const CountRow& row : where.select<CountRow>(
           sql, "SELECT state, 0, count(*) FROM command", " GROUP BY state")) {
    const bool is_failed = row.name == "failed" || row.name == "expired";
    (is_failed ? out.failed : row.name == "read" ? out.done : out.open) += row.count;
  }
}

// Of all meters the slots have it; of some, their readings do.
std::vector<CountRow> reading_counts(soci::session& sql, const Limits& limits, std::int64_t begin,
                                     std::int64_t end) {
  if (!limits.any())
    return select_rows<CountRow>(
        sql,
        "SELECT verdict, (slot - :from) / 96 AS day, CAST(sum(readings) AS BIGINT)"
        " FROM reading_count WHERE slot >= :begin AND slot < :end GROUP BY verdict, day",
        begin, begin, end);
  const std::string from = std::to_string(begin * quarter_ms);
  Where where;
  where.add("at_ms >= " + from + " AND at_ms < " + std::to_string(end * quarter_ms));
  limits.meters(where, "meter");
  return where.select<CountRow>(
      sql,
      "SELECT standing, (at_ms - (" + from + ")) / 86400000 AS day, count(*) FROM reading",
      " GROUP BY standing, day");
}

void count_readings(soci::session& sql, const Limits& limits, std::int64_t since_ms, int days,
                    Summary& out) {
  const std::int64_t end = since_ms / quarter_ms + quarters_a_day;
  const std::int64_t begin = end - days * quarters_a_day;
  for (int i = 0; i < days; ++i) out.days.push_back({since_ms - (days - 1 - i) * day_ms});
  for (const CountRow& row : reading_counts(sql, limits, begin, end)) {
    Summary::Day& day = out.days[static_cast<std::size_t>(row.day)];
    if (row.name == "doubtful") day.doubtful += row.count;
    if (row.name == "rejected") day.rejected += row.count;
    if (row.name == "accepted" || row.name == "manual") day.accepted += row.count;
  }
}

}  // namespace

Result<Summary> Store::summary(std::int64_t since_ms, int days,
                               const std::vector<std::string>& groups) {
  const Limits limits(groups);
  return engine_->read_list([&](soci::session& sql) {
    Summary out;
    count_devices(sql, limits, out);
    count_doubtful(sql, limits, out);
    count_commands(sql, limits, since_ms, out);
    count_readings(sql, limits, since_ms, days, out);
    return out;
  });
}

}  // namespace meterlens::store
