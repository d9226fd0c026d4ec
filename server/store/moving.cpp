#include "server/store/moving.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "protocol/checksum.h"
#include "protocol/require.h"
#include "server/store/copy_rows.h"
#include "server/store/partitions.h"

namespace meterlens::store {
namespace {

// What ends it, known already.
struct Refusal {
  Error error;
};

[[noreturn]] void refuse(ErrorCode code, std::string message) {
  throw Refusal{{code, std::move(message)}};
}

// Rows behind one key, as COPY writes them.
struct Batch {
  std::string lines;
  std::string last_key;  // the newest row's, fields with tabs between
  std::int64_t rows = 0;
};

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < line.size();) out.push_back(raw_field(line, at));
  return out;
}

std::string key_of(const Table& table, std::string_view line) {
  const auto fields = fields_of(line);
  std::string key;
  for (const std::size_t index : table.key) {
    if (!key.empty() || index != table.key.front()) key += '\t';
    key += fields.at(index);
  }
  return key;
}

std::vector<std::string> values_of(const Table& table, const std::string& key) {
  std::vector<std::string> out(table.key.size());
  std::size_t at = 0;
  for (std::string& value : out) read_field(raw_field(key, at), value);
  return out;
}

void add_to(protocol::Sha256& hash, std::string_view text) {
  hash.add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// The engines write the same number in different words.
void add_rows(protocol::Sha256& hash, const Table& table, const Batch& batch) {
  if (std::ranges::find(table.is_real, true) == table.is_real.end())
    return add_to(hash, batch.lines);
  std::string field;
  for (std::string_view rest = batch.lines; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const auto fields = fields_of(line);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const bool is_number = table.is_real[i] && read_field(fields[i], field);
      add_to(hash, is_number ? fmt::format("{}", std::strtod(field.c_str(), nullptr))
                             : std::string(fields[i]));
      add_to(hash, i + 1 == fields.size() ? "\n" : "\t");
    }
  }
}

// One side, connected as its writer.
class End {
 public:
  virtual ~End() = default;
  virtual void begin() = 0;  // holds the lock of writers until commit()
  virtual void commit() = 0;
  virtual void run(const std::string& sql) = 0;
  virtual std::string first_value(const std::string& sql) = 0;  // "" when there is no row
  virtual Batch read(const Table& table, const std::string& after, int rows_max) = 0;
  virtual void put(const Table& table, const Batch& batch) = 0;
  virtual std::string counter(const Table& table) = 0;
  virtual void set_counter(const Table& table, const std::string& last) = 0;
  // Rows of these times will be put.
  virtual void expect(const Table&, std::int64_t /*from_ms*/, std::int64_t /*to_ms*/) {}
  virtual Error explain(const soci::soci_error& error) = 0;
  virtual std::string name() const = 0;
  virtual std::string literal(const std::string& text) = 0;
};

class SqliteEnd : public End {
 public:
  SqliteEnd(const std::string& path, int busy_timeout_ms)
      : path_(std::filesystem::absolute(path).lexically_normal().string()),
        busy_timeout_ms_(busy_timeout_ms),
        file_(path, busy_timeout_ms) {
    file_.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  }
  File& file() { return file_; }

  void begin() override { file_.run("BEGIN IMMEDIATE"); }
  void commit() override { file_.run("COMMIT"); }
  void run(const std::string& sql) override { file_.run(sql); }
  std::string first_value(const std::string& sql) override {
    Statement statement(file_, sql);
    return statement.step() ? statement.text(0) : "";
  }

  Batch read(const Table& table, const std::string& after, int rows_max) override {
    std::string behind, places;
    for (std::size_t i = 0; i < table.key.size(); ++i) places += i == 0 ? "?" : ", ?";
    if (!after.empty()) behind = fmt::format(" WHERE ({}) > ({})", table.key_list(), places);
    Statement rows(file_, fmt::format("SELECT {} FROM \"{}\"{} ORDER BY {} LIMIT {}", table.list(),
                                      table.name, behind, table.key_list(), rows_max));
    if (!after.empty()) {
      int place = 0;
      for (const std::string& value : values_of(table, after)) rows.bind(++place, value);
    }
    Batch batch;
    std::size_t newest = 0;
    for (; rows.step(); ++batch.rows) {
      newest = batch.lines.size();
      for (int i = 0; i < static_cast<int>(table.columns.size()); ++i) {
        if (i > 0) batch.lines += '\t';
        append_field(batch.lines, rows.get(), i);
      }
      batch.lines += '\n';
    }
    if (batch.rows > 0)
      batch.last_key = key_of(table, std::string_view(batch.lines).substr(newest));
    return batch;
  }

