// Inside ingest/: what a part of a fleet sends into RabbitMQ, on a connection of its own. A node
// without disk or memory takes nothing from who sends, and reads nothing else of that connection
// either: acknowledgements of what came must not wait behind it. Owns one thread and a bounded row
// of letters. Comes back by itself. Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/ingest/amqp_dialer.h"
#include "server/ingest/queue_link.h"

namespace meterlens::ingest {

class QueueSender {
 public:
  // `changed`: it has begun to get letters through, or does so no more, or some are done; in the
  // sender's thread.
  QueueSender(const QueueLinkSettings& settings, std::function<void()> changed);
  ~QueueSender();  // sends what waits, if it goes at once

  // Sent once at most. False: not connected, or too many wait.
  bool post(AmqpLetter letter);
  // Sent until every queue that gets it has it; then `tag` is among those of take_done().
  void post_surely(AmqpLetter letter, std::uint64_t tag);
  std::vector<std::uint64_t> take_done();
  // Another connection before the next letter. RabbitMQ 3.10 may lose all that a connection sends
  // to a quorum queue, when its leader's node died at the first of these letters.
  void renew();
  // What waits to be sent surely comes again from elsewhere.
  void forget_sure();
  bool is_ready() const { return ready_; }
  // Why not; empty at first.
  std::string trouble() const;

 private:
  struct Sure {
    AmqpLetter letter;
    std::uint64_t tag = 0;
    std::uint64_t round = 0;  // of forget_sure()
  };

  void run();
  bool shall_renew();
  void send_all();
  void keep_alive();
  void failed(const std::string& why);
  void failed_blocked();
  bool has_letters() const { return !letters_.empty() || !sure_.empty(); }
  void set_ready(bool ready);

  const QueueLinkSettings settings_;
  const std::function<void()> changed_;
  std::unique_ptr<Amqp> amqp_;  // in the sender's thread
  AmqpDialer dialer_{settings_};
  std::atomic<bool> ready_{false};

  mutable std::mutex mutex_;
  std::condition_variable filled_;
  bool stopping_ = false, renewing_ = false;
  std::deque<AmqpLetter> letters_;
  std::deque<Sure> sure_;
  std::uint64_t round_ = 0;
  std::vector<std::uint64_t> done_;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace meterlens::ingest
