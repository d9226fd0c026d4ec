// What is known of a meter, and what a judgement changes.
#include <fmt/format.h>

#include <algorithm>

#include "server/store/engine.h"
#include "server/store/meter_rows.h"
#include "server/store/reading_rows.h"
#include "server/store/text_columns.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;
using validate::Reading;

// The columns of a reading that its neighbours see, after its newest review.
constexpr const char* point_select =
    "SELECT r.id, r.review, r.at_ms, r.status, r.flags, length(coalesce(v.digits, r.digits)),"
    " coalesce(v.red, r.red), coalesce(v.value_count, r.value_count),"
    " coalesce(v.value_decimals, r.value_decimals), coalesce(v.verdict, r.verdict),"
    " coalesce(v.by_server, 1) FROM reading r LEFT JOIN review v ON v.id = r.review"
    " WHERE r.meter = :meter AND ";

struct PointRow {
  explicit PointRow(soci::statement& statement) {
    statement.exchange(into(reading.id));
    statement.exchange(into(review.id));
    statement.exchange(into(reading.at_ms));
    statement.exchange(into(reading.status));
    statement.exchange(into(flags));
    statement.exchange(into(wheels));
    statement.exchange(into(reading.red));
    statement.exchange(into(reading.value_count));
    statement.exchange(into(reading.value_decimals));
    statement.exchange(into(verdict));
    statement.exchange(into(by_server));
  }
  // Nothing when other readings have nothing to do with it.
  std::optional<validate::Point> take() {
    reading.flags = static_cast<std::uint32_t>(flags);
    reading.verdict = verdict_named(verdict);
    reading.digits.assign(static_cast<std::size_t>(std::max(wheels, 0)), '0');
    reading.review.reset();
    review.by_server = by_server != 0;
    if (review.id != 0) reading.review = review;
    const bool is_doubtful = reading.verdict == validate::Verdict::doubtful;
    if (wheels == 0 || reading.verdict == validate::Verdict::rejected) return {};
    if (is_doubtful && !validate::is_open(reading)) return {};
    return validate::point_of(reading);
  }
  Reading reading;
  validate::Review review;
  std::string verdict;
  long long flags = 0;
  int wheels = 0;
  int by_server = 1;
};

// When the register that was there at a time came and went.
struct Period {
  std::int64_t from_ms = INT64_MIN;
  std::int64_t to_ms = INT64_MAX;
};

Period period_of(soci::session& sql, const std::string& meter, std::int64_t at_ms) {
  Period out;
  if (const auto from = select_first<IntegerRow>(
          sql, "SELECT at_ms FROM exchange WHERE meter = :meter AND at_ms <= :at"
               " ORDER BY at_ms DESC LIMIT 1", meter, at_ms))
    out.from_ms = *from;
  if (const auto to = select_first<IntegerRow>(
          sql, "SELECT at_ms FROM exchange WHERE meter = :meter AND at_ms > :at"
               " ORDER BY at_ms LIMIT 1", meter, at_ms))
    out.to_ms = *to;
  return out;
}

validate::Past past_of(soci::session& sql, const Case& one) {
  validate::Past past;
  past.meter.id = one.meter;
  if (auto meter = find_meter(sql, one.meter)) past.meter = *std::move(meter);
  const Period period = period_of(sql, one.meter, one.at_ms);
  const int before_max = validate::points_before_max;
  const int after_max = validate::points_after_max;
  auto before = select_rows<PointRow>(
      sql, std::string(point_select) + "r.at_ms >= :from AND r.at_ms <= :at"
           " ORDER BY r.at_ms DESC, r.id DESC LIMIT :count",
      one.meter, period.from_ms, one.at_ms, before_max);
  std::ranges::reverse(before);
  auto after = select_rows<PointRow>(
      sql, std::string(point_select) + "r.at_ms > :at AND r.at_ms < :to"
           " ORDER BY r.at_ms, r.id LIMIT :count",
      one.meter, one.at_ms, period.to_ms, after_max);
  for (const auto* part : {&before, &after}) {
    for (const auto& point : *part) {
      if (point) past.points.push_back(*point);
    }
  }
  if (one.photo == 0) return past;
  const auto same = select_first<IntegerRow>(
      sql, "SELECT o.id FROM photo p JOIN photo o ON o.device = p.device AND o.sha256 = p.sha256"
           " WHERE p.id = :photo AND o.id < p.id AND o.state = 'stored' ORDER BY o.id DESC LIMIT 1",
      one.photo);
  past.same_photo = same.value_or(0);
  return past;
}

