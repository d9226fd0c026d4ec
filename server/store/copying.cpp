#include "server/store/copying.h"

#include <fmt/format.h>
#include <soci/postgresql/soci-postgresql.h>
#include <sqlite3.h>

#include <vector>

namespace meterlens::store {
namespace {

constexpr const char* hexadecimal = "0123456789abcdef";

// An SQLite file and its statements; throws soci_error in SQLite's words.
class File {
 public:
  explicit File(const std::string& path, int flags = SQLITE_OPEN_READWRITE) : path_(path) {
    check(sqlite3_open_v2(path.c_str(), &db_, flags, nullptr));
    sqlite3_busy_timeout(db_, 5000);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { sqlite3_close(db_); }

  void run(const std::string& sql) {
    check(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr));
  }
  void check(int result) const {
    if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE) return;
    throw soci::soci_error(fmt::format("{}: {}", path_, sqlite3_errmsg(db_)));
  }
  sqlite3* db() const { return db_; }

 private:
  std::string path_;
  sqlite3* db_ = nullptr;
};

class Statement {
 public:
  Statement(File& file, const std::string& sql) : file_(file) {
    file.check(sqlite3_prepare_v2(file.db(), sql.c_str(), -1, &statement_, nullptr));
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  bool step() {
    const int result = sqlite3_step(statement_);
    file_.check(result);
    return result == SQLITE_ROW;
  }
  void again() { sqlite3_reset(statement_); }
  std::string text(int column) {
    const auto* found = sqlite3_column_text(statement_, column);
    const auto length = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return found == nullptr ? "" : std::string(reinterpret_cast<const char*>(found), length);
  }
  sqlite3_stmt* get() const { return statement_; }

 private:
  File& file_;
  sqlite3_stmt* statement_ = nullptr;
};

struct Table {
  std::string name;
  std::vector<std::string> columns;
  std::vector<bool> is_bytes;  // beside `columns`
  std::string counted;         // the column of automatic ids; empty: none

