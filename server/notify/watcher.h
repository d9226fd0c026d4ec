// Looks for what people must know, and raises and clears alarms: what readings show of their
// meters, readings that did not come (estimated each night, if that is wished), devices that fall
// silent, disks that fill, a broker or a sink that is away, a second reader that is not asked. Owns
// one thread; state is in the store, so a restart neither repeats an alarm nor loses one.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/metrics/metrics.h"
#include "server/notify/estimates.h"
#include "server/notify/runner.h"
#include "server/notify/settings.h"
#include "server/notify/slots.h"
#include "server/photo/objects.h"
#include "server/store/alarms.h"
#include "server/store/news.h"

namespace meterlens::notify {

// What the watcher asks of others; called in its thread.
struct Senses {
  photo::ReadFile read_file = photo::Files::read;
  std::vector<std::string> folders;        // whose disks must have room
  std::function<bool()> leads;             // false: another server looks; none: this one
  std::function<bool()> broker_connected;  // none: not watched
  std::function<std::vector<SinkStatus>()> sinks;
  std::function<void(std::int64_t alarm)> changed;  // told of each change of an alarm
};

class Watcher {
 public:
  // `store` and `metrics` outlive it. Nothing happens before start() or look().
  Watcher(const AlarmSettings& settings, Senses senses, store::Store& store,
          metrics::Metrics& metrics, const EstimateSettings& estimates = {});
  ~Watcher();
  void start();
  void stop();

  // One look at everything; the thread does the same. Tests call it.
  void look(std::int64_t now_ms);

  store::AlarmBook& book() { return alarms_; }

 private:
  void run();
  // Raised once, however often it is said; an error is logged.
  void set(store::AlarmKind kind, const std::string& subject, bool is_wrong,
           const std::string& reason, std::int64_t now_ms);
  // The same of many, some hundred in a transaction. False: not all of it could be stored.
  bool set_all(store::AlarmKind kind, const std::vector<store::AlarmBook::Wanted>& wanted,
               bool is_wrong, std::int64_t now_ms);
  void look_at_meters(std::int64_t now_ms);
  void look_at_meter(const std::string& meter, std::int64_t now_ms);
  void look_at_slots(std::int64_t now_ms);
  bool look_at_missing(const std::vector<std::string>& meters, std::int64_t now_ms);
  void look_at_devices(std::int64_t now_ms);
  void look_at_disks(std::int64_t now_ms);
  void look_at_broker(std::int64_t now_ms);
  void look_at_sinks(std::int64_t now_ms);
  void look_at_second(std::int64_t now_ms);
  void count();
  bool load_open();
  void complain(const store::Error& error);

  const AlarmSettings settings_;
  const Senses senses_;
  store::NewsBook news_;
  store::AlarmBook alarms_;
  Slots slots_;
  Estimates estimates_;
  store::Store& store_;
  metrics::Metrics& metrics_;

  bool has_marks_ = false;
  store::Marks marks_;
  std::int64_t broker_away_since_ms_ = 0;
  std::int64_t complained_ms_ = 0;

  // Nobody else raises or clears, so what is open is known without asking.
  std::mutex open_mutex_;
  bool has_open_ = false;
  std::set<std::pair<store::AlarmKind, std::string>> open_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace meterlens::notify
