// Meters and exchanges; watches are in watches.cpp.
#include <fmt/format.h>

#include <algorithm>

#include "server/store/engine.h"
#include "server/store/meter_rows.h"
#include "server/store/reading_rows.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;
using validate::Author;
using validate::Exchange;
using validate::Meter;

constexpr const char* meter_columns =
    "v.meter, v.version, v.medium, v.wheels, v.decimals, v.unit, v.factor, v.serial, v.place,"
    " v.rate_max, v.installed_ms, v.removed_ms, v.author, v.reason, v.at_ms";

struct EditRow {
  explicit EditRow(soci::statement& statement) {
    Meter& meter = edit.after;
    statement.exchange(into(meter.id));
    statement.exchange(into(meter.version));
    statement.exchange(into(medium));
    statement.exchange(into(meter.wheels));
    statement.exchange(into(meter.decimals));
    statement.exchange(into(meter.unit));
    statement.exchange(into(meter.factor));
    statement.exchange(into(meter.serial));
    statement.exchange(into(meter.place));
    statement.exchange(into(meter.rate_max));
    statement.exchange(into(meter.installed_ms));
    statement.exchange(into(meter.removed_ms));
    statement.exchange(into(edit.author.name));
    statement.exchange(into(edit.author.reason));
    statement.exchange(into(edit.author.at_ms));
  }
  Edit<Meter> take() {
    edit.after.medium = validate::medium_named(medium).value_or(validate::Medium::unknown);
    return edit;
  }
  Edit<Meter> edit;
  std::string medium;
};

struct MeterRow : EditRow {
  using EditRow::EditRow;
  Meter take() { return EditRow::take().after; }
};

struct ExchangeRow {
  explicit ExchangeRow(soci::statement& statement) {
    statement.exchange(into(exchange.id));
    statement.exchange(into(exchange.meter));
    statement.exchange(into(exchange.at_ms));
    statement.exchange(into(exchange.end_reading));
    statement.exchange(into(exchange.start_reading));
    statement.exchange(into(exchange.serial_before));
    statement.exchange(into(exchange.serial_after));
    statement.exchange(into(exchange.author.name));
    statement.exchange(into(exchange.author.reason));
    statement.exchange(into(exchange.author.at_ms));
  }
  Exchange take() const { return exchange; }
  Exchange exchange;
};

std::string select_meters(const char* rest) {
  return fmt::format("SELECT {} FROM meter m JOIN meter_version v ON v.version = m.version {}",
                     meter_columns, rest);
}

std::int64_t insert_version(soci::session& sql, const Meter& meter, const Author& author) {
  const std::string medium = validate::name(meter.medium);
  sql << "INSERT INTO meter_version (meter, medium, wheels, decimals, unit, factor, serial, place,"
         " rate_max, installed_ms, removed_ms, author, reason, at_ms) VALUES (:meter, :medium,"
         " :wheels, :decimals, :unit, :factor, :serial, :place, :rate, :installed, :removed,"
         " :author, :reason, :at)",
      use(meter.id), use(medium), use(meter.wheels), use(meter.decimals), use(meter.unit),
      use(meter.factor), use(meter.serial), use(meter.place), use(meter.rate_max),
      use(meter.installed_ms), use(meter.removed_ms), use(author.name), use(author.reason),
      use(author.at_ms);
  std::int64_t version = 0;
  sql << "SELECT last_insert_rowid()", into(version);
  return version;
}

Error no_meter(const std::string& id) {
  return {ErrorCode::not_found, fmt::format("there is no meter {}", id)};
}

Error meter_changed(const std::string& id, std::int64_t stored, std::int64_t seen) {
  return {ErrorCode::conflict,
          fmt::format("meter {} was changed meanwhile (its version is {}, not {}): look at it "
                      "again", id, stored, seen)};
}

// The error of an edit that must not be made; its transaction writes nothing then.
std::optional<Error> check_version(soci::session& sql, const Meter& meter) {
  const auto stored = find_meter(sql, meter.id);
  if (!stored) return no_meter(meter.id);
  if (stored->version != meter.version)
    return meter_changed(meter.id, stored->version, meter.version);
  return {};
}

Meter put_version(soci::session& sql, Meter meter, const Author& author) {
  meter.version = insert_version(sql, meter, author);
  sql << "UPDATE meter SET version = :version WHERE id = :id", use(meter.version), use(meter.id);
  return meter;
}

}  // namespace

std::optional<Meter> find_meter(soci::session& sql, const std::string& id) {
  return select_first<MeterRow>(sql, select_meters("WHERE m.id = :id"), id);
}

void adopt(soci::session& sql, const std::string& device, std::int64_t at_ms) {
  if (select_first<IntegerRow>(sql, "SELECT id FROM watch WHERE device = :id LIMIT 1", device))
    return;
  const Author author{"", "its device appeared", at_ms};
  if (!find_meter(sql, device)) {
    Meter meter;
    meter.id = device;
    const std::int64_t version = insert_version(sql, meter, author);
    sql << "INSERT INTO meter VALUES (:id, :version)", use(device), use(version);
  }
  sql << "INSERT INTO watch (device, meter, version) VALUES (:device, :meter, 0)", use(device),
      use(device);
  std::int64_t watch = 0;
  sql << "SELECT last_insert_rowid()", into(watch);
  sql << "INSERT INTO watch_version (watch, from_ms, to_ms, region, author, reason, at_ms)"
         " VALUES (:watch, 0, 0, '', '', :reason, :at)",
      use(watch), use(author.reason), use(at_ms);
  sql << "UPDATE watch SET version = last_insert_rowid() WHERE device = :device", use(device);
}

