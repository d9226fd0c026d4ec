// Inside store/: the connections, transactions and error texts. The only header that shows SOCI.
#pragma once

// SOCI's bindings for Boost.Fusion are templates that nobody uses here: without them its headers
// need no Boost, and compile in half the time.
#include <soci/soci-config.h>
#undef SOCI_HAVE_BOOST
#include <soci/soci.h>

#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "protocol/require.h"
#include "server/store/store.h"

namespace meterlens::store {

// Runs `text` and makes a `Row` of each line of the answer: Row(statement) binds its columns,
// take() gives the finished value. `values` are bound in the order of their :names.
template <class Row, class... Values>
auto select_rows(soci::session& sql, const std::string& text, const Values&... values) {
  soci::statement statement(sql);
  Row row(statement);
  (statement.exchange(soci::use(values)), ...);
  statement.alloc();
  statement.prepare(text);
  statement.define_and_bind();
  statement.execute(false);
  std::vector<decltype(row.take())> out;
  while (statement.fetch()) out.push_back(row.take());
  return out;
}

template <class Row, class... Values>
auto select_first(soci::session& sql, const std::string& text, const Values&... values) {
  auto rows = select_rows<Row>(sql, text, values...);
  std::optional<typename decltype(rows)::value_type> first;
  if (!rows.empty()) first = std::move(rows.front());
  return first;
}

// What was found; `not_found` when nothing was.
template <class Found>
Result<Found> found_or(Result<std::optional<Found>> result, const std::string& what) {
  if (!result) return std::unexpected(result.error());
  if (!*result) return std::unexpected(Error{ErrorCode::not_found, "there is no " + what});
  return std::move(**result);
}

struct IntegerRow {
  explicit IntegerRow(soci::statement& statement) { statement.exchange(soci::into(value)); }
  long long take() const { return value; }
  long long value = 0;
};

struct Store::Engine {
  Engine(std::string database_path, const Options& options);

  // Runs `work` on the writer in one transaction: all of it is durable when this returns a value,
  // nothing of it is left after an error.
  template <class Work>
  auto write(Work work) -> Result<decltype(work(std::declval<soci::session&>()))> {
    const std::lock_guard lock(writer_mutex_);
    if (before_write_) before_write_();
    return guarded(writer_, [&](soci::session& sql) {
      Transaction transaction(*this);
      if constexpr (std::is_void_v<decltype(work(sql))>) {
        work(sql);
        transaction.commit();
      } else {
        auto out = work(sql);
        transaction.commit();
        return out;
      }
    });
  }

  // Runs `work` on a reader, in parallel with the writer.
  template <class Work>
  auto read(Work work) -> Result<decltype(work(std::declval<soci::session&>()))> {
    const Lease lease(*this);
    return guarded(lease.session(), work);
  }

  void migrate();

 private:
  class Transaction {
   public:
    explicit Transaction(Engine& engine);
    ~Transaction();
    void commit();

   private:
    Engine& engine_;
    soci::session& sql_;
    bool open_ = true;
  };

  class Lease {
   public:
    explicit Lease(Engine& engine);
    ~Lease();
    soci::session& session() const { return *session_; }

   private:
    Engine& engine_;
    soci::session* session_;
  };

  template <class Work>
  auto guarded(soci::session& sql, Work work) -> Result<decltype(work(sql))> {
    try {
      if constexpr (std::is_void_v<decltype(work(sql))>) {
        work(sql);
        return {};
      } else {
        return work(sql);
      }
    } catch (const soci::soci_error& error) {
      return std::unexpected(explain(error, sql));
    }
  }

  Error explain(const soci::soci_error& error, soci::session& sql) const;
  void connect(soci::session& sql, const Options& options, bool writes);

  friend class Store;
  std::string path_;
  int busy_timeout_ms_;
  std::function<void()> before_write_;
  std::mutex writer_mutex_;
  soci::session writer_;
  int failed_write_errno_ = 0;  // of the transaction that was rolled back last
  std::mutex readers_mutex_;
  std::condition_variable reader_free_;
  std::vector<std::unique_ptr<soci::session>> readers_;
  std::vector<soci::session*> free_readers_;
};

// Thrown inside open(): the error is known already.
struct OpenFailure {
  Error error;
};

// Code and advice for an SQLite result; `system_errno` tells a full disk from a broken one.
Error explain_sqlite(int sqlite_result, int system_errno, const std::string& words,
                     const std::string& path, int busy_timeout_ms);

}  // namespace meterlens::store
