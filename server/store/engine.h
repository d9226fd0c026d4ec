// Inside store/: connections and transactions. README.md says how to write SQL for both engines.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "protocol/require.h"
#include "server/clock.h"
#include "server/store/driver.h"
#include "server/store/store.h"

namespace meterlens::store {

// `text` as the engine of `sql` says it. Only for statements that are not streamed into `sql`.
std::string text_for(soci::session& sql, const std::string& text);

// Runs `text` and makes a `Row` of each line of the answer: Row(statement) binds its columns,
// take() gives the finished value. `values` are bound in the order of their :names.
template <class Row, class... Values>
auto select_rows(soci::session& sql, const std::string& text, const Values&... values) {
  soci::statement statement(sql);
  Row row(statement);
  (statement.exchange(soci::use(values)), ...);
  statement.alloc();
  statement.prepare(text_for(sql, text), soci::details::st_one_time_query);
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

// Rows of the devices that are meant: `text` ends within a WHERE, `end` is what comes behind it.
template <class Row>
auto select_owned(soci::session& sql, const std::string& text, const std::string& end,
                  const Owned& owned) {
  if (!owned.device.empty())
    return select_rows<Row>(sql, text + " AND device = :device" + end, owned.device);
  if (owned.queue < 0) return select_rows<Row>(sql, text + end);
  return select_rows<Row>(
      sql, text + " AND device IN (SELECT id FROM device WHERE queue = :queue)" + end, owned.queue);
}

// Runs an UPDATE or DELETE; how many rows it changed.
template <class... Values>
int change_rows(soci::session& sql, const std::string& text, const Values&... values) {
  soci::statement statement(sql);
  (statement.exchange(soci::use(values)), ...);
  statement.alloc();
  statement.prepare(text_for(sql, text), soci::details::st_one_time_query);
  statement.define_and_bind();
  statement.execute(true);
  return static_cast<int>(statement.get_affected_rows());
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
  Engine(const std::string& place, const Options& options);

  // Runs `work` on the writer in one transaction: all of it is durable when this returns a value,
  // nothing of it is left after an error that does not say that it may be done. When the connection
  // is lost on the way, `work` is run again from its beginning.
  template <class Work>
  auto write(Work work) -> Result<decltype(work(std::declval<soci::session&>()))> {
    const std::lock_guard lock(writer_mutex_);
    if (before_write_) before_write_();
    return guarded(writer_, true, [&](soci::session& sql) {
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

  // Runs `work` on a reader, in parallel with the writer; again when the connection is lost.
  template <class Work>
  auto read(Work work) -> Result<decltype(work(std::declval<soci::session&>()))> {
    const Lease lease(readers_);
    return guarded(lease.session(), false, work);
  }

  // The same for lists, which may be some seconds old when the caller says so: from the replica
  // while there is one that keeps up, else as read().
  template <class Work>
  auto read_list(Work work, bool may_lag = true)
      -> Result<decltype(work(std::declval<soci::session&>()))> {
    if (may_lag && may_ask_replica()) {
      const Lease lease(replicas_);
      try {
        if (keeps_up(lease.session())) return work(lease.session());
      } catch (const soci::soci_error& error) {
        leave_replica(lease.session(), error);
      }
    }
    return read(work);
  }

  void migrate();
  void check_schema();
  void refuse_unfinished();

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

  struct Pool {
    std::mutex mutex;
    std::condition_variable freed;
    std::vector<std::unique_ptr<soci::session>> all;
    std::vector<soci::session*> free;
  };
  class Lease {
   public:
    explicit Lease(Pool& pool);
    ~Lease();
    soci::session& session() const { return *session_; }

   private:
    Pool& pool_;
    soci::session* session_;
  };

  template <class Work>
  auto guarded(soci::session& sql, bool writes, Work work) -> Result<decltype(work(sql))> {
    for (int tries = 1;; ++tries) {
      try {
        if constexpr (std::is_void_v<decltype(work(sql))>) {
          work(sql);
          return {};
        } else {
          return work(sql);
        }
      } catch (const soci::soci_error& error) {
        if (auto final = settle(sql, writes, error, tries)) return std::unexpected(*final);
      }
    }
  }

  // Nothing when the connection is there again, and what was to be done may be tried again.
  std::optional<Error> settle(soci::session& sql, bool writes, const soci::soci_error& error,
                              int tries);
  // Tries for `patience_ms`, at least once.
  std::optional<Error> connect(soci::session& sql, bool writes, int patience_ms);
  bool was_committed(soci::session& sql);
  bool may_ask_replica() const;
  bool keeps_up(soci::session& sql);  // connects it, too
  void leave_replica(soci::session& sql, const soci::soci_error& error);
  void say(const std::string& words) const;

  friend class Store;
  friend class Single;
  std::string place_;
  std::unique_ptr<Driver> driver_;
  int busy_timeout_ms_;
  int commit_patience_ms_;
  std::function<void()> before_write_;
  std::function<void(const std::string&)> say_;
  std::atomic<bool> lost_ = false;  // nobody waits a second time while it is
  std::mutex writer_mutex_;
  soci::session writer_;
  Pool readers_;
  std::unique_ptr<Driver> replica_driver_;     // nothing when there is no replica
  std::atomic<long long> replica_after_ms_ = 0;  // not asked before this time of a steady clock
  std::atomic<long long> replica_judged_ms_ = 0;
  Pool replicas_;
};

}  // namespace meterlens::store
