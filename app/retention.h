// Removes what is older than the settings allow, every hour and a few rows at a time, so that
// taking photos in never waits for it. A thread of its own, which the destructor ends.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "app/settings.h"
#include "server/api/api.h"
#include "server/photo/objects.h"
#include "server/store/store.h"

namespace meterlens::app {

// What is too old at `now_ms`, by the settings.
store::Aging aging_of(const Settings& settings, std::int64_t now_ms);
// All that is too old, rows first and then their files; the rows removed. `pause` is called between
// two transactions; false: no more.
store::Result<store::Aged> sweep(store::Store& store, store::Aging aging,
                                 const std::function<bool()>& pause,
                                 photo::Objects* objects = nullptr);

class Retention {
 public:
  // `may`: asked before each sweep; empty: always.
  Retention(const Settings& settings, store::Store& store,
            std::shared_ptr<photo::Objects> objects = {}, std::function<bool()> may = {});
  ~Retention();

  // What it has done since its start. Any thread.
  api::Retained state() const;

 private:
  void run();
  bool wait(std::chrono::milliseconds time);  // false: it is over

  const Settings settings_;
  store::Store& store_;
  const std::shared_ptr<photo::Objects> objects_;
  const std::function<bool()> may_;
  mutable std::mutex mutex_;
  api::Retained done_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace meterlens::app