  void put(const Table& table, const Batch& batch) override {
    Statement insert(file_, insert_text(table));
    for (std::string_view rest = batch.lines; !rest.empty();) {
      const std::size_t end = rest.find('\n') + 1;
      put_row(insert, rest.substr(0, end), table.is_bytes);
      rest.remove_prefix(end);
    }
  }

  std::string counter(const Table& table) override {
    return first_value(fmt::format("SELECT seq FROM sqlite_sequence WHERE name = '{}' AND seq > 0",
                                   table.name));
  }
  void set_counter(const Table& table, const std::string& last) override {
    run(fmt::format("DELETE FROM sqlite_sequence WHERE name = '{0}';"
                    "INSERT INTO sqlite_sequence VALUES ('{0}', {1})", table.name, last));
  }

  Error explain(const soci::soci_error& error) override {
    const auto* ours = dynamic_cast<const SqliteFailure*>(&error);
    return explain_sqlite(ours != nullptr ? ours->result : SQLITE_ERROR,
                          ours != nullptr ? ours->system_errno : 0, error.what(), path_,
                          busy_timeout_ms_);
  }
  std::string name() const override { return path_; }
  std::string literal(const std::string& text) override {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
    return out + "'";
  }

 private:
  std::string path_;
  int busy_timeout_ms_;
  File file_;
};

class PostgresqlEnd : public End {
 public:
  PostgresqlEnd(const std::string& url, const Options& options)
      : driver_(postgresql_driver(url, options)) {
    driver_->connect(sql_, true);
  }

  void begin() override { driver_->begin(sql_); }
  void commit() override { driver_->commit(sql_); }
  void run(const std::string& sql) override { ask(handle(sql_), sql, PGRES_COMMAND_OK); }
  std::string first_value(const std::string& sql) override {
    const std::unique_ptr<PGresult, decltype(&PQclear)> answer(PQexec(handle(sql_), sql.c_str()),
                                                               PQclear);
    if (PQresultStatus(answer.get()) != PGRES_TUPLES_OK)
      throw soci::soci_error(PQerrorMessage(handle(sql_)));
    return PQntuples(answer.get()) > 0 ? PQgetvalue(answer.get(), 0, 0) : "";
  }

  Batch read(const Table& table, const std::string& after, int rows_max) override {
    std::string behind;
    if (!after.empty()) {
      for (const std::string& value : values_of(table, after))
        behind += (behind.empty() ? "" : ", ") + literal(value);
      behind = fmt::format(" WHERE ({}) > ({})", table.key_list(), behind);
    }
    ask(handle(sql_), fmt::format("COPY (SELECT {} FROM \"{}\"{} ORDER BY {} LIMIT {}) TO STDOUT",
                                  table.list(), table.name, behind, table.key_list(), rows_max),
        PGRES_COPY_OUT);
    Batch batch;
    std::size_t newest = 0;
    char* line = nullptr;
    int length = 0;
    while ((length = PQgetCopyData(handle(sql_), &line, 0)) > 0) {
      const std::unique_ptr<char, decltype(&PQfreemem)> owner(line, PQfreemem);
      newest = batch.lines.size();
      batch.lines.append(line, static_cast<std::size_t>(length));
      ++batch.rows;
    }
    finish(handle(sql_));
    if (batch.rows > 0)
      batch.last_key = key_of(table, std::string_view(batch.lines).substr(newest));
    return batch;
  }

  void put(const Table& table, const Batch& batch) override {
    PGconn* const server = handle(sql_);
    ask(server, fmt::format("COPY \"{}\" ({}) FROM STDIN", table.name, table.list()),
        PGRES_COPY_IN);
    if (PQputCopyData(server, batch.lines.data(), static_cast<int>(batch.lines.size())) != 1 ||
        PQputCopyEnd(server, nullptr) != 1)
      throw soci::soci_error(PQerrorMessage(server));
    finish(server);
  }