void apply(soci::session& sql, const validate::Change& change, std::int64_t now_ms) {
  auto reading = find_reading(sql, change.reading);
  protocol::require(reading.has_value());
  reading->verdict = change.verdict;
  if (change.decimals) validate::set_decimals(*reading, *change.decimals);
  reading->review = validate::Review{.by_server = true, .reason = change.reason, .at_ms = now_ms};
  insert_review(sql, *reading);
}

struct HistoryRow {
  explicit HistoryRow(soci::statement& statement) {
    statement.exchange(into(verdict));
    statement.exchange(into(reading.digits));
    statement.exchange(into(reading.certain));
    statement.exchange(into(reading.red));
    statement.exchange(into(reading.value_count));
    statement.exchange(into(reading.value_decimals));
    statement.exchange(into(reading.value));
    statement.exchange(into(review.reviewer));
    statement.exchange(into(review.reason));
    statement.exchange(into(review.at_ms));
    statement.exchange(into(review.id));
    statement.exchange(into(by_server));
  }
  Reading take() {
    reading.verdict = verdict_named(verdict);
    review.by_server = by_server != 0;
    reading.review = review;
    return reading;
  }
  Reading reading;
  validate::Review review;
  std::string verdict;
  int by_server = 0;
};

void note_brightness(soci::session& sql, std::int64_t photo, const photo::Brightness& seen) {
  const std::string light = protocol::name(seen.light);
  sql << "UPDATE photo SET light = :light, mean = :mean, dark_percent = :dark,"
         " bright_percent = :bright WHERE id = :id",
      use(light), use(seen.mean), use(seen.dark_percent), use(seen.bright_percent), use(photo);
}

}  // namespace

void judge_in(soci::session& sql, const Case& one, std::int64_t now_ms, Judged& out) {
  validate::Outcome outcome = one.judge(past_of(sql, one));
  for (Reading& reading : outcome.readings) {
    reading.id = insert_reading(sql, reading);
    out.readings.push_back(find_reading(sql, reading.id).value());
  }
  for (const validate::Change& change : outcome.changes) {
    apply(sql, change, now_ms);
    out.changed.push_back(change.reading);
  }
}

Result<Judged> Store::judge(std::span<const Case> cases, std::int64_t now_ms) {
  return engine_->write([&](soci::session& sql) {
    Judged out;
    if (!cases.empty() && cases.front().photo != 0) {
      // Two workers may have read it while it changed hands, and it may be gone with its device.
      const auto reading = select_first<IntegerRow>(
          sql, "SELECT reading FROM photo WHERE id = :id", cases.front().photo);
      if (!reading || *reading != 0) return out;
    }
    for (const Case& one : cases) {
      judge_in(sql, one, now_ms, out);
      if (one.brightness) note_brightness(sql, one.photo, *one.brightness);
    }
    return out;
  });
}

Result<std::vector<Reading>> Store::reading_history(std::int64_t id) {
  auto found = engine_->read([&](soci::session& sql) {
    std::vector<Reading> out = select_rows<HistoryRow>(
        sql, "SELECT verdict, digits, certain, red, value_count, value_decimals, value, '', '',"
             " at_ms, 0, 1 FROM reading WHERE id = :id", id);
    if (out.empty()) return out;
    auto reviews = select_rows<HistoryRow>(
        sql, "SELECT verdict, digits, certain, red, value_count, value_decimals, value, reviewer,"
             " reason, at_ms, id, by_server FROM review WHERE reading = :id ORDER BY id", id);
    std::ranges::move(reviews, std::back_inserter(out));
    return out;
  });
  if (found && found->empty()) {
    return std::unexpected(
        Error{ErrorCode::not_found, fmt::format("there is no reading {}", id)});
  }
  return found;
}

}  // namespace meterlens::store
