#include "server/store/copying.h"

#include <fmt/format.h>

#include "server/store/copy_rows.h"
#include "server/store/partitions.h"

namespace meterlens::store {
namespace {

void copy_table_out(PGconn* server, File& file, const Table& table) {
  Statement insert(file, insert_text(table));
  ask(server, fmt::format("COPY (SELECT {} FROM \"{}\") TO STDOUT", table.list(), table.name),
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
  vacuum.bind(1, file);
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
    if (table.name == "reading" || table.name == "message") {
      Statement times(from, fmt::format("SELECT coalesce(min(at_ms), 0), coalesce(max(at_ms), 0)"
                                        " FROM {} WHERE at_ms > 0", table.name));
      if (times.step() && times.text(1) != "0")
        make_months(sql, table.name.c_str(), std::stoll(times.text(0)), std::stoll(times.text(1)));
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