  std::string counter(const Table& table) override {
    const std::string last =
        first_value(fmt::format("SELECT CAST(pg_sequence_last_value(CAST({} AS regclass)) AS text)",
                                sequence_of(table)));
    return last == "0" ? "" : last;
  }
  void set_counter(const Table& table, const std::string& last) override {
    first_value(fmt::format("SELECT CAST(setval({}, {}) AS text)", sequence_of(table), last));
  }

  void expect(const Table& table, std::int64_t from_ms, std::int64_t to_ms) override {
    make_months(sql_, table.name.c_str(), from_ms, to_ms);
  }
  Error explain(const soci::soci_error& error) override { return driver_->explain(error, sql_); }
  std::string name() const override { return driver_->name(); }
  std::string literal(const std::string& text) override {
    const std::unique_ptr<char, decltype(&PQfreemem)> quoted(
        PQescapeLiteral(handle(sql_), text.data(), text.size()), PQfreemem);
    if (!quoted) throw soci::soci_error(PQerrorMessage(handle(sql_)));
    return quoted.get();
  }

 private:
  static std::string sequence_of(const Table& table) {
    return fmt::format("pg_get_serial_sequence('\"{}\"', '{}')", table.name, table.counted);
  }

  std::unique_ptr<Driver> driver_;
  soci::session sql_;
};

// What `end` cannot do is said in its words.
template <class Work>
auto on(End& end, Work work) {
  try {
    return work();
  } catch (const soci::soci_error& error) {
    throw Refusal{end.explain(error)};
  }
}

class Move {
 public:
  Move(End& from, End& to, std::vector<Table> tables, const MoveOptions& options)
      : from_(from), to_(to), tables_(std::move(tables)), options_(options) {
    // Its own state is not moved.
    std::erase_if(tables_, [](const Table& one) { return one.name == "moving"; });
  }

  Moved run() {
    // Nobody writes to the source meanwhile.
    on(from_, [&] { from_.begin(); });
    on(to_, [&] { take_up(); });
    for (const Table& table : tables_) copy(table);
    for (const Table& table : tables_) moved_.tables.push_back(compare(table));
    finish_off();
    return std::move(moved_);
  }

 private:
  void take_up() {
    to_.begin();
    const std::string source = to_.first_value("SELECT source FROM moving LIMIT 1");
    if (source.empty()) {
      require_empty();
      for (const Table& table : tables_) {
        to_.run(fmt::format("INSERT INTO moving (table_name, source, last_key, row_count, is_whole)"
                            " VALUES ({}, {}, '', 0, 0)", to_.literal(table.name),
                            to_.literal(from_.name())));
        if (table.name == "reading" || table.name == "message") expect_times(table);
      }
    } else if (source != from_.name()) {
      refuse(ErrorCode::conflict,
             fmt::format("{} is being filled from {}: go on with that source, or name an empty "
                         "target", to_.name(), source));
    } else {
      moved_.continued = true;
      moved_.rows_before = std::stoll(to_.first_value(
          "SELECT CAST(coalesce(sum(row_count), 0) AS text) FROM moving"));
    }
    to_.commit();
  }

  void expect_times(const Table& table) {
    const auto time = [&](const char* which) {
      const std::string found = on(from_, [&] {
        return from_.first_value(fmt::format("SELECT CAST({}(at_ms) AS TEXT) FROM \"{}\""
                                             " WHERE at_ms > 0", which, table.name));
      });
      return found.empty() ? 0 : std::stoll(found);
    };
    if (const std::int64_t last = time("max"); last > 0) to_.expect(table, time("min"), last);
  }

  void require_empty() {
    for (const Table& table : tables_) {
      const std::string there = to_.first_value(fmt::format(
          "SELECT CAST(count(*) AS text) FROM (SELECT 1 FROM \"{}\" LIMIT 1) known", table.name));
      if (there == "0") continue;
      refuse(ErrorCode::conflict,
             fmt::format("{} has rows in the table {} already: name an empty target", to_.name(),
                         table.name));
    }
  }

  std::string state(const Table& table, const char* column) {
    return to_.first_value(fmt::format("SELECT CAST({} AS text) FROM moving WHERE table_name = {}",
                                       column, to_.literal(table.name)));
  }