  std::string list() const {
    std::string out;
    for (const std::string& column : columns)
      out += (out.empty() ? "\"" : ", \"") + column + '"';
    return out;
  }
};

// All but the schema's own version, which both sides have.
std::vector<Table> tables_of(File& file) {
  std::vector<Table> tables;
  Statement names(file, "SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_master WHERE type ="
                        " 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'schema_version'"
                        " ORDER BY name");
  while (names.step()) {
    Table table;
    table.name = names.text(0);
    const bool is_counted = names.text(1) == "1";
    Statement columns(file, fmt::format("SELECT name, type, pk FROM pragma_table_info('{}')",
                                        table.name));
    while (columns.step()) {
      table.columns.push_back(columns.text(0));
      table.is_bytes.push_back(columns.text(1) == "BLOB");
      if (is_counted && columns.text(2) == "1") table.counted = columns.text(0);
    }
    tables.push_back(std::move(table));
  }
  return tables;
}

PGconn* handle(soci::session& sql) {
  return static_cast<soci::postgresql_session_backend*>(sql.get_backend())->conn_;
}

struct Answer {
  explicit Answer(PGresult* given) : result(given) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() { PQclear(result); }
  PGresult* result;
};

void ask(PGconn* server, const std::string& sql, ExecStatusType expected) {
  const Answer answer(PQexec(server, sql.c_str()));
  if (PQresultStatus(answer.result) != expected)
    throw soci::soci_error(fmt::format("{} ({})", PQerrorMessage(server), sql));
}

// The end of a COPY: what the server thinks of it.
void finish(PGconn* server) {
  bool good = true;
  std::string words;
  while (PGresult* result = PQgetResult(server)) {
    const Answer answer(result);
    if (PQresultStatus(result) == PGRES_COMMAND_OK) continue;
    good = false;
    words = PQerrorMessage(server);
  }
  if (!good) throw soci::soci_error(words);
}

// PostgreSQL's text format: tabs between columns, \N for nothing.
void append_field(std::string& line, sqlite3_stmt* row, int column) {
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_NULL: line += "\\N"; return;
    case SQLITE_FLOAT: line += fmt::format("{}", sqlite3_column_double(row, column)); return;
    case SQLITE_INTEGER: line += fmt::format("{}", sqlite3_column_int64(row, column)); return;
    default: break;
  }
  const bool is_bytes = sqlite3_column_type(row, column) == SQLITE_BLOB;
  const auto* data = static_cast<const unsigned char*>(sqlite3_column_blob(row, column));
  const int count = sqlite3_column_bytes(row, column);
  if (is_bytes) line += "\\\\x";
  for (int i = 0; i < count; ++i) {
    const unsigned char c = data[i];
    if (is_bytes) {
      line += {hexadecimal[c >> 4], hexadecimal[c & 15]};
    } else if (c == '\\') {
      line += "\\\\";
    } else if (c == '\t' || c == '\n' || c == '\r') {
      line += c == '\t' ? "\\t" : c == '\n' ? "\\n" : "\\r";
    } else {
      line += static_cast<char>(c);
    }
  }
}

// One field of a line, from `at` on; sets `at` behind its end. False for \N.
bool take_field(std::string_view line, std::size_t& at, std::string& out) {
  out.clear();
  const bool is_null = line.substr(at, 2) == "\\N";
  while (at < line.size() && line[at] != '\t' && line[at] != '\n') {
    char c = line[at++];
    if (c == '\\' && at < line.size()) {
      c = line[at++];
      constexpr std::string_view names = "bfnrtv", meant = "\b\f\n\r\t\v";
      if (const auto found = names.find(c); found != std::string_view::npos) c = meant[found];
    }
    out += c;
  }
  ++at;
  return !is_null;
}

std::string bytes_of(const std::string& text) {
  std::string out;
  for (std::size_t i = 2; i + 1 < text.size(); i += 2)
    out += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return out;
}

void put_row(Statement& insert, std::string_view line, const std::vector<bool>& is_bytes) {
  std::size_t at = 0;
  std::string field;
  for (int i = 0; i < static_cast<int>(is_bytes.size()); ++i) {
    if (!take_field(line, at, field)) {
      sqlite3_bind_null(insert.get(), i + 1);
    } else if (is_bytes[static_cast<std::size_t>(i)]) {
      const std::string bytes = bytes_of(field);
      sqlite3_bind_blob(insert.get(), i + 1, bytes.data(), static_cast<int>(bytes.size()),
                        SQLITE_TRANSIENT);
    } else {
      // The column's type makes a number of it where it is one.
      sqlite3_bind_text(insert.get(), i + 1, field.data(), static_cast<int>(field.size()),
                        SQLITE_TRANSIENT);
    }
  }
  insert.step();
  insert.again();
}

void copy_table_out(PGconn* server, File& file, const Table& table) {
  std::string places;
  for (std::size_t i = 0; i < table.columns.size(); ++i) places += i == 0 ? "?" : ", ?";
  Statement insert(file, fmt::format("INSERT INTO \"{}\" ({}) VALUES ({})", table.name,
                                     table.list(), places));
  ask(server, fmt::format("COPY \"{}\" ({}) TO STDOUT", table.name, table.list()),
      PGRES_COPY_OUT);
  char* line = nullptr;
  int length = 0;
  while ((length = PQgetCopyData(server, &line, 0)) > 0) {
    const std::unique_ptr<char, decltype(&PQfreemem)> owner(line, PQfreemem);
    put_row(insert, {line, static_cast<std::size_t>(length)}, table.is_bytes);
  }
  finish(server);
}

void copy_table_in(PGconn* server, File& file, const Table& table) {
  Statement rows(file, fmt::format("SELECT {} FROM \"{}\"", table.list(), table.name));
  ask(server, fmt::format("COPY \"{}\" ({}) FROM STDIN", table.name, table.list()),
      PGRES_COPY_IN);
  std::string lines;
  const auto flush = [&](std::size_t least) {
    if (lines.size() < least) return;
    if (PQputCopyData(server, lines.data(), static_cast<int>(lines.size())) != 1)
      throw soci::soci_error(PQerrorMessage(server));
    lines.clear();
  };
  while (rows.step()) {
    for (int i = 0; i < static_cast<int>(table.columns.size()); ++i) {
      if (i > 0) lines += '\t';
      append_field(lines, rows.get(), i);
    }
    lines += '\n';
    flush(65'536);
  }
  flush(1);
  PQputCopyEnd(server, nullptr);
  finish(server);
}

}  // namespace

void copy_sqlite(const std::string& path, const std::string& file) {
  File from(path);
  Statement vacuum(from, "VACUUM INTO ?");
  sqlite3_bind_text(vacuum.get(), 1, file.data(), static_cast<int>(file.size()), SQLITE_STATIC);
  vacuum.step();
}

void copy_out(soci::session& sql, const std::string& file) {
  File to(file);
  to.run("BEGIN");
  for (const Table& table : tables_of(to)) {
    copy_table_out(handle(sql), to, table);
    if (table.counted.empty()) continue;
    long long last = 0;
    sql << fmt::format("SELECT coalesce(pg_sequence_last_value(CAST(pg_get_serial_sequence("
                       "'\"{}\"', '{}') AS regclass)), 0)", table.name, table.counted),
        soci::into(last);
    to.run(fmt::format("DELETE FROM sqlite_sequence WHERE name = '{}'", table.name));
    to.run(fmt::format("INSERT INTO sqlite_sequence VALUES ('{}', {})", table.name, last));
  }
  to.run("COMMIT");
}

void copy_in(soci::session& sql, const std::string& file) {
  File from(file);
  for (const Table& table : tables_of(from)) {
    long long there = 0;
    sql << fmt::format("SELECT count(*) FROM (SELECT 1 FROM \"{}\" LIMIT 1) known", table.name),
        soci::into(there);
    if (there != 0) {
      throw soci::soci_error("it has rows in the table " + table.name +
                             " already: restore into an empty database");
    }
    copy_table_in(handle(sql), from, table);
    if (table.counted.empty()) continue;
    Statement last(from, fmt::format("SELECT seq FROM sqlite_sequence WHERE name = '{}'"
                                     " AND seq > 0", table.name));
    if (!last.step()) continue;
    long long set = 0;
    sql << fmt::format("SELECT setval(pg_get_serial_sequence('\"{}\"', '{}'), {})", table.name,
                       table.counted, last.text(0)),
        soci::into(set);
  }
}

}  // namespace meterlens::store
