// The second reader: whom to ask for a meter, what it has cost, why it is not asked, and what each
// reader said.
#include <fmt/format.h>

#include "server/store/engine.h"
#include "server/store/meter_rows.h"
#include "server/store/reading_rows.h"
#include "server/store/text_columns.h"

namespace meterlens::store {
namespace {

using second::MeterPolicy;
using second::Stop;
using second::Use;
using soci::into;
using soci::use;
using validate::Said;

struct PolicyRow {
  explicit PolicyRow(soci::statement& statement) {
    statement.exchange(into(one.meter));
    statement.exchange(into(policy));
    statement.exchange(into(one.author));
    statement.exchange(into(one.reason));
    statement.exchange(into(one.at_ms));
  }
  MeterPolicy take() {
    one.policy = second::policy_named(policy);
    return one;
  }
  MeterPolicy one;
  std::string policy;
};

struct UseRow {
  explicit UseRow(soci::statement& statement) {
    statement.exchange(into(one.day));
    statement.exchange(into(one.meter));
    statement.exchange(into(one.calls));
    statement.exchange(into(one.billed));
    statement.exchange(into(one.cost_micro));
  }
  Use take() const { return one; }
  Use one;
};

struct StopRow {
  explicit StopRow(soci::statement& statement) {
    statement.exchange(into(kind));
    statement.exchange(into(stop.until_ms));
    statement.exchange(into(stop.reason));
  }
  Stop take() {
    stop.kind = second::stop_named(kind).value_or(Stop::Kind::fault);
    return stop;
  }
  Stop stop;
  std::string kind;
};

struct SaidRow {
  explicit SaidRow(soci::statement& statement) {
    statement.exchange(into(said.reader));
    statement.exchange(into(said.status));
    statement.exchange(into(said.digits));
    statement.exchange(into(said.certain));
    statement.exchange(into(said.red));
    statement.exchange(into(said.confidence));
    statement.exchange(into(words));
    statement.exchange(into(believed));
    statement.exchange(into(said.note));
  }
  Said take() {
    said.words = lines_of(words);
    said.believed = believed != 0;
    return said;
  }
  Said said;
  std::string words;
  int believed = 0;
};

}  // namespace

void insert_said(soci::session& sql, std::int64_t reading, const std::vector<Said>& said) {
  int place = 0;
  for (const Said& one : said) {
    const std::string words = lines_text(one.words);
    const int believed = one.believed ? 1 : 0;
    sql << "INSERT INTO said (reading, place, reader, status, digits, certain, red, confidence,"
           " words, believed, note) VALUES (:reading, :place, :reader, :status, :digits, :certain,"
           " :red, :confidence, :words, :believed, :note)",
        use(reading), use(place), use(one.reader), use(one.status), use(one.digits),
        use(one.certain), use(one.red), use(one.confidence), use(words), use(believed),
        use(one.note);
    ++place;
  }
}

Result<std::vector<Said>> Store::said(std::int64_t reading) {
  return engine_->read([&](soci::session& sql) {
    return select_rows<SaidRow>(
        sql, "SELECT reader, status, digits, certain, red, confidence, words, believed, note"
             " FROM said WHERE reading = :reading ORDER BY place", reading);
  });
}

Result<std::vector<MeterPolicy>> Store::second_policies(const std::string& meter, int count_max) {
  return engine_->read([&](soci::session& sql) {
    return select_rows<PolicyRow>(
        sql, "SELECT meter, policy, author, reason, at_ms FROM second_policy WHERE meter = :meter"
             " ORDER BY id DESC LIMIT :count", meter, count_max);
  });
}

Result<void> Store::add_second_policy(const MeterPolicy& policy) {
  const auto added = engine_->write([&](soci::session& sql) {
    if (!find_meter(sql, policy.meter)) return false;
    const std::string name = policy.policy ? second::name(*policy.policy) : "";
    sql << "INSERT INTO second_policy (meter, policy, author, reason, at_ms)"
           " VALUES (:meter, :policy, :author, :reason, :at)",
        use(policy.meter), use(name), use(policy.author), use(policy.reason), use(policy.at_ms);
    return true;
  });
  if (!added) return std::unexpected(added.error());
  if (*added) return {};
  return std::unexpected(
      Error{ErrorCode::not_found, fmt::format("there is no meter {}", policy.meter)});
}

Result<void> Store::add_second_use(const Use& one) {
  return engine_->write([&](soci::session& sql) {
    sql << "INSERT INTO second_use (day, meter, calls, billed, cost_micro)"
           " VALUES (:day, :meter, :calls, :billed, :cost)"
           " ON CONFLICT (day, meter) DO UPDATE SET calls = second_use.calls + excluded.calls,"
           " billed = second_use.billed + excluded.billed,"
           " cost_micro = second_use.cost_micro + excluded.cost_micro",
        use(one.day), use(one.meter), use(one.calls), use(one.billed), use(one.cost_micro);
  });
}

Result<std::int64_t> Store::second_billed(std::int64_t day) {
  return engine_->read([&](soci::session& sql) {
    const auto sum = select_first<IntegerRow>(
        sql, "SELECT CAST(coalesce(sum(billed), 0) AS BIGINT) FROM second_use WHERE day = :day",
        day);
    return static_cast<std::int64_t>(sum.value_or(0));
  });
}

Result<std::vector<Use>> Store::second_uses(const std::string& meter, std::int64_t from_day,
                                            std::int64_t to_day, int count_max) {
  return engine_->read([&](soci::session& sql) {
    std::string text = "SELECT day, meter, calls, billed, cost_micro FROM second_use"
                       " WHERE day >= :from AND day <= :to";
    text += meter.empty() ? " AND :meter = ''" : " AND meter = :meter";
    text += " ORDER BY day DESC, meter LIMIT :count";
    return select_rows<UseRow>(sql, text, from_day, to_day, meter, count_max);
  });
}

Result<Stop> Store::second_stop() {
  return engine_->read([](soci::session& sql) {
    return select_first<StopRow>(sql, "SELECT kind, until_ms, reason FROM second_stop")
        .value_or(Stop{});
  });
}

Result<void> Store::save_second_stop(const Stop& stop) {
  return engine_->write([&](soci::session& sql) {
    sql << "DELETE FROM second_stop";
    if (stop.kind == Stop::Kind::none) return;
    const std::string kind = second::name(stop.kind);
    sql << "INSERT INTO second_stop (kind, until_ms, reason) VALUES (:kind, :until, :reason)",
        use(kind), use(stop.until_ms), use(stop.reason);
  });
}

}  // namespace meterlens::store
