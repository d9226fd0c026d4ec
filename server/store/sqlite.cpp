// The driver of SQLite.
#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <cerrno>

#include "server/store/driver.h"

namespace meterlens::store {
namespace {

sqlite_api::sqlite3* sqlite_handle(soci::session& sql) {
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

// Each connection is used by one thread at a time (the engine sees to that), so it needs no lock of
// its own; and counting memory would have all of them wait for one.
void set_up_library() {
  static const bool done = [] {
    sqlite_api::sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite_api::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    return true;
  }();
  static_cast<void>(done);
}

class Sqlite : public Driver {
 public:
  Sqlite(std::string path, const Options& options)
      : path_(std::move(path)), busy_timeout_ms_(options.busy_timeout_ms) {
    set_up_library();
  }

  void connect(soci::session& sql, bool writes) override {
    sql.open(soci::sqlite3, fmt::format("db=\"{}\"", path_));
    sqlite_api::sqlite3_busy_timeout(sqlite_handle(sql), busy_timeout_ms_);
    if (!writes) {
      sql << "PRAGMA query_only = ON";
      return;
    }
    writer_ = &sql;
    std::string mode;
    sql << "PRAGMA journal_mode = WAL", soci::into(mode);
    // FULL: a commit is on the disk, not only in the kernel, before it returns.
    sql << "PRAGMA synchronous = FULL";
  }

  void begin(soci::session& sql) override {
    failed_write_errno_ = 0;
    // IMMEDIATE takes the write lock at once, where the busy time-out applies.
    sql << "BEGIN IMMEDIATE";
  }

  void commit(soci::session& sql) override { sql << "COMMIT"; }

  void roll_back(soci::session& sql) noexcept override {
    // The rollback forgets it.
    failed_write_errno_ = system_errno_of(sqlite_handle(sql));
    try {
      sql << "ROLLBACK";
    } catch (const soci::soci_error&) {
      // A full disk or an I/O error has rolled back already.
    }
  }

  bool is_lost(const soci::soci_error&, soci::session&) const override { return false; }
  bool was_committed(soci::session&) override { return false; }

  Error explain(const soci::soci_error& error, soci::session& sql) const override {
    const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
    const bool connected = sql.get_backend() != nullptr;
    int result = sqlite != nullptr ? sqlite->result() : SQLITE_ERROR;
    // SOCI's errors of a failed connection bear no result code.
    if (sqlite == nullptr && !connected) result = SQLITE_CANTOPEN;
    int system_errno = connected ? system_errno_of(sqlite_handle(sql)) : 0;
    if (&sql == writer_ && failed_write_errno_ != 0) system_errno = failed_write_errno_;
    return explain_sqlite(result, system_errno, error.what(), path_, busy_timeout_ms_);
  }

  const std::string& name() const override { return path_; }

 private:
  const std::string path_;
  const int busy_timeout_ms_;
  soci::session* writer_ = nullptr;
  int failed_write_errno_ = 0;  // of the transaction that was rolled back last
};

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

std::unique_ptr<Driver> sqlite_driver(const std::string& path, const Options& options) {
  return std::make_unique<Sqlite>(path, options);
}

}  // namespace meterlens::store
