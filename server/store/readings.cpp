// Readings and their reviews.
#include <fmt/format.h>

#include "server/store/engine.h"
#include "server/store/reading_rows.h"
#include "server/store/text_columns.h"
#include "server/store/view_rows.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;
using validate::Reading;

// A reading beside its newest review, of which all is empty when there is none.
constexpr const char* reading_columns =
    "SELECT r.id, r.meter, r.device, r.photo, r.at_ms, r.status, r.digits, r.certain, r.red,"
    " r.value_count, r.value_decimals, r.value, r.confidence, r.window, r.wheels, r.ms, r.verdict,"
    " r.reasons, r.flags, r.review, coalesce(v.by_server, 0), coalesce(v.verdict, ''),"
    " coalesce(v.digits, ''), coalesce(v.certain, 0), coalesce(v.red, 0),"
    " coalesce(v.value_count, 0), coalesce(v.value_decimals, 0),"
    " coalesce(v.value, ''), coalesce(v.reviewer, ''), coalesce(v.reason, ''),"
    " coalesce(v.at_ms, 0) FROM ";
const std::string reading_select =
    std::string(reading_columns) + "reading r LEFT JOIN review v ON v.id = r.review WHERE ";

// What both tables have.
struct NumberColumns {
  void bind(soci::statement& statement) {
    statement.exchange(into(digits));
    statement.exchange(into(certain));
    statement.exchange(into(red));
    statement.exchange(into(value_count));
    statement.exchange(into(value_decimals));
    statement.exchange(into(value));
  }
  void put_into(Reading& reading) const {
    reading.digits = digits;
    reading.certain = certain;
    reading.red = red;
    reading.value_count = value_count;
    reading.value_decimals = value_decimals;
    reading.value = value;
  }
  std::string digits, value;
  int certain = 0, red = 0, value_decimals = 0;
  std::int64_t value_count = 0;
};

struct ReadingRow {
  explicit ReadingRow(soci::statement& statement) {
    statement.exchange(into(reading.id));
    statement.exchange(into(reading.meter));
    statement.exchange(into(reading.device));
    statement.exchange(into(reading.photo));
    statement.exchange(into(reading.at_ms));
    statement.exchange(into(reading.status));
    seen.bind(statement);
    statement.exchange(into(reading.confidence));
    statement.exchange(into(window));
    statement.exchange(into(wheels));
    statement.exchange(into(reading.ms));
    statement.exchange(into(verdict));
    statement.exchange(into(reasons));
    statement.exchange(into(flags));
    statement.exchange(into(review.id));
    statement.exchange(into(by_server));
    statement.exchange(into(reviewed_verdict));
    reviewed.bind(statement);
    statement.exchange(into(review.reviewer));
    statement.exchange(into(review.reason));
    statement.exchange(into(review.at_ms));
  }
  Reading take() {
    reading.window = window_of(window);
    reading.wheels = shares_of(wheels);
    reading.reasons = lines_of(reasons);
    reading.verdict = verdict_named(verdict);
    reading.flags = static_cast<std::uint32_t>(flags);
    reading.review.reset();
    review.by_server = by_server != 0;
    seen.put_into(reading);
    if (review.id == 0) return reading;
    review.seen_verdict = reading.verdict;
    review.seen_digits = reading.digits;
    review.seen_certain = reading.certain;
    review.seen_red = reading.red;
    review.seen_value = reading.value;
    reading.review = review;
    reading.verdict = verdict_named(reviewed_verdict);
    reviewed.put_into(reading);
    return reading;
  }
  Reading reading;
  validate::Review review;
  NumberColumns seen, reviewed;
  long long flags = 0;
  int by_server = 0;
  std::string window, wheels;
  std::string verdict, reviewed_verdict;
  std::string reasons;
};

template <class... Values>
std::optional<Reading> first_reading(soci::session& sql, const char* where,
                                     const Values&... values) {
  return select_first<ReadingRow>(sql, std::string(reading_select) + where, values...);
}

Error no_reading(std::int64_t id) {
  return {ErrorCode::not_found, fmt::format("there is no reading {}", id)};
}

}  // namespace