Result<std::vector<Meter>> Store::meters(const std::string& after, int count_max) {
  return engine_->read([&](soci::session& sql) {
    return select_rows<MeterRow>(
        sql, select_meters("WHERE m.id > :after ORDER BY m.id LIMIT :count"), after, count_max);
  });
}

Result<Meter> Store::meter(const std::string& id) {
  auto found = engine_->read([&](soci::session& sql) { return find_meter(sql, id); });
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::unexpected(no_meter(id));
  return **std::move(found);
}

Result<Meter> Store::add_meter(const Meter& meter, const Author& author) {
  return flat(engine_->write([&](soci::session& sql) -> Result<Meter> {
    if (find_meter(sql, meter.id)) {
      return std::unexpected(
          Error{ErrorCode::conflict, fmt::format("there is a meter {} already", meter.id)});
    }
    Meter added = meter;
    added.version = insert_version(sql, meter, author);
    sql << "INSERT INTO meter VALUES (:id, :version)", use(added.id), use(added.version);
    return added;
  }));
}

Result<void> Store::add_meters(std::span<const Meter> meters, const Author& author) {
  // Looked up first: an error writes nothing.
  const auto added = engine_->write([&](soci::session& sql) -> std::optional<Error> {
    for (const Meter& meter : meters) {
      if (find_meter(sql, meter.id)) {
        return Error{ErrorCode::conflict, fmt::format("there is a meter {} already", meter.id)};
      }
    }
    for (const Meter& meter : meters) {
      const std::int64_t version = insert_version(sql, meter, author);
      sql << "INSERT INTO meter VALUES (:id, :version)", use(meter.id), use(version);
    }
    return {};
  });
  if (!added) return std::unexpected(added.error());
  if (*added) return std::unexpected(**added);
  return {};
}

Result<Meter> Store::change_meter(const Meter& meter, const Author& author) {
  return flat(engine_->write([&](soci::session& sql) -> Result<Meter> {
    if (auto wrong = check_version(sql, meter)) return std::unexpected(*std::move(wrong));
    return put_version(sql, meter, author);
  }));
}

Result<void> Store::remove_meter(const std::string& id, std::int64_t version) {
  const auto removed = engine_->write([&](soci::session& sql) -> std::optional<Error> {
    Meter seen;
    seen.id = id;
    seen.version = version;
    if (auto wrong = check_version(sql, seen)) return wrong;
    if (select_first<IntegerRow>(sql, "SELECT id FROM reading WHERE meter = :id LIMIT 1", id)) {
      return Error{ErrorCode::conflict,
                   fmt::format("meter {} has readings: set its removed_ms instead", id)};
    }
    sql << "DELETE FROM watch_version WHERE watch IN (SELECT id FROM watch WHERE meter = :id)",
        use(id);
    sql << "DELETE FROM watch WHERE meter = :id", use(id);
    sql << "DELETE FROM slot WHERE meter = :id", use(id);
    sql << "DELETE FROM meter WHERE id = :id", use(id);
    return {};
  });
  if (!removed) return std::unexpected(removed.error());
  if (*removed) return std::unexpected(**removed);
  return {};
}

Result<std::vector<Edit<Meter>>> Store::meter_edits(const std::string& id, int count_max) {
  return engine_->read([&](soci::session& sql) {
    return select_rows<EditRow>(sql,
                                fmt::format("SELECT {} FROM meter_version v WHERE v.meter = :id"
                                            " ORDER BY v.version DESC LIMIT :count",
                                            meter_columns),
                                id, count_max);
  });
}

Result<Exchange> Store::add_exchange(const Exchange& exchange, const Meter& after,
                                     const validate::Reading& end, const validate::Reading& start,
                                     const Judge& reconsider, Judged& out) {
  return flat(engine_->write([&](soci::session& sql) -> Result<Exchange> {
    out = {};
    if (auto wrong = check_version(sql, after)) return std::unexpected(*std::move(wrong));
    if (select_first<IntegerRow>(
            sql, "SELECT id FROM exchange WHERE meter = :meter AND at_ms >= :at LIMIT 1",
            exchange.meter, exchange.at_ms)) {
      return std::unexpected(Error{ErrorCode::conflict,
                                   fmt::format("meter {} was exchanged at that time or later",
                                               exchange.meter)});
    }
    Exchange added = exchange;
    added.end_reading = insert_reading(sql, end);
    added.start_reading = insert_reading(sql, start);
    sql << "INSERT INTO exchange (meter, at_ms, end_reading, start_reading, serial_before,"
           " serial_after, author, reason, made_at_ms) VALUES (:meter, :at, :end, :start, :before,"
           " :after, :author, :reason, :made)",
        use(added.meter), use(added.at_ms), use(added.end_reading), use(added.start_reading),
        use(added.serial_before), use(added.serial_after), use(added.author.name),
        use(added.author.reason), use(added.author.at_ms);
    sql << "SELECT last_insert_rowid()", into(added.id);
    const std::int64_t now_ms = added.author.at_ms;
    judge_in(sql, {end.meter, end.at_ms, 0, reconsider}, now_ms, out);
    put_version(sql, after, added.author);
    judge_in(sql, {end.meter, INT64_MAX, 0, reconsider}, now_ms, out);
    return added;
  }));
}

Result<std::vector<Exchange>> Store::exchanges(const std::string& meter) {
  return engine_->read([&](soci::session& sql) {
    return select_rows<ExchangeRow>(
        sql, "SELECT id, meter, at_ms, end_reading, start_reading, serial_before, serial_after,"
             " author, reason, made_at_ms FROM exchange WHERE meter = :meter ORDER BY at_ms DESC",
        meter);
  });
}

}  // namespace meterlens::store
