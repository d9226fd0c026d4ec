// Telling the world: alarms, and the sinks that the settings name. Each has a thread of its own;
// nobody else ever waits for them. All that is told follows from rows of the store.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/metrics/metrics.h"
#include "server/notify/runner.h"
#include "server/notify/settings.h"
#include "server/notify/watcher.h"

namespace meterlens::notify {

class Notify {
 public:
  // Starts all. `senses.sinks` is set here. `version` and `host` name this server to others.
  Notify(const Settings& settings, Senses senses, const std::string& version,
         const std::string& host, store::Store& store, metrics::Metrics& metrics);
  ~Notify();

  std::vector<SinkStatus> status() const;
  // Sends a test message and waits for what comes of it, at most the sink's time-out; nothing when
  // no sink has that name. Any thread.
  std::optional<Sent> test(const std::string& sink);

  store::AlarmBook& alarms() { return watcher_->book(); }

 private:
  void add(const std::string& name, std::unique_ptr<Sink> sink, const RunnerLimits& limits,
           store::Store& store, metrics::Metrics& metrics);

  std::vector<std::unique_ptr<Runner>> runners_;
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace meterlens::notify
