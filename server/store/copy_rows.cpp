#include "server/store/copy_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace meterlens::store {
namespace {

constexpr const char* hexadecimal = "0123456789abcdef";

struct Answer {
  explicit Answer(PGresult* given) : result(given) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() { PQclear(result); }
  PGresult* result;
};

std::string quoted(const std::string& name) { return '"' + name + '"'; }

std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 2; i + 1 < text.size(); i += 2)
    out += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return out;
}

Table table_of(File& file, const std::string& name, bool is_counted) {
  Table table;
  table.name = name;
  std::map<int, std::size_t> key;
  Statement columns(file, fmt::format("SELECT name, type, pk FROM pragma_table_info('{}')", name));
  while (columns.step()) {
    const std::string type = columns.text(1);
    const int place = std::stoi(columns.text(2));
    if (place > 0) key[place] = table.columns.size();
    if (is_counted && place == 1) table.counted = columns.text(0);
    table.columns.push_back(columns.text(0));
    table.is_bytes.push_back(type == "BLOB");
    table.is_real.push_back(type.starts_with("DOUBLE") || type == "REAL");
  }
  for (const auto& [place, index] : key) table.key.push_back(index);
  for (std::size_t i = 0; key.empty() && i < table.columns.size(); ++i) table.key.push_back(i);
  return table;
}

}  // namespace

File::File(const std::string& path, int busy_timeout_ms) : path_(path) {
  check(sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE, nullptr));
  sqlite3_busy_timeout(db_, busy_timeout_ms);
}

void File::run(const std::string& sql) {
  check(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr));
}

void File::check(int result) const {
  if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE) return;
  throw SqliteFailure(fmt::format("{}: {}", path_, sqlite3_errmsg(db_)), result,
                      sqlite3_system_errno(db_));
}

Statement::Statement(File& file, const std::string& sql) : file_(file) {
  file.check(sqlite3_prepare_v2(file.db(), sql.c_str(), -1, &statement_, nullptr));
}

bool Statement::step() {
  const int result = sqlite3_step(statement_);
  file_.check(result);
  return result == SQLITE_ROW;
}

void Statement::bind(int index, const std::string& text) {
  file_.check(sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()),
                                SQLITE_TRANSIENT));
}

std::string Statement::text(int column) {
  const auto* found = sqlite3_column_text(statement_, column);
  const auto length = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return found == nullptr ? "" : std::string(reinterpret_cast<const char*>(found), length);
}

std::string Table::list() const {
  std::string out;
  for (const std::string& column : columns) out += (out.empty() ? "" : ", ") + quoted(column);
  return out;
}

std::string Table::key_list() const {
  std::string out;
  for (const std::size_t index : key) out += (out.empty() ? "" : ", ") + quoted(columns[index]);
  return out;
}

std::vector<Table> tables_of(File& file) {
  std::vector<Table> tables;
  Statement names(file, "SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_master WHERE type ="
                        " 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'schema_version'"
                        " ORDER BY name");
  while (names.step()) tables.push_back(table_of(file, names.text(0), names.text(1) == "1"));
  return tables;
}

PGconn* handle(soci::session& sql) {
  return static_cast<soci::postgresql_session_backend*>(sql.get_backend())->conn_;
}

void ask(PGconn* server, const std::string& sql, ExecStatusType expected) {
  const Answer answer(PQexec(server, sql.c_str()));
  if (PQresultStatus(answer.result) != expected)
    throw soci::soci_error(fmt::format("{} ({})", PQerrorMessage(server), sql));
}

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
    constexpr std::string_view meant = "\b\f\n\r\t\v\\", names = "bfnrtv\\";
    if (is_bytes) {
      line += {hexadecimal[c >> 4], hexadecimal[c & 15]};
    } else if (const auto found = meant.find(static_cast<char>(c)); found != meant.npos) {
      line += {'\\', names[found]};
    } else {
      line += static_cast<char>(c);
    }
  }
}

std::string_view raw_field(std::string_view line, std::size_t& at) {
  const std::size_t start = at;
  at = std::min(line.find_first_of("\t\n", at), line.size());
  const auto raw = line.substr(start, at - start);
  ++at;
  return raw;
}

bool read_field(std::string_view raw, std::string& out) {
  out.clear();
  for (std::size_t at = 0; at < raw.size();) {
    char c = raw[at++];
    if (c == '\\' && at < raw.size()) {
      c = raw[at++];
      constexpr std::string_view names = "bfnrtv", meant = "\b\f\n\r\t\v";
      if (const auto found = names.find(c); found != names.npos) c = meant[found];
    }
    out += c;
  }
  return raw != "\\N";
}

void put_row(Statement& insert, std::string_view line, const std::vector<bool>& is_bytes) {
  std::size_t at = 0;
  std::string field;
  for (int i = 0; i < static_cast<int>(is_bytes.size()); ++i) {
    if (!read_field(raw_field(line, at), field)) {
      sqlite3_bind_null(insert.get(), i + 1);
    } else if (is_bytes[static_cast<std::size_t>(i)]) {
      const std::string bytes = unescaped(field);
      sqlite3_bind_blob(insert.get(), i + 1, bytes.data(), static_cast<int>(bytes.size()),
                        SQLITE_TRANSIENT);
    } else {
      // The column's type makes a number of it where it is one.
      insert.bind(i + 1, field);
    }
  }
  insert.step();
  insert.again();
}

std::string insert_text(const Table& table) {
  std::string places;
  for (std::size_t i = 0; i < table.columns.size(); ++i) places += i == 0 ? "?" : ", ?";
  return fmt::format("INSERT INTO \"{}\" ({}) VALUES ({})", table.name, table.list(), places);
}

}  // namespace meterlens::store