void count_reading(soci::session& sql, std::int64_t id, std::int64_t by) {
  sql << "INSERT INTO reading_count (slot, verdict, readings)"
         " SELECT at_ms / 900000, standing, CAST(:by AS BIGINT) FROM reading WHERE id = :id"
         " ON CONFLICT (slot, verdict) DO UPDATE SET"
         " readings = reading_count.readings + excluded.readings",
      use(by), use(id);
}

std::vector<Reading> newest_readings(soci::session& sql, const Names& meters) {
  const std::string newest =
      "FROM reading n WHERE n.meter = w.meter ORDER BY n.at_ms DESC, n.id DESC LIMIT 1";
  const std::string wanted = "WITH wanted (meter) AS (VALUES (?)) ";
  // PostgreSQL would look for each again in every month, or read all of them.
  if (sql.get_backend_name() == "postgresql")
    return select_of<ReadingRow>(sql,
                                 wanted + reading_columns +
                                     "wanted w CROSS JOIN LATERAL (SELECT * " + newest +
                                     ") r LEFT JOIN review v ON v.id = r.review",
                                 meters, "), (");
  return select_of<ReadingRow>(
      sql, wanted + reading_select + "r.id IN (SELECT (SELECT n.id " + newest + ") FROM wanted w)",
      meters, "), (");
}

std::int64_t insert_reading(soci::session& sql, const Reading& reading) {
  const std::string window = window_text(reading.window);
  const std::string wheels = shares_text(reading.wheels);
  const std::string verdict = validate::name(reading.verdict);
  const std::string reasons = lines_text(reading.reasons);
  const long long flags = reading.flags;
  sql << "INSERT INTO reading (meter, device, photo, at_ms, status, digits, certain, red,"
         " value_count, value_decimals, value, confidence, window, wheels, ms, verdict, reasons,"
         " flags, standing)"
         " VALUES (:meter, :device, :photo, :at, :status, :digits, :certain, :red, :count,"
         " :decimals, :value, :confidence, :window, :wheels, :ms, :verdict, :reasons,"
         " :flags, :standing)",
      use(reading.meter), use(reading.device), use(reading.photo), use(reading.at_ms),
      use(reading.status), use(reading.digits), use(reading.certain), use(reading.red),
      use(reading.value_count), use(reading.value_decimals), use(reading.value),
      use(reading.confidence), use(window), use(wheels), use(reading.ms), use(verdict),
      use(reasons), use(flags), use(verdict);
  std::int64_t id = 0;
  sql << "SELECT last_insert_rowid()", into(id);
  count_reading(sql, id, 1);
  // A photo of several meters points at the first one's reading.
  sql << "UPDATE photo SET reading = :reading WHERE id = :photo AND reading = 0", use(id),
      use(reading.photo);
  insert_said(sql, id, reading.said);
  if (!reading.review) return id;
  Reading reviewed = reading;
  reviewed.id = id;
  insert_review(sql, reviewed);
  return id;
}

void insert_review(soci::session& sql, const Reading& reviewed) {
  const validate::Review& review = *reviewed.review;
  const std::string verdict = validate::name(reviewed.verdict);
  const int by_server = review.by_server ? 1 : 0;
  sql << "INSERT INTO review (reading, verdict, digits, certain, red, value_count,"
         " value_decimals, value, reviewer, reason, at_ms, by_server) VALUES (:reading, :verdict,"
         " :digits, :certain, :red, :count, :decimals, :value, :reviewer, :reason, :at, :server)",
      use(reviewed.id), use(verdict), use(reviewed.digits), use(reviewed.certain),
      use(reviewed.red), use(reviewed.value_count), use(reviewed.value_decimals),
      use(reviewed.value), use(review.reviewer), use(review.reason), use(review.at_ms),
      use(by_server);
  std::int64_t id = 0;
  sql << "SELECT last_insert_rowid()", into(id);
  count_reading(sql, reviewed.id, -1);
  sql << "UPDATE reading SET review = :review, standing = :verdict WHERE id = :id", use(id),
      use(verdict), use(reviewed.id);
  count_reading(sql, reviewed.id, 1);
}

std::optional<Reading> find_reading(soci::session& sql, std::int64_t id) {
  return first_reading(sql, "r.id = :id", id);
}

