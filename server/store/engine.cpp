#include "server/store/engine.h"

#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <cerrno>
#include <chrono>

#include "server/store/schema.h"

namespace meterlens::store {
namespace {

sqlite_api::sqlite3* handle(soci::session& sql) {
  return static_cast<soci::sqlite3_session_backend*>(sql.get_backend())->conn_;
}

// Of the last failed call on a file of this connection; 0 when none. sqlite3_system_errno() knows
// nothing of a COMMIT that failed, so the files themselves (log and database) are asked.
int system_errno_of(sqlite_api::sqlite3* db) {
  using sqlite_api::sqlite3_file;
  for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
    sqlite3_file* file = nullptr;
    if (sqlite_api::sqlite3_file_control(db, "main", which, &file) != SQLITE_OK) continue;
    int last = 0;
    if (file == nullptr || file->pMethods == nullptr) continue;
    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &last);
    if (last != 0) return last;
  }
  return sqlite_api::sqlite3_system_errno(db);
}

bool is_room_errno(int system_errno) {
  return system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG;
}

long long now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

Error explain_sqlite(int sqlite_result, int system_errno, const std::string& words,
                     const std::string& path, int busy_timeout_ms) {
  const int primary = sqlite_result & 0xff;
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) {
    return {ErrorCode::locked,
            fmt::format("the database {} is locked by another program (waited {} ms): end or "
                        "close what holds it; `fuser {}` names it", path, busy_timeout_ms, path)};
  }
  if (primary == SQLITE_READONLY || primary == SQLITE_PERM) {
    return {ErrorCode::read_only,
            fmt::format("the database {} cannot be written: give this user write permission for "
                        "the file and its folder, or mount the disk writable", path)};
  }
  if (primary == SQLITE_FULL || (primary == SQLITE_IOERR && is_room_errno(system_errno))) {
    return {ErrorCode::disk_full,
            fmt::format("no room to write the database {}: free space on that disk (or raise the "
                        "quota or file size limit)", path)};
  }
  if (primary == SQLITE_CANTOPEN) {
    return {ErrorCode::cannot_open,
            fmt::format("cannot open the database {}: its folder must exist and be readable and "
                        "writable for this user", path)};
  }
  if (primary == SQLITE_NOTADB || primary == SQLITE_CORRUPT) {
    return {ErrorCode::cannot_open,
            fmt::format("{} is not a sound SQLite database ({}): restore it from a backup or name "
                        "another file", path, words)};
  }
  return {ErrorCode::failed, fmt::format("database {}: {}", path, words)};
}

Error Store::Engine::explain(const soci::soci_error& error, soci::session& sql) const {
  const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
  const bool connected = sql.get_backend() != nullptr;
  int result = sqlite != nullptr ? sqlite->result() : SQLITE_ERROR;
  // SOCI's errors of a failed connection bear no result code.
  if (sqlite == nullptr && !connected) result = SQLITE_CANTOPEN;
  int system_errno = connected ? system_errno_of(handle(sql)) : 0;
  if (&sql == &writer_ && failed_write_errno_ != 0) system_errno = failed_write_errno_;
  return explain_sqlite(result, system_errno, error.what(), path_, busy_timeout_ms_);
}

Store::Engine::Engine(std::string database_path, const Options& options)
    : path_(std::move(database_path)),
      busy_timeout_ms_(options.busy_timeout_ms),
      before_write_(options.before_write) {
  protocol::require(options.reader_count >= 1 && options.reader_count <= 64);
  const auto opened = guarded(writer_, [&](soci::session& sql) { connect(sql, options, true); });
  if (!opened) throw OpenFailure{opened.error()};
  migrate();
  for (int i = 0; i < options.reader_count; ++i) {
    readers_.push_back(std::make_unique<soci::session>());
    const auto ready = guarded(*readers_.back(),
                               [&](soci::session& sql) { connect(sql, options, false); });
    if (!ready) throw OpenFailure{ready.error()};
    free_readers_.push_back(readers_.back().get());
  }
}

void Store::Engine::connect(soci::session& sql, const Options& options, bool writes) {
  sql.open(soci::sqlite3, fmt::format("db=\"{}\"", path_));
  sqlite_api::sqlite3_busy_timeout(handle(sql), options.busy_timeout_ms);
  if (!writes) {
    sql << "PRAGMA query_only = ON";
    return;
  }
  std::string mode;
  sql << "PRAGMA journal_mode = WAL", soci::into(mode);
  // FULL: a commit is on the disk, not only in the kernel, before it returns.
  sql << "PRAGMA synchronous = FULL";
}

void Store::Engine::migrate() {
  const auto steps = migrations();
  long long found = 0;
  const auto done = write([&](soci::session& sql) {
    sql << "CREATE TABLE IF NOT EXISTS schema_version "
           "(version INTEGER PRIMARY KEY, applied_at_ms BIGINT NOT NULL)";
    sql << "SELECT coalesce(max(version), 0) FROM schema_version", soci::into(found);
    for (long long version = found; version < static_cast<long long>(steps.size()); ++version) {
      for (const auto statement : steps[static_cast<std::size_t>(version)]) {
        sql << std::string(statement);
      }
      const long long reached = version + 1;
      const long long at_ms = now_ms();
      sql << "INSERT INTO schema_version VALUES (:version, :at)", soci::use(reached),
          soci::use(at_ms);
    }
  });
  if (!done) throw OpenFailure{done.error()};
  if (found > static_cast<long long>(steps.size())) {
    throw OpenFailure{{ErrorCode::newer_schema,
                       fmt::format("the database {} was written by a newer program (its schema is "
                                   "{}, this program knows {}): install that version or name "
                                   "another database", path_, found, steps.size())}};
  }
}

Store::Engine::Transaction::Transaction(Engine& engine) : engine_(engine), sql_(engine.writer_) {
  engine_.failed_write_errno_ = 0;
  // IMMEDIATE takes the write lock at once, where the busy time-out applies.
  sql_ << "BEGIN IMMEDIATE";
}

Store::Engine::Transaction::~Transaction() {
  if (!open_) return;
  // The rollback forgets it.
  engine_.failed_write_errno_ = system_errno_of(handle(sql_));
  try {
    sql_ << "ROLLBACK";
  } catch (const soci::soci_error&) {
    // A full disk or an I/O error has rolled back already.
  }
}

void Store::Engine::Transaction::commit() {
  sql_ << "COMMIT";
  open_ = false;
}

Store::Engine::Lease::Lease(Engine& engine) : engine_(engine) {
  std::unique_lock lock(engine_.readers_mutex_);
  engine_.reader_free_.wait(lock, [&] { return !engine_.free_readers_.empty(); });
  session_ = engine_.free_readers_.back();
  engine_.free_readers_.pop_back();
}

Store::Engine::Lease::~Lease() {
  {
    const std::lock_guard lock(engine_.readers_mutex_);
    engine_.free_readers_.push_back(session_);
  }
  engine_.reader_free_.notify_one();
}

}  // namespace meterlens::store
