// Copies of the whole database, and the files that its rows name.
#include <fmt/format.h>

#include <filesystem>

#include "server/store/copying.h"
#include "server/store/engine.h"
#include "server/store/text_columns.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;

const char* file_table(StoredFile::Kind kind) {
  return kind == StoredFile::Kind::photo ? "photo" : "image";
}

struct FileRow {
  explicit FileRow(soci::statement& statement) {
    statement.exchange(into(file.id));
    statement.exchange(into(file.path));
    statement.exchange(into(file.file_bytes));
    statement.exchange(into(sha256));
    statement.exchange(into(quarantined));
  }
  StoredFile take() {
    file.sha256 = digest_of(sha256);
    file.quarantined = quarantined != 0;
    return file;
  }
  StoredFile file;
  std::string sha256;
  int quarantined = 0;
};

void remove_database(const std::string& file) {
  std::error_code ignored;
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(file + end, ignored);
}

}  // namespace

Result<void> Store::copy_to(const std::string& file) {
  remove_database(file);
  if (!is_postgresql(engine_->place_)) {
    return engine_->read([&](soci::session&) { copy_sqlite(engine_->place_, file); });
  }
  if (auto made = open(file); !made) return std::unexpected(made.error());
  return engine_->read([&](soci::session& sql) {
    sql << "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    try {
      copy_out(sql, file);
    } catch (...) {
      engine_->driver_->roll_back(sql);
      throw;
    }
    sql << "COMMIT";
  });
}

Result<void> Store::fill_from(const std::string& file) {
  protocol::require(is_postgresql(engine_->place_));
  // A copy by an older program is brought up to date first.
  if (auto opened = open(file); !opened) return std::unexpected(opened.error());
  return engine_->write([&](soci::session& sql) { copy_in(sql, file); });
}

Result<std::vector<StoredFile>> Store::stored_files(StoredFile::Kind kind, std::int64_t after,
                                                    int count_max) {
  return engine_->read([&](soci::session& sql) {
    auto files = select_rows<FileRow>(
        sql, fmt::format("SELECT id, path, bytes, sha256, {} FROM {} WHERE id > :after ORDER BY id"
                         " LIMIT :count",
                         kind == StoredFile::Kind::photo
                             ? "CASE state WHEN 'quarantined' THEN 1 ELSE 0 END" : "0",
                         file_table(kind)),
        after, count_max);
    for (StoredFile& one : files) one.kind = kind;
    return files;
  });
}

Result<void> Store::move_files(std::span<const StoredFile> files) {
  return engine_->write([&](soci::session& sql) {
    for (const StoredFile& file : files) {
      sql << fmt::format("UPDATE {} SET path = :path WHERE id = :id", file_table(file.kind)),
          use(file.path), use(file.id);
    }
  });
}

Result<void> Store::forget_files(std::span<const StoredFile> files) {
  return engine_->write([&](soci::session& sql) {
    for (const StoredFile& file : files)
      sql << fmt::format("DELETE FROM {} WHERE id = :id", file_table(file.kind)), use(file.id);
  });
}

}  // namespace meterlens::store
