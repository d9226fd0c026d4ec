#include "server/store/leases.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/store/engine.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;

// The clocks of workers may be minutes apart; there is one database.
std::int64_t database_ms(soci::session& sql) {
  std::int64_t now_ms = 0;
  if (sql.get_backend_name() == "postgresql")
    sql << "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)", into(now_ms);
  else
    sql << "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)", into(now_ms);
  return now_ms;
}

void put(soci::session& sql, const std::string& name, int queue, const std::string& worker,
         std::int64_t until_ms) {
  sql << "INSERT INTO lease (name, queue, worker, until_ms) VALUES (:name, :queue, :worker, :until)"
         " ON CONFLICT (name) DO UPDATE SET worker = excluded.worker, until_ms = excluded.until_ms",
      use(name), use(queue), use(worker), use(until_ms);
}

std::string lease_name(int queue) { return fmt::format("queue {}", queue); }
std::string lease_name(const std::string& worker) { return "worker " + worker; }

std::vector<int> queues_of(soci::session& sql, const std::string& text, const std::string& worker,
                           std::int64_t now_ms) {
  const auto rows = select_rows<IntegerRow>(sql, "SELECT queue FROM lease WHERE queue >= 0 AND " +
                                                     text + " ORDER BY queue", worker, now_ms);
  std::vector<int> out;
  for (const auto one : rows) out.push_back(static_cast<int>(one));
  return out;
}

}  // namespace

Result<Share> Leases::share(const std::string& worker, int queue_count, std::int64_t lease_ms) {
  return store_.engine_->write([&](soci::session& sql) {
    Share out;
    const std::int64_t now_ms = database_ms(sql), until_ms = now_ms + lease_ms;
    sql << "DELETE FROM lease WHERE queue = -1 AND until_ms <= :now", use(now_ms);
    put(sql, lease_name(worker), -1, worker, until_ms);
    out.workers = static_cast<int>(
        select_first<IntegerRow>(sql, "SELECT count(*) FROM lease WHERE queue = -1").value_or(1));
    // One's own that has ended is one's own if nobody has taken it meanwhile.
    out.queues = queues_of(sql, "worker = :worker AND until_ms > :never", worker, 0);
    std::erase_if(out.queues, [&](int queue) { return queue >= queue_count; });
    const auto taken =
        queues_of(sql, "worker <> :worker AND until_ms > :now", worker, now_ms);
    const auto fair = static_cast<std::size_t>((queue_count + out.workers - 1) / out.workers);
    for (int queue = 0; queue < queue_count && out.queues.size() < fair; ++queue) {
      if (std::ranges::find(out.queues, queue) == out.queues.end() &&
          std::ranges::find(taken, queue) == taken.end())
        out.queues.push_back(queue);
    }
    for (const int queue : out.queues) put(sql, lease_name(queue), queue, worker, until_ms);
    if (out.queues.size() > fair)
      out.extra.assign(out.queues.begin() + static_cast<std::ptrdiff_t>(fair), out.queues.end());
    return out;
  });
}

Result<void> Leases::release(const std::string& worker, int queue) {
  return store_.engine_->write([&](soci::session& sql) {
    sql << "DELETE FROM lease WHERE queue = :queue AND worker = :worker", use(queue), use(worker);
  });
}

Result<std::int64_t> Leases::now_ms() {
  return store_.engine_->read([](soci::session& sql) { return database_ms(sql); });
}

Result<void> Leases::end(const std::string& worker) {
  return store_.engine_->write([&](soci::session& sql) {
    sql << "DELETE FROM lease WHERE worker = :worker", use(worker);
  });
}

// ---- one of each ----

struct Single::Connection {
  soci::session sql;
};

Single::Single(Store& store, const std::string& what) : store_(store), what_(what) {}
Single::~Single() = default;
Single::Single(Single&&) noexcept = default;

bool Single::hold() {
  Store::Engine& engine = *store_.engine_;
  if (!is_postgresql(engine.place_)) return true;
  try {
    if (connection_ != nullptr) {
      // The lock lives as long as the connection.
      connection_->sql << "SELECT 1";
      return true;
    }
    auto fresh = std::make_unique<Connection>();
    engine.driver_->connect(fresh->sql, false);
    // So that the server lets go of it when this machine is gone without a word.
    fresh->sql << "SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 2;"
                  " SET tcp_keepalives_count = 2; SET tcp_user_timeout = 7000";
    int held = 0;
    fresh->sql << "SELECT CASE WHEN pg_try_advisory_lock(1296389186, hashtext(current_schema()"
                  " || :what)) THEN 1 ELSE 0 END",
        use(what_), into(held);
    if (held == 0) return false;
    connection_ = std::move(fresh);
    return true;
  } catch (const soci::soci_error&) {
    connection_.reset();
    return false;
  }
}

}  // namespace meterlens::store
