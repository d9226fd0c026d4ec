// Tells one sink: reads the news after what it was told last, sends them, and keeps in the store
// how far it got. So each piece is told at least once, whatever ends this process; a sink that is
// away is tried again with growing pauses, and costs neither memory nor anybody else's time. Owns
// one thread and the sink.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "server/metrics/metrics.h"
#include "server/notify/sink.h"

namespace meterlens::notify {

// Of a sink, since the start of the server.
struct SinkStatus {
  std::string name;
  std::uint64_t delivered = 0;  // news
  std::uint64_t failures = 0;   // tries
  std::uint64_t refused = 0;    // news
  std::uint64_t dropped = 0;    // rows
  std::int64_t backlog = 0;     // rows not looked at yet
  std::int64_t last_ok_ms = 0;  // Unix; 0: never
  std::int64_t failing_since_ms = 0;  // 0: the last try was good, or there was none
  std::int64_t next_try_ms = 0;
  std::string last_error;       // kept when it is good again
  Trouble last_trouble = Trouble::other;
  std::int64_t last_error_ms = 0;
};

struct RunnerLimits {
  std::int64_t turn_ms = 1000;
  std::int64_t retry_ms_first = 1000;  // doubled up to
  std::int64_t retry_ms_max = 300'000;
  std::int64_t backlog_max = 100'000;
  std::function<bool()> leads = {};    // false: another server tells; none: this one
  int refusals_max = 3;  // tries of something that is refused
};

class Runner {
 public:
  // `store` and `metrics` outlive it. Nothing happens before start() or turn().
  Runner(std::string name, std::unique_ptr<Sink> sink, const RunnerLimits& limits,
         store::Store& store, metrics::Metrics& metrics);
  ~Runner();
  void start();
  void stop();

  // One look; true when there is more at once. The thread does the same; tests call it.
  bool turn(std::int64_t now_ms);

  const std::string& name() const { return name_; }
  SinkStatus status() const;
  Sent test() { return sink_->test(); }

 private:
  void run();
  bool tell(store::Stream stream, std::int64_t& done, std::int64_t end, std::int64_t now_ms);
  bool deliver(const store::Page& page, store::Stream stream, std::int64_t& done,
               std::int64_t now_ms);
  bool refuse(const store::News& news, store::Stream stream, std::int64_t& done,
              const Sent& sent, std::int64_t now_ms);
  void drop_old(store::Stream stream, std::int64_t& done, std::int64_t end);
  bool advance(store::Stream stream, std::int64_t& done, std::int64_t to, std::int64_t now_ms);
  void succeeded(std::size_t count, std::int64_t now_ms);
  void failed(const std::string& error, std::int64_t now_ms, Trouble trouble = Trouble::other);

  const std::string name_;
  const std::unique_ptr<Sink> sink_;
  const RunnerLimits limits_;
  store::NewsBook book_;
  metrics::Metrics& metrics_;

  // In the runner's thread.
  bool has_marks_ = false;
  store::Marks marks_;
  store::Marks saved_;
  std::int64_t retry_ms_ = 0;
  int refusals_ = 0;
  bool singly_ = false;  // something of the last batch is refused: find out what

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  SinkStatus status_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace meterlens::notify
