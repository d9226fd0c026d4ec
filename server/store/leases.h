// Who of a fleet does what: leases of queues, which workers share out among themselves and which
// end by the database's clock when they are not renewed; and what only one server of all may do. A
// part of the Store, which outlives both.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/store/store.h"

namespace meterlens::store {

struct Share {
  std::vector<int> queues;  // that the worker has until its lease ends
  std::vector<int> extra;   // of them, more than its fair share: to be left, then released
  int workers = 0;          // that are there
};

// Thread-safe.
class Leases {
 public:
  explicit Leases(Store& store) : store_(store) {}

  // Renews what the worker has, and takes what is free up to its fair share of the queues 0 to
  // queue_count - 1. Leases end after `lease_ms`.
  Result<Share> share(const std::string& worker, int queue_count, std::int64_t lease_ms);
  Result<void> release(const std::string& worker, int queue);
  // The database's clock, Unix ms, which all of the fleet go by.
  Result<std::int64_t> now_ms();
  // Those of the names that are known, each once, in no order: whose queue they are in.
  Result<std::vector<Device>> devices_named(const std::vector<std::string>& names);
  // The worker ends: all that it has is free.
  Result<void> end(const std::string& worker);

 private:
  Store& store_;
};

// One of all servers that share a database, which holds an advisory lock of PostgreSQL on a
// connection of its own: when its process ends or its machine is silent for 10 s, another one is.
// With SQLite there is only one. One thread.
class Single {
 public:
  Single(Store& store, const std::string& what);
  ~Single();
  Single(Single&&) noexcept;
  // Takes it when it is free; whether it is this one. Asks the database.
  bool hold();

 private:
  struct Connection;
  Store& store_;
  std::string what_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace meterlens::store
