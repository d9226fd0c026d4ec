// Makes photos durable in groups: files first, then all rows in one transaction. When the disk is
// full or the database cannot be written, it says so once in the log with what to do, gives native
// photos back (their cameras keep them) and holds a bounded number of SmartDTU photos, which exist
// nowhere else, to try again. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "server/metrics/metrics.h"
#include "server/photo/files.h"
#include "server/photo/photo.h"
#include "server/store/store.h"

namespace meterlens::server {

struct CommitterLimits {
  std::size_t group_max = 512;  // photos in one transaction
  std::size_t held_bytes_max = std::size_t{32}
                               << 20;  // of SmartDTU photos, while nothing is stored
  std::int64_t retry_ms_first = 2000;  // doubled up to
  std::int64_t retry_ms_max = 30'000;
  std::int64_t log_ms = 60'000;  // the same fault is logged at most so often
};

struct Committed {
  std::vector<photo::Photo> stored;   // with row number and path, without bytes
  std::vector<photo::Photo> refused;  // native ones; without bytes
};

class Committer {
 public:
  Committer(const CommitterLimits& limits, store::Store& store, photo::Files files,
            metrics::Metrics& metrics);

  void add(photo::Photo photo) { waiting_.push_back(std::move(photo)); }
  // Another worker gets the messages of its photos that wait for the store, and stores them.
  void forget(const std::string& device);
  // Commits what was added, or tries whether it is possible again.
  Committed commit(std::int64_t now_ms);

  // False after a failure until a try succeeds: nothing else should write meanwhile.
  bool good() const { return fault_.empty(); }
  // The fault's words; empty when good.
  const std::string& fault() const { return fault_; }
  // The store failed elsewhere.
  void fail(const std::string& fault, std::int64_t now_ms);
  // The caller's clock was set; what was to happen in a second still does.
  void clock_moved(std::int64_t by_ms);

 private:
  void commit_group(std::vector<photo::Photo> group, std::int64_t now_ms, Committed& out);
  bool try_group(std::vector<photo::Photo>& group, std::int64_t now_ms, Committed& out);
  void give_back(std::vector<photo::Photo> group, Committed& out);
  bool probe();
  void recovered();

  CommitterLimits limits_;
  store::Store& store_;
  photo::Files files_;
  metrics::Metrics& metrics_;
  std::vector<photo::Photo> waiting_;
  std::vector<photo::Photo> held_;
  std::size_t held_bytes_ = 0;
  std::string fault_;
  std::int64_t retry_ms_ = 0;
  std::int64_t next_try_ms_ = 0;
  std::int64_t logged_ms_ = -1;
};

}  // namespace meterlens::server
