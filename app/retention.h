// Removes what is older than the settings allow, every hour and a few rows at a time, so that
// taking photos in never waits for it. A thread of its own, which the destructor ends.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "app/settings.h"
#include "server/store/store.h"

namespace meterlens::app {

// What is too old at `now_ms`, by the settings.
store::Aging aging_of(const Settings& settings, std::int64_t now_ms);
// All that is too old, rows first and then their files; the rows removed. `pause` is called between
// two transactions; false: no more.
store::Result<store::Aged> sweep(store::Store& store, store::Aging aging,
                                 const std::function<bool()>& pause);

class Retention {
 public:
  // Does nothing when the settings keep everything.
  // `may`: asked before each sweep; empty: always.
  Retention(const Settings& settings, store::Store& store, std::function<bool()> may = {});
  ~Retention();

 private:
  void run();
  bool wait(std::chrono::milliseconds time);  // false: it is over

  const Settings settings_;
  store::Store& store_;
  const std::function<bool()> may_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace meterlens::app
