// Inside api/: one thread for answers that take long, one after another, so that they never hold
// the threads that answer everybody. Bounded.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace meterlens::api {

class SlowThread {
 public:
  explicit SlowThread(std::size_t waiting_max = 16);
  ~SlowThread() { stop(); }

  // False when too many are waiting, or after `stop`. Any thread.
  bool post(std::function<void()> work);
  // Ends the one that runs; those that wait are dropped.
  void stop();

 private:
  void run();

  const std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace meterlens::api
