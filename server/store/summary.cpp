// Counts over the whole store, for the console's home page.
#include "server/store/summary.h"

#include <algorithm>

#include "server/store/engine.h"

namespace meterlens::store {
namespace {

using soci::into;

constexpr std::int64_t day_ms = 86'400'000;
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
  const std::int64_t end = since_ms / quarter_ms + quarters_a_day;
  const std::int64_t begin = end - days * quarters_a_day;
  for (int i = 0; i < days; ++i) out.days.push_back({since_ms - (days - 1 - i) * day_ms});
  for (const CountRow& row : select_rows<CountRow>(
           sql,
           "SELECT verdict, (slot - :from) / 96 AS day, CAST(sum(readings) AS BIGINT)"
           " FROM reading_count WHERE slot >= :begin AND slot < :end GROUP BY verdict, day",
           begin, begin, end)) {
    Summary::Day& day = out.days[static_cast<std::size_t>(row.day)];
    if (row.name == "doubtful") day.doubtful += row.count;
    if (row.name == "rejected") day.rejected += row.count;
    if (row.name == "accepted" || row.name == "manual") day.accepted += row.count;
  }
}

}  // namespace

Result<Summary> Store::summary(std::int64_t since_ms, int days) {
  return engine_->read([&](soci::session& sql) {
    Summary out;
    out.devices = count_of(sql, "SELECT count(*) FROM device");
    out.online = count_of(sql, "SELECT count(*) FROM device WHERE online = 1");
    out.doubtful = count_of(sql, "SELECT count(*) FROM reading WHERE standing = 'doubtful'");
    count_commands(sql, since_ms, out);
    count_readings(sql, since_ms, days, out);
    return out;
  });
}

}  // namespace meterlens::store
