// A worker's share of the queues: asks the store once a second which are its own, takes them up,
// and leaves those that another worker shall have once nothing of them is unsettled. When the store
// cannot be asked until the leases have ended, all are left: another worker may have them. What is
// handed out and unsettled then goes to the next worker, which gets half photos from their
// beginning. Owns one thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "server/ingest/queue_link.h"
#include "server/pipeline.h"
#include "server/store/leases.h"

namespace meterlens::server {

class Share {
 public:
  // `adopt` takes up what is known of a queue's devices before the first message comes, false: it
  // cannot; `drop` forgets them. Called in the share's thread.
  Share(const ShareSettings& settings, store::Store& store, ingest::QueueLink& link,
        std::function<bool(int queue)> adopt, std::function<void(int queue)> drop);
  ~Share();  // leaves all in good order

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  void renew();
  void follow(const store::Share& share);
  void leave_on();
  void lose(int queue);
  void leave_all();

  const ShareSettings settings_;
  store::Leases leases_;
  ingest::QueueLink& link_;
  const std::function<bool(int)> adopt_;
  const std::function<void(int)> drop_;
  std::set<int> mine_;                      // taken up
  std::map<int, Clock::time_point> leaving_;  // of them, since when
  std::set<int> given_;                     // of those, what was unsettled is another's
  Clock::time_point until_;                 // of the leases, at the latest

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace meterlens::server