  void copy(const Table& table) {
    struct {
      std::string last_key;
      std::int64_t rows;
      bool is_whole;
    } done = on(to_, [&] {
      return decltype(done){state(table, "last_key"), std::stoll(state(table, "row_count")),
                            state(table, "is_whole") == "1"};
    });
    while (!done.is_whole) {
      const Batch batch =
          on(from_, [&] { return from_.read(table, done.last_key, options_.batch_rows); });
      done.is_whole = batch.rows < options_.batch_rows;
      done.rows += batch.rows;
      if (batch.rows > 0) done.last_key = batch.last_key;
      on(to_, [&] {
        to_.begin();
        if (batch.rows > 0) to_.put(table, batch);
        to_.run(fmt::format("UPDATE moving SET last_key = {}, row_count = {}, is_whole = {}"
                            " WHERE table_name = {}", to_.literal(done.last_key), done.rows,
                            done.is_whole ? 1 : 0, to_.literal(table.name)));
        to_.commit();
      });
      if (options_.say) options_.say(table.name, done.rows);
    }
  }

  MovedTable compare(const Table& table) {
    MovedTable out;
    out.name = table.name;
    protocol::Sha256 all;
    for (std::string after;;) {
      const Batch here = on(from_, [&] { return from_.read(table, after, options_.batch_rows); });
      const Batch there = on(to_, [&] { return to_.read(table, after, options_.batch_rows); });
      protocol::Sha256 left, right;
      add_rows(left, table, here);
      add_rows(right, table, there);
      if (here.rows != there.rows || left.digest() != right.digest()) differ(table, after);
      add_rows(all, table, here);
      out.rows += here.rows;
      if (here.rows < options_.batch_rows) break;
      after = here.last_key;
    }
    const auto digits = protocol::hex(all.digest());
    out.sha256.assign(digits.begin(), digits.end());
    return out;
  }

  [[noreturn]] void differ(const Table& table, const std::string& after) {
    std::string key = after.empty() ? "the first row" : "the row behind " + after;
    std::ranges::replace(key, '\t', ' ');
    refuse(ErrorCode::failed,
           fmt::format("the table {} differs from {} on: {} was changed since this was broken off, "
                       "or {} was; empty the target and begin anew", table.name, key, from_.name(),
                       to_.name()));
  }

  void finish_off() {
    on(to_, [&] { to_.begin(); });
    for (const Table& table : tables_) {
      if (table.counted.empty()) continue;
      const std::string last = on(from_, [&] { return from_.counter(table); });
      if (!last.empty()) on(to_, [&] { to_.set_counter(table, last); });
    }
    on(to_, [&] {
      to_.run("DELETE FROM moving");
      to_.commit();
    });
    on(from_, [&] { from_.commit(); });
  }

  End& from_;
  End& to_;
  std::vector<Table> tables_;
  const MoveOptions& options_;
  Moved moved_;
};

// Brings the schema of the target up to date, and leaves that of the source.
void prepare(const std::string& from, const std::string& to, Options open) {
  open.reader_count = 1;
  open.migrate = false;
  if (auto opened = Store::open(from, open); !opened) throw Refusal{opened.error()};
  open.migrate = true;
  open.is_moving = true;
  if (auto opened = Store::open(to, open); !opened) throw Refusal{opened.error()};
}

}  // namespace

Result<Moved> move_rows(const std::string& from, const std::string& to,
                        const MoveOptions& options) {
  protocol::require(options.batch_rows >= 1 && options.batch_rows <= 100'000);
  try {
    const bool is_up = is_postgresql(to);
    if (is_up == is_postgresql(from)) {
      refuse(ErrorCode::cannot_open,
             "one side must be a file of SQLite and the other a URL of PostgreSQL; from SQLite to "
             "SQLite `meterlens backup` does it, from PostgreSQL to PostgreSQL its own tools");
    }
    prepare(from, to, options.open);
    SqliteEnd file(is_up ? from : to, options.open.busy_timeout_ms);
    PostgresqlEnd server(is_up ? to : from, options.open);
    auto tables = tables_of(file.file());
    if (is_up) return Move(file, server, std::move(tables), options).run();
    return Move(server, file, std::move(tables), options).run();
  } catch (const Refusal& refusal) {
    return std::unexpected(refusal.error);
  } catch (const OpenFailure& failure) {
    return std::unexpected(failure.error);
  } catch (const soci::soci_error& error) {
    return std::unexpected(Error{ErrorCode::failed, error.what()});
  }
}

}  // namespace meterlens::store
