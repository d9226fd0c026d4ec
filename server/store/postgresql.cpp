// The driver of PostgreSQL.
#include <fmt/format.h>
#include <soci/postgresql/soci-postgresql.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>

#include "server/store/copy_rows.h"
#include "server/store/dialect.h"
#include "server/store/driver.h"
#include "server/store/plans.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;

// Connection options as libpq names them.
using Parts = std::map<std::string, std::string>;

[[noreturn]] void fail(const std::string& message) {
  throw OpenFailure{{ErrorCode::cannot_open, message}};
}

Parts parts_of(const std::string& url) {
  char* words = nullptr;
  PQconninfoOption* const found = PQconninfoParse(url.c_str(), &words);
  if (found == nullptr) {
    // They repeat parts of the URL, which may bear a password.
    PQfreemem(words);
    fail("the database's URL is not right: write it like "
         "postgresql://meterlens@db.example.net/meterlens");
  }
  Parts parts;
  for (const PQconninfoOption* one = found; one->keyword != nullptr; ++one)
    if (one->val != nullptr) parts[one->keyword] = one->val;
  PQconninfoFree(found);
  return parts;
}

std::string connect_text(const Parts& parts) {
  std::string out;
  for (const auto& [key, value] : parts) {
    out += key + "='";
    for (const char c : value) {
      if (c == '\'' || c == '\\') out += '\\';
      out += c;
    }
    out += "' ";
  }
  return out;
}

// Held by a writer until its transaction ends, one for each schema of the database.
const std::string writers_lock =
    "pg_advisory_xact_lock(1296389185, hashtext(current_schema()))";

// A program's, among all that write.
std::string some_name() {
  std::random_device chance;
  return fmt::format("{:08x}{:08x}", chance(), chance());
}

// Classes of SQLSTATE that mean that the server is going or gone.
bool is_gone(const std::string& state) {
  constexpr std::array gone{"57P01", "57P02", "57P03", "25P03", "57P05"};
  return state.starts_with("08") || std::ranges::find(gone, state) != gone.end();
}

// What no waiting mends.
bool is_refusal(const std::string& words) {
  constexpr std::array refusals{"authentication failed", "does not exist", "no password supplied",
                                "pg_hba.conf", "permission denied", "could not translate"};
  return std::ranges::any_of(refusals, [&](const char* one) {
    return words.find(one) != std::string::npos;
  });
}

class Postgresql : public Driver {
 public:
  Postgresql(const std::string& url, const Options& options)
      : busy_timeout_ms_(std::max(options.busy_timeout_ms, 1)) {
    Parts parts = parts_of(url);
    if (parts.contains("password")) {
      fail("the database's URL must not have a password in it: put that in a file that only its "
           "owner may read and name the file in [store] password_file, or in the environment "
           "variable PGPASSWORD");
    }
    name_ = fmt::format("{} at {}", parts.contains("dbname") ? parts["dbname"] : "(default)",
                        parts.contains("host") ? parts["host"] : "the local socket");
    if (!options.password.empty()) parts["password"] = options.password;
    // Defaults of ours: a host that is silent is found out, also in the middle of a query.
    parts.insert({{"application_name", "meterlens"}, {"connect_timeout", "5"},
                  {"keepalives_idle", "10"}, {"keepalives_interval", "5"},
                  {"keepalives_count", "3"}, {"tcp_user_timeout", "20000"},
                  {"client_encoding", "UTF8"}});
    connect_text_ = connect_text(parts);
  }

  void connect(soci::session& sql, bool writes) override {
    sql.set_query_transformation(postgresql_text);
    sql.open(postgresql_with_plans(), connect_text_);
    // Our queries are short: compiling them costs more than they do, and helpers would take every
    // core from many of them for one that counts.
    sql << fmt::format("SET client_min_messages = warning; SET jit = off; SET lock_timeout = {};"
                       " SET max_parallel_workers_per_gather = 0;"
                       " SET default_transaction_read_only = {}",
                       busy_timeout_ms_, writes ? "off" : "on");
    // Who has switched it off loses what was said to be stored.
    std::string commit;
    sql << "SELECT current_setting('synchronous_commit')", into(commit);
    if (commit == "off") sql << "SET synchronous_commit = on";
  }

  void begin(soci::session& sql) override {
    sql << "BEGIN ISOLATION LEVEL READ COMMITTED";
    int has_marks = 0;
    sql << "SELECT CAST(to_regclass('writer') IS NOT NULL AS INTEGER) FROM " + writers_lock,
        into(has_marks);
    has_marks_ = has_marks != 0;
  }

