#include "server/store/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "server/store/dialect.h"
#include "server/store/partitions.h"
#include "server/store/schema.h"

namespace meterlens::store {
namespace {

using server::steady_ms;
using server::unix_ms;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int tries_max = 3;
// How old lists may be; how long a replica that is older, or away, is left alone.
constexpr int replica_behind_s_max = 10;
constexpr int replica_pause_ms = 10'000;
constexpr int replica_judge_every_ms = 1000;

[[noreturn]] void refuse_newer(const std::string& name, long long found) {
  throw OpenFailure{{ErrorCode::newer_schema,
                     fmt::format("the database {} was written by a newer program (its schema is "
                                 "{}, this program knows {}): install that version or name "
                                 "another database", name, found, migrations().size())}};
}

}  // namespace

std::string text_for(soci::session& sql, const std::string& text) {
  return sql.get_backend_name() == "postgresql" ? postgresql_text(text) : text;
}

Store::Engine::Engine(const std::string& place, const Options& options)
    : place_(place),
      driver_(is_postgresql(place) ? postgresql_driver(place, options)
                                   : sqlite_driver(place, options)),
      busy_timeout_ms_(options.busy_timeout_ms),
      commit_patience_ms_(std::max(options.commit_patience_ms, options.busy_timeout_ms)),
      before_write_(options.before_write),
      say_(options.say) {
  protocol::require(options.reader_count >= 1 && options.reader_count <= 64);
  if (const auto wrong = connect(writer_, true, busy_timeout_ms_)) throw OpenFailure{*wrong};
  options.migrate ? migrate() : check_schema();
  if (!options.is_moving) refuse_unfinished();
  for (int i = 0; i < options.reader_count; ++i) {
    auto& one = *readers_.all.emplace_back(std::make_unique<soci::session>());
    if (const auto wrong = connect(one, false, busy_timeout_ms_)) throw OpenFailure{*wrong};
    readers_.free.push_back(&one);
  }
  if (options.replica_url.empty()) return;
  // Connected when the first list is asked for: one that is away at the start is no reason to wait.
  replica_driver_ = postgresql_driver(options.replica_url, options);
  for (int i = 0; i < options.reader_count; ++i)
    replicas_.free.push_back(
        replicas_.all.emplace_back(std::make_unique<soci::session>()).get());
}

void Store::Engine::say(const std::string& words) const {
  if (say_) say_(words);
}

std::optional<Error> Store::Engine::settle(soci::session& sql, bool writes,
                                           const soci::soci_error& error, int tries) {
  if (dynamic_cast<const UnansweredCommit*>(&error) != nullptr)
    return Error{ErrorCode::unreachable, error.what(), true};
  if (!driver_->is_lost(error, sql) || tries == tries_max) return driver_->explain(error, sql);
  const bool is_news = !lost_.exchange(true);
  if (is_news) say(driver_->explain(error, sql).message + "; trying again");
  return connect(sql, writes, is_news ? busy_timeout_ms_ : 0);
}

std::optional<Error> Store::Engine::connect(soci::session& sql, bool writes, int patience_ms) {
  const auto end = steady_clock::now() + milliseconds(patience_ms);
  for (auto pause = milliseconds(20);; pause = std::min(2 * pause, milliseconds(500))) {
    try {
      sql.close();
      driver_->connect(sql, writes);
      if (lost_.exchange(false)) say("the database server is back: " + driver_->name());
      return {};
    } catch (const soci::soci_error& error) {
      if (!driver_->is_lost(error, sql) || steady_clock::now() + pause > end)
        return driver_->explain(error, sql);
    }
    std::this_thread::sleep_for(pause);
  }
}

bool Store::Engine::was_committed(soci::session& sql) {
  lost_ = true;
  say("the database server went away while it stored something: asking it what it has done");
  auto wrong = connect(sql, true, commit_patience_ms_);
  if (!wrong) {
    const auto found = guarded(
        sql, true, [this](soci::session& again) { return driver_->was_committed(again); });
    if (found) return *found;
    wrong = found.error();
  }
  sql.close();
  throw UnansweredCommit(wrong->message + "; whether the last change was stored is not known");
}

void Store::Engine::migrate() {
  const auto steps = migrations();
  const bool is_server = is_postgresql(place_);
  long long found = 0;
  const auto done = write([&](soci::session& sql) {
    sql << "CREATE TABLE IF NOT EXISTS schema_version "
           "(version INTEGER PRIMARY KEY, applied_at_ms BIGINT NOT NULL)";
    sql << "SELECT coalesce(max(version), 0) FROM schema_version", soci::into(found);
    const auto last = static_cast<long long>(steps.size());
    const long long begun_ms = steady_ms();
    if (found > 0 && found < last)
      say(fmt::format("the schema of {} is being brought from {} to {}; with millions of readings "
                      "that takes minutes, and nothing is changed if it is broken off",
                      driver_->name(), found, last));
    for (long long version = found; version < last; ++version) {
      for (const auto statement : steps[static_cast<std::size_t>(version)]) {
        if (is_server || !statement.starts_with(only_postgresql)) sql << std::string(statement);
      }
      const long long reached = version + 1;
      const long long at_ms = unix_ms();
      sql << "INSERT INTO schema_version VALUES (:version, :at)", soci::use(reached),
          soci::use(at_ms);
      if (found > 0)
        say(fmt::format("the schema is {} of {} after {} s", reached, last,
                        (steady_ms() - begun_ms) / 1000));
    }
    if (is_server && found <= static_cast<long long>(steps.size())) keep_months(sql, unix_ms());
  });
  if (!done) throw OpenFailure{done.error()};
  if (found > static_cast<long long>(steps.size())) refuse_newer(driver_->name(), found);
}

void Store::Engine::check_schema() {
  const auto found = guarded(writer_, true, [](soci::session& sql) {
    return select_first<IntegerRow>(sql, "SELECT max(version) FROM schema_version").value_or(0);
  });
  if (!found) throw OpenFailure{found.error()};
  const auto known = static_cast<long long>(migrations().size());
  if (*found > known) refuse_newer(driver_->name(), *found);
  if (*found == known) return;
  throw OpenFailure{{ErrorCode::older_schema,
                     fmt::format("the database {} was written by an older program (its schema is "
                                 "{}, this program's is {}): start the server with this program "
                                 "once", driver_->name(), *found, known)}};
}

void Store::Engine::refuse_unfinished() {
  const auto found = guarded(writer_, true, [](soci::session& sql) {
    return select_first<IntegerRow>(sql, "SELECT count(*) FROM moving").value_or(0);
  });
  if (!found) throw OpenFailure{found.error()};
  if (*found == 0) return;
  throw OpenFailure{{ErrorCode::cannot_open,
                     fmt::format("the database {} is half filled by `meterlens migrate`: run that "
                                 "to its end first", driver_->name())}};
}

Store::Engine::Transaction::Transaction(Engine& engine) : engine_(engine), sql_(engine.writer_) {
  try {
    engine_.driver_->begin(sql_);
  } catch (const soci::soci_error&) {
    // The lock may be what failed, in a transaction that is open.
    if (sql_.get_backend() != nullptr) engine_.driver_->roll_back(sql_);
    throw;
  }
}

Store::Engine::Transaction::~Transaction() {
  if (open_ && sql_.get_backend() != nullptr) engine_.driver_->roll_back(sql_);
}

void Store::Engine::Transaction::commit() {
  try {
    engine_.driver_->commit(sql_);
    open_ = false;
  } catch (const soci::soci_error& error) {
    if (!engine_.driver_->is_lost(error, sql_)) throw;
    open_ = false;
    if (!engine_.was_committed(sql_)) throw LostConnection(error.what());
  }
}

bool Store::Engine::may_ask_replica() const {
  return replica_driver_ != nullptr && steady_ms() >= replica_after_ms_;
}

bool Store::Engine::keeps_up(soci::session& sql) {
  if (sql.get_backend() == nullptr) replica_driver_->connect(sql, false);
  const long long now = steady_ms();
  if (now - replica_judged_ms_ < replica_judge_every_ms) return true;
  // A standby that receives nothing is behind, however much of what it got is done; one that has
  // done all is not, however long nothing came.
  const auto behind_s = select_first<IntegerRow>(
      sql, fmt::format(
               "SELECT CASE WHEN NOT pg_is_in_recovery() THEN 0"
               " WHEN NOT EXISTS (SELECT 1 FROM pg_stat_wal_receiver) THEN {}"
               " WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0"
               " ELSE CAST(coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()),"
               " {}) AS BIGINT) END", 2 * replica_behind_s_max, 2 * replica_behind_s_max))
                            .value_or(0);
  if (behind_s > replica_behind_s_max) {
    replica_after_ms_ = now + replica_pause_ms;
    say(fmt::format("the replica {} is behind: lists come from the primary until it keeps up",
                    replica_driver_->name()));
    return false;
  }
  replica_judged_ms_ = now;
  return true;
}

void Store::Engine::leave_replica(soci::session& sql, const soci::soci_error& error) {
  const bool is_news = steady_ms() >= replica_after_ms_.exchange(steady_ms() + replica_pause_ms);
  if (is_news) {
    say(fmt::format("lists come from the primary for {} s: {}", replica_pause_ms / 1000,
                    replica_driver_->explain(error, sql).message));
  }
  replica_judged_ms_ = 0;
  sql.close();
}

Store::Engine::Lease::Lease(Pool& pool) : pool_(pool) {
  std::unique_lock lock(pool_.mutex);
  pool_.freed.wait(lock, [&] { return !pool_.free.empty(); });
  session_ = pool_.free.back();
  pool_.free.pop_back();
}

Store::Engine::Lease::~Lease() {
  {
    const std::lock_guard lock(pool_.mutex);
    pool_.free.push_back(session_);
  }
  pool_.freed.notify_one();
}

}  // namespace meterlens::store
