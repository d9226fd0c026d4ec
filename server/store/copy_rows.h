// Inside store/: rows as PostgreSQL's COPY writes them (tabs between columns, \N for nothing), to
// and from an SQLite file and a connection to PostgreSQL. What fails throws soci_error.
#pragma once

#include <soci/postgresql/soci-postgresql.h>
#include <sqlite3.h>

#include <string>
#include <string_view>
#include <vector>

#include "server/store/driver.h"

namespace meterlens::store {

// SQLite's word beside its text.
struct SqliteFailure : soci::soci_error {
  SqliteFailure(const std::string& words, int result_in, int system_errno_in)
      : soci_error(words), result(result_in), system_errno(system_errno_in) {}
  int result;
  int system_errno;
};

// An SQLite file, open for as long as this lives.
class File {
 public:
  explicit File(const std::string& path, int busy_timeout_ms = 5000);
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { sqlite3_close(db_); }

  void run(const std::string& sql);
  void check(int result) const;
  sqlite3* db() const { return db_; }

 private:
  std::string path_;
  sqlite3* db_ = nullptr;
};

class Statement {
 public:
  Statement(File& file, const std::string& sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  bool step();  // false: there are no more rows
  void again() { sqlite3_reset(statement_); }
  void bind(int index, const std::string& text);  // from 1
  std::string text(int column);                   // from 0
  sqlite3_stmt* get() const { return statement_; }

 private:
  File& file_;
  sqlite3_stmt* statement_ = nullptr;
};

struct Table {
  std::string name;
  std::vector<std::string> columns;
  std::vector<bool> is_bytes;      // beside `columns`
  std::vector<bool> is_real;       // beside `columns`
  std::vector<std::size_t> key;    // indices of the primary key's columns; all when there is none
  std::string counted;             // the column of automatic ids; empty: none

  std::string list() const;        // of all columns, for SQL
  std::string key_list() const;    // of the key's
};

// All but the schema's own version, which both sides have; by name.
std::vector<Table> tables_of(File& file);

PGconn* handle(soci::session& sql);
void ask(PGconn* server, const std::string& sql, ExecStatusType expected);
// The end of a COPY: throws what the server thinks of it.
void finish(PGconn* server);

void append_field(std::string& line, sqlite3_stmt* row, int column);
// One field of a line as it was written, from `at` on; sets `at` behind its end.
std::string_view raw_field(std::string_view line, std::size_t& at);
// What it means; false for \N.
bool read_field(std::string_view raw, std::string& out);
// Runs `insert` for one line.
void put_row(Statement& insert, std::string_view line, const std::vector<bool>& is_bytes);
std::string insert_text(const Table& table);

}  // namespace meterlens::store
