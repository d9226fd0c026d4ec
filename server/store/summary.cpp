// Counts over the whole store, for the console's home page.
#include "server/store/summary.h"

#include <algorithm>

#include "server/store/engine.h"

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

std::int64_t count_of(soci::session& sql, const char* text) {
  return select_first<IntegerRow>(sql, text).value_or(0);
}

void count_commands(soci::session& sql, std::int64_t since_ms, Summary& out) {
  for (const CountRow& row : select_rows<CountRow>(
           sql, "SELECT state, 0, count(*) FROM command WHERE created_ms >= :since GROUP BY state",
           since_ms)) {
    const bool is_failed = row.name == "failed" || row.name == "expired";
    (is_failed ? out.failed : row.name == "read" ? out.done : out.open) += row.count;
  }
}

void count_readings(soci::session& sql, std::int64_t since_ms, int days, Summary& out) {
  const std::int64_t from_ms = since_ms - (days - 1) * day_ms;
  for (int i = 0; i < days; ++i) out.days.push_back({from_ms + i * day_ms});
  for (const CountRow& row : select_rows<CountRow>(
           sql,
           "SELECT coalesce(v.verdict, r.verdict) AS said, (r.at_ms - :from) / 86400000 AS day,"
           " count(*) FROM reading r LEFT JOIN review v ON v.id = r.review"
           " WHERE r.at_ms >= :begin AND r.at_ms < :end GROUP BY said, day",
           from_ms, from_ms, since_ms + day_ms)) {
    Summary::Day& day = out.days[static_cast<std::size_t>(row.day)];
    if (row.name == "doubtful") day.doubtful += row.count;
    if (row.name == "rejected") day.rejected += row.count;
    if (row.name == "accepted" || row.name == "manual") day.accepted += row.count;
  }
}

}  // namespace

Result<Summary> Store::summary(std::int64_t since_ms, int days) {
  return engine_->read_list([&](soci::session& sql) {
    Summary out;
    out.devices = count_of(sql, "SELECT count(*) FROM device");
    out.online = count_of(sql, "SELECT count(*) FROM device WHERE online <> 0");
    // A judgement that stands, and those that a later word made doubtful: each has its index.
    out.doubtful =
        count_of(sql, "SELECT count(*) FROM reading r LEFT JOIN review v ON v.id = r.review"
                      " WHERE r.verdict = 'doubtful' AND coalesce(v.verdict, 'doubtful') ="
                      " 'doubtful'") +
        count_of(sql, "SELECT count(*) FROM reading r JOIN review v ON v.id = r.review WHERE"
                      " r.review <> 0 AND r.verdict <> 'doubtful' AND v.verdict = 'doubtful'");
    count_commands(sql, since_ms, out);
    count_readings(sql, since_ms, days, out);
    return out;
  });
}

}  // namespace meterlens::store
