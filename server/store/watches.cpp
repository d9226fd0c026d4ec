// Which device looks at which meter.
#include <fmt/format.h>

#include <algorithm>

#include "server/store/engine.h"
#include "server/store/meter_rows.h"
#include "server/store/text_columns.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;
using validate::Author;
using validate::Watch;

constexpr const char* watch_columns =
    "w.id, v.version, w.device, w.meter, v.from_ms, v.to_ms, v.region, v.author, v.reason, v.at_ms";

struct WatchEditRow {
  explicit WatchEditRow(soci::statement& statement) {
    Watch& watch = edit.after;
    statement.exchange(into(watch.id));
    statement.exchange(into(watch.version));
    statement.exchange(into(watch.device));
    statement.exchange(into(watch.meter));
    statement.exchange(into(watch.from_ms));
    statement.exchange(into(watch.to_ms));
    statement.exchange(into(region));
    statement.exchange(into(edit.author.name));
    statement.exchange(into(edit.author.reason));
    statement.exchange(into(edit.author.at_ms));
  }
  Edit<Watch> take() {
    edit.after.region.reset();
    if (!region.empty()) edit.after.region = window_of(region);
    return edit;
  }
  Edit<Watch> edit;
  std::string region;
};

struct WatchRow : WatchEditRow {
  using WatchEditRow::WatchEditRow;
  Watch take() { return WatchEditRow::take().after; }
};

std::string select_watches(const char* rest) {
  return fmt::format("SELECT {} FROM watch w JOIN watch_version v ON v.version = w.version {}",
                     watch_columns, rest);
}

std::vector<Watch> find_watched(soci::session& sql, const std::string& device,
                                std::int64_t at_ms) {
  return select_rows<WatchRow>(
      sql, select_watches("WHERE w.device = :device AND v.from_ms <= :at"
                          " AND (v.to_ms = 0 OR v.to_ms > :at2) ORDER BY w.id"),
      device, at_ms, at_ms);
}

std::optional<Error> overlap(soci::session& sql, const Watch& watch) {
  const std::int64_t to_ms = watch.to_ms == 0 ? INT64_MAX : watch.to_ms;
  const auto other = select_first<WatchRow>(
      sql, select_watches("WHERE w.device = :device AND w.meter = :meter AND w.id <> :id"
                          " AND v.from_ms < :to AND (v.to_ms = 0 OR v.to_ms > :from) LIMIT 1"),
      watch.device, watch.meter, watch.id, to_ms, watch.from_ms);
  if (!other) return {};
  return Error{ErrorCode::conflict,
               fmt::format("device {} watches meter {} at that time already (watch {})",
                           watch.device, watch.meter, other->id)};
}

// Puts the watch's newest version; the watch has its id.
void put_watch_version(soci::session& sql, Watch& watch, const Author& author) {
  const std::string region = watch.region ? window_text(*watch.region) : "";
  sql << "INSERT INTO watch_version (watch, from_ms, to_ms, region, author, reason, at_ms)"
         " VALUES (:watch, :from, :to, :region, :author, :reason, :at)",
      use(watch.id), use(watch.from_ms), use(watch.to_ms), use(region), use(author.name),
      use(author.reason), use(author.at_ms);
  sql << "SELECT last_insert_rowid()", into(watch.version);
  sql << "UPDATE watch SET version = :version WHERE id = :id", use(watch.version), use(watch.id);
}

Error no_watch(std::int64_t id) {
  return {ErrorCode::not_found, fmt::format("there is no watch {}", id)};
}

}  // namespace

Result<std::vector<Watch>> Store::watches(const std::string& device, const std::string& meter,
                                          std::int64_t after, int count_max) {
  return engine_->read([&](soci::session& sql) {
    std::string rest = "WHERE w.id > :after";
    rest += device.empty() ? " AND :device = ''" : " AND w.device = :device";
    rest += meter.empty() ? " AND :meter = ''" : " AND w.meter = :meter";
    rest += " ORDER BY w.id LIMIT :count";
    return select_rows<WatchRow>(sql, select_watches(rest.c_str()), after, device, meter,
                                 count_max);
  });
}

Result<std::vector<Watch>> Store::watched(const std::string& device, std::int64_t at_ms) {
  auto found =
      engine_->read([&](soci::session& sql) { return find_watched(sql, device, at_ms); });
  if (!found || !found->empty()) return found;
  return engine_->write([&](soci::session& sql) {
    // The photo that asks may be gone with its device.
    if (select_first<IntegerRow>(sql, "SELECT 1 FROM photo WHERE device = :id LIMIT 1", device))
      adopt(sql, device, at_ms);
    return find_watched(sql, device, at_ms);
  });
}

Result<Watch> Store::watch(std::int64_t id) {
  auto found = engine_->read([&](soci::session& sql) {
    return select_first<WatchRow>(sql, select_watches("WHERE w.id = :id"), id);
  });
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::unexpected(no_watch(id));
  return **std::move(found);
}

Result<Watch> Store::add_watch(const Watch& watch, const Author& author) {
  return flat(engine_->write([&](soci::session& sql) -> Result<Watch> {
    if (!find_meter(sql, watch.meter)) {
      return std::unexpected(
          Error{ErrorCode::not_found, fmt::format("there is no meter {}", watch.meter)});
    }
    if (!select_first<IntegerRow>(sql, "SELECT 1 FROM device WHERE id = :id", watch.device)) {
      return std::unexpected(
          Error{ErrorCode::not_found, fmt::format("there is no device {}", watch.device)});
    }
    if (auto wrong = overlap(sql, watch)) return std::unexpected(*std::move(wrong));
    Watch added = watch;
    sql << "INSERT INTO watch (device, meter, version) VALUES (:device, :meter, 0)",
        use(added.device), use(added.meter);
    sql << "SELECT last_insert_rowid()", into(added.id);
    put_watch_version(sql, added, author);
    return added;
  }));
}

Result<Watch> Store::change_watch(const Watch& watch, const Author& author) {
  return flat(engine_->write([&](soci::session& sql) -> Result<Watch> {
    const auto stored = select_first<WatchRow>(sql, select_watches("WHERE w.id = :id"), watch.id);
    if (!stored) return std::unexpected(no_watch(watch.id));
    if (stored->version != watch.version) {
      return std::unexpected(
          Error{ErrorCode::conflict,
                fmt::format("watch {} was changed meanwhile (its version is {}, not {}): look at "
                            "it again", watch.id, stored->version, watch.version)});
    }
    if (auto wrong = overlap(sql, watch)) return std::unexpected(*std::move(wrong));
    Watch changed = watch;
    put_watch_version(sql, changed, author);
    return changed;
  }));
}

Result<std::vector<Edit<Watch>>> Store::watch_edits(std::int64_t id, int count_max) {
  return engine_->read([&](soci::session& sql) {
    return select_rows<WatchEditRow>(
        sql, fmt::format("SELECT {} FROM watch w JOIN watch_version v ON v.watch = w.id"
                         " WHERE w.id = :id ORDER BY v.version DESC LIMIT :count", watch_columns),
        id, count_max);
  });
}

}  // namespace meterlens::store