  // With a mark by which was_committed() knows the transaction again. Its number of PostgreSQL's
  // is none: after a crash that lost it another one gets it.
  void commit(soci::session& sql) override {
    if (has_marks_) {
      ++transaction_;
      sql << "INSERT INTO writer (name, transaction) VALUES (:name, :transaction)"
             " ON CONFLICT (name) DO UPDATE SET transaction = excluded.transaction,"
             " at = excluded.at",
          use(writer_), use(transaction_);
      if (transaction_ == 1) sql << "DELETE FROM writer WHERE at < now() - INTERVAL '7 days'";
    }
    sql << "COMMIT";
  }

  void roll_back(soci::session& sql) noexcept override {
    try {
      sql << "ROLLBACK";
    } catch (const soci::soci_error&) {
      // A lost connection has rolled back already.
    }
  }

  bool is_lost(const soci::soci_error& error, soci::session& sql) const override {
    if (dynamic_cast<const LostConnection*>(&error) != nullptr) return true;
    if (sql.get_backend() == nullptr) return !is_refusal(error.what());
    // Without a state, and libpq may have let go of the connection before it is asked for its own.
    if (std::string_view(error.what()).contains("server closed the connection")) return true;
    const auto* ours = dynamic_cast<const soci::postgresql_soci_error*>(&error);
    return (ours != nullptr && is_gone(ours->sqlstate())) ||
           PQstatus(handle(sql)) == CONNECTION_BAD;
  }

  bool was_committed(soci::session& sql) override {
    // The migration that makes the table can be done again.
    if (!has_marks_) return false;
    sql << "BEGIN";
    // The server may not have noticed yet that the asker is gone.
    sql << "SET LOCAL lock_timeout = 0";
    sql << "SELECT 1 FROM " + writers_lock;
    long long found = 0;
    sql << "SELECT transaction FROM writer WHERE name = :name", use(writer_), into(found);
    sql << "COMMIT";
    return found == transaction_;
  }

  Error explain(const soci::soci_error& error, soci::session& sql) const override {
    std::string words = error.what();
    // SOCI adds the query after the engine's words.
    words = words.substr(0, words.find_first_of('\n'));
    const auto* ours = dynamic_cast<const soci::postgresql_soci_error*>(&error);
    const bool connected = sql.get_backend() != nullptr;
    if (!connected && is_refusal(error.what())) {
      return {ErrorCode::cannot_open,
              fmt::format("cannot open the database {}: {}; check user, password and database",
                          name_, error.what())};
    }
    if (is_lost(error, sql)) {
      return {ErrorCode::unreachable,
              fmt::format("the database server of {} cannot be reached ({}): start it, or look at "
                          "the network between; nothing is lost meanwhile", name_, words)};
    }
    return explain_sqlstate(ours != nullptr ? ours->sqlstate() : "", words, name_,
                            busy_timeout_ms_);
  }

  const std::string& name() const override { return name_; }

 private:
  const int busy_timeout_ms_;
  std::string name_;
  std::string connect_text_;
  const std::string writer_ = some_name();
  long long transaction_ = 0;  // of the writer, the last one that was committed or tried
  bool has_marks_ = false;
};

}  // namespace

Error explain_sqlstate(const std::string& state, const std::string& words, const std::string& name,
                       int busy_timeout_ms) {
  if (state == "55P03" || state == "40001" || state == "40P01") {
    return {ErrorCode::locked,
            fmt::format("the database {} is locked by another program (waited {} ms): end or close "
                        "what holds it; the view pg_locks names it", name, busy_timeout_ms)};
  }
  if (state == "25006" || state == "42501" || state == "3F000") {
    return {ErrorCode::read_only,
            fmt::format("the database {} cannot be written ({}): give this user the right to "
                        "create and write tables in it, on a server that is no standby", name,
                        words)};
  }
  if (state == "53100") {
    return {ErrorCode::disk_full,
            fmt::format("no room to write the database {}: free space on its server's disk",
                        name)};
  }
  if (state.starts_with("53")) {
    return {ErrorCode::unreachable,
            fmt::format("the database server of {} is overloaded ({}): raise its limits, or let "
                        "fewer programs use it", name, words)};
  }
  return {ErrorCode::failed, fmt::format("database {}: {}", name, words)};
}

bool is_postgresql(const std::string& place) {
  return place.starts_with("postgresql://") || place.starts_with("postgres://");
}

std::unique_ptr<Driver> postgresql_driver(const std::string& url, const Options& options) {
  return std::make_unique<Postgresql>(url, options);
}

}  // namespace meterlens::store
