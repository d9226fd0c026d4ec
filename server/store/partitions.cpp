#include "server/store/partitions.h"

#include <fmt/format.h>

#include <chrono>
#include <vector>

namespace meterlens::store {
namespace {

using namespace std::chrono;
using soci::into;
using soci::use;

constexpr int months_ahead = 2;
constexpr int months_max = 600;

year_month month_of(long long at_ms) {
  const year_month_day day{floor<days>(sys_time<milliseconds>(milliseconds(at_ms)))};
  return day.year() / day.month();
}

long long begin_ms(year_month month) {
  return duration_cast<milliseconds>(sys_days(month / day(1)).time_since_epoch()).count();
}

std::string part_name(const char* table, year_month month) {
  return fmt::format("{}_{:04}_{:02}", table, static_cast<int>(month.year()),
                     static_cast<unsigned>(month.month()));
}

void make_month(soci::session& sql, const char* table, year_month month) {
  const std::string name = part_name(table, month);
  int is_there = 0;
  sql << fmt::format("SELECT CASE WHEN to_regclass('{}') IS NULL THEN 0 ELSE 1 END", name),
      into(is_there);
  if (is_there != 0) return;
  // A part of it may lie in a partition from before, or rows of it among the rest, where they stay
  // then; who reads for long may hold it up, and it is tried again.
  sql << fmt::format(
      "/* postgresql */ DO $both$ BEGIN"
      " CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({});"
      " EXCEPTION WHEN invalid_object_definition OR check_violation OR lock_not_available THEN"
      " NULL; END $both$", name, table, begin_ms(month), begin_ms(month + months(1)));
}

// The partitions of `table` that end at `before_ms` or earlier.
std::vector<std::string> aged(soci::session& sql, const char* table, long long before_ms) {
  std::vector<std::string> names;
  const soci::rowset<std::string> rows =
      (sql.prepare << fmt::format(
           "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
           " WHERE i.inhparent = CAST('{}' AS regclass) AND CAST(substring(pg_get_expr("
           "c.relpartbound, c.oid) FROM 'TO [(]''?(-?[0-9]+)') AS BIGINT) <= {}"
           " ORDER BY c.relname", table, before_ms));
  names.assign(rows.begin(), rows.end());
  return names;
}

long long drop_readings(soci::session& sql, const std::string& part) {
  long long all = 0, kept = 0;
  sql << fmt::format("SELECT count(*) FROM {}", part), into(all);
  // In the order of the parent's columns.
  sql << fmt::format(
      "CREATE TEMPORARY TABLE reading_kept ON COMMIT DROP AS SELECT r.* FROM reading r"
      " WHERE r.tableoid = CAST('{0}' AS regclass) AND (r.id IN (SELECT end_reading FROM exchange"
      " UNION SELECT start_reading FROM exchange) OR r.id IN (SELECT o.id FROM (SELECT DISTINCT ON"
      " (p.meter) p.id, p.meter FROM {0} p WHERE p.standing IN ('accepted', 'manual')"
      " ORDER BY p.meter, p.at_ms DESC, p.id DESC) o WHERE o.id = (SELECT n.id FROM reading n"
      " WHERE n.meter = o.meter AND n.standing IN ('accepted', 'manual')"
      " ORDER BY n.at_ms DESC, n.id DESC LIMIT 1)))", part);
  sql << "SELECT count(*) FROM reading_kept", into(kept);
  sql << fmt::format("DELETE FROM review WHERE reading IN (SELECT id FROM {})"
                     " AND reading NOT IN (SELECT id FROM reading_kept)", part);
  sql << fmt::format("DELETE FROM said WHERE reading IN (SELECT id FROM {})"
                     " AND reading NOT IN (SELECT id FROM reading_kept)", part);
  sql << fmt::format("INSERT INTO reading_count (slot, verdict, readings) SELECT at_ms / 900000,"
                     " standing, -count(*) FROM {} WHERE id NOT IN (SELECT id FROM reading_kept)"
                     " GROUP BY at_ms / 900000, standing ON CONFLICT (slot, verdict) DO UPDATE SET"
                     " readings = reading_count.readings + excluded.readings", part);
  sql << fmt::format("DROP TABLE {}", part);
  sql << "INSERT INTO reading SELECT * FROM reading_kept";
  sql << "DROP TABLE reading_kept";
  return all - kept;
}

}  // namespace

void keep_months(soci::session& sql, long long now_ms) {
  const year_month now = month_of(now_ms);
  for (const char* table : {"reading", "message"})
    for (int i = 0; i <= months_ahead; ++i) make_month(sql, table, now + months(i));
}

void make_months(soci::session& sql, const char* table, long long from_ms, long long to_ms) {
  const year_month last = month_of(to_ms);
  year_month month = month_of(from_ms);
  for (int i = 0; i < months_max && month <= last; ++i, month += months(1))
    make_month(sql, table, month);
}

std::optional<long long> drop_reading_month(soci::session& sql, long long before_ms) {
  const auto months = aged(sql, "reading", before_ms);
  if (months.empty()) return {};
  return drop_readings(sql, months.front());
}

void drop_message_months(soci::session& sql, long long before_ms) {
  for (const std::string& part : aged(sql, "message", before_ms))
    sql << fmt::format("DROP TABLE {}", part);
}

}  // namespace meterlens::store
