// Counts over the whole store, for the console's home page.
#include "server/store/summary.h"

#include "server/store/fleet_rows.h"

namespace meterlens::store {
namespace {

using soci::into;

constexpr std::int64_t day_ms = 86'400'000;

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
  online.add("online <> 0");
  for (Where* where : {&all, &online}) limits.devices(*where, "id");
  out.devices = count_of(sql, "device", all);
  out.online = count_of(sql, "device", online);
}

// A judgement that stands, and those that a later word made doubtful: each has its index.
void count_doubtful(soci::session& sql, const Limits& limits, Summary& out) {
  Where standing, later;
  standing.add("r.verdict = 'doubtful' AND coalesce(v.verdict, 'doubtful') = 'doubtful'");
  later.add("r.review <> 0 AND r.verdict <> 'doubtful' AND v.verdict = 'doubtful'");
  for (Where* where : {&standing, &later}) limits.meters(*where, "r.meter");
  out.doubtful = count_of(sql, "reading r LEFT JOIN review v ON v.id = r.review", standing) +
                 count_of(sql, "reading r JOIN review v ON v.id = r.review", later);
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

void count_readings(soci::session& sql, const Limits& limits, std::int64_t since_ms, int days,
                    Summary& out) {
  const std::int64_t from_ms = since_ms - (days - 1) * day_ms;
  const std::string from = std::to_string(from_ms);
  for (int i = 0; i < days; ++i) out.days.push_back({from_ms + i * day_ms});
  Where where;
  where.add("r.at_ms >= " + from + " AND r.at_ms < " + std::to_string(since_ms + day_ms));
  limits.meters(where, "r.meter");
  for (const CountRow& row : where.select<CountRow>(
           sql,
           "SELECT coalesce(v.verdict, r.verdict) AS said, (r.at_ms - (" + from +
               ")) / 86400000 AS day, count(*) FROM reading r LEFT JOIN review v ON v.id ="
               " r.review",
           " GROUP BY said, day")) {
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
  return engine_->read([&](soci::session& sql) {
    Summary out;
    count_devices(sql, limits, out);
    count_doubtful(sql, limits, out);
    count_commands(sql, limits, since_ms, out);
    count_readings(sql, limits, since_ms, days, out);
    return out;
  });
}

}  // namespace meterlens::store