Result<std::int64_t> Store::add_reading(const Reading& reading) {
  return engine_->write([&](soci::session& sql) { return insert_reading(sql, reading); });
}

Result<Reading> Store::add_review(const Reading& reviewed, std::int64_t version) {
  protocol::require(reviewed.review.has_value());
  std::optional<std::int64_t> found;
  const auto added = engine_->write([&](soci::session& sql) {
    const auto before = select_first<IntegerRow>(
        sql, "SELECT review FROM reading WHERE id = :id", reviewed.id);
    if (before) found = *before;
    if (found != version) return std::optional<Reading>();
    insert_review(sql, reviewed);
    return first_reading(sql, "r.id = :id", reviewed.id);
  });
  if (!added) return std::unexpected(added.error());
  if (*added) return **added;
  if (!found) return std::unexpected(no_reading(reviewed.id));
  return std::unexpected(
      Error{ErrorCode::conflict,
            fmt::format("reading {} was changed meanwhile (its version is {}, "
                        "not {}): look at it again", reviewed.id, *found, version)});
}

Result<Reading> Store::reading(std::int64_t id) {
  const auto found =
      engine_->read([&](soci::session& sql) { return first_reading(sql, "r.id = :id", id); });
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::unexpected(no_reading(id));
  return **found;
}

Result<std::vector<Reading>> Store::readings(const Filter& filter) {
  return engine_->read_list([&](soci::session& sql) {
    std::string text = reading_select;
    text += "r.at_ms >= :since";
    // Names that are not asked for still bind, to conditions that the planner drops.
    text += filter.device.empty() ? " AND :meter = ''" : " AND r.meter = :meter";
    text += filter.verdict.empty() ? " AND :verdict = ''"
                                   // A meter's are few: its index, not that of all verdicts.
                                   : filter.device.empty() ? " AND r.standing = :verdict"
                                                           : " AND r.standing || '' = :verdict";
    if (filter.reviewed) text += " AND r.review <> 0 AND v.by_server = 0";
    text += filter.photo == 0 ? " AND :photo = 0" : " AND r.photo = :photo";
    text += filter.before_id == 0 ? " AND :before_ms = :before_id"
                                  : " AND (r.at_ms, r.id) < (:before_ms, :before_id)";
    text += " ORDER BY r.at_ms DESC, r.id DESC LIMIT :count";
    return select_rows<ReadingRow>(sql, text, filter.since_ms, filter.device, filter.verdict,
                                   filter.photo, filter.before_ms, filter.before_id,
                                   filter.count_max);
  }, filter.may_lag);
}

Result<std::vector<Reading>> Store::billing(const BillingFilter& filter) {
  return engine_->read_list([&](soci::session& sql) {
    std::string text = reading_select;
    // By meter, and SQLite would else sort everything of that time for each page.
    text += sql.get_backend_name() == "postgresql" ? "r.at_ms >= :since AND r.at_ms < :to"
                                                   : "+r.at_ms >= :since AND +r.at_ms < :to";
    text += filter.meter.empty() ? " AND :meter = ''" : " AND r.meter = :meter";
    if (!filter.all)
      text += " AND r.standing IN ('accepted', 'manual', 'estimated')";
    text += filter.after_meter.empty() ? " AND :after = '' AND :after_ms = :after_id"
                                       : " AND (r.meter, r.at_ms, r.id) > (:after, :after_ms, "
                                         ":after_id)";
    text += " ORDER BY r.meter, r.at_ms, r.id LIMIT :count";
    const std::int64_t to_ms = filter.to_ms == 0 ? INT64_MAX : filter.to_ms;
    return select_rows<ReadingRow>(sql, text, filter.from_ms, to_ms, filter.meter,
                                   filter.after_meter, filter.after_ms, filter.after_id,
                                   filter.count_max);
  }, filter.may_lag);
}

Result<std::optional<Reading>> Store::newest_accepted(const std::string& meter,
                                                       std::int64_t except_reading) {
  return engine_->read([&](soci::session& sql) {
    return first_reading(sql,
                         "r.meter = :meter AND r.id <> :except AND r.standing"
                         " IN ('accepted', 'manual') ORDER BY r.at_ms DESC, r.id DESC LIMIT 1",
                         meter, except_reading);
  });
}

}  // namespace meterlens::store
