// What the program says to the service manager that started it: its state and its log. Outside of
// systemd both are what they are on a terminal.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace meterlens::app {

// Takes $NOTIFY_SOCKET out of the environment, so that no program we start speaks for us (mosquitto
// would). Called once, before any thread.
void meet_service();
// Whether a service manager listens, as met.
bool is_service();

// Sends e.g. "READY=1" to what was $NOTIFY_SOCKET (sd_notify(3)); does nothing when there was none.
// Nothing is retried: a service manager that does not listen is no reason to stop.
void tell_service(std::string_view state);

// Log lines go to stdout from `level` on (debug, info, warn, error):
// "2026-05-01 12:00:00.000 info: device m1: appeared". When stdout is the journal, it has the time
// already and takes the level from a prefix (sd-daemon(3)): "<6>device m1: appeared".
void start_log(const std::string& level);

// While it lives the service manager waits for READY, however long the start takes: the database's
// schema may have to be changed, or the database server waited for. Owns a thread.
class Starting {
 public:
  Starting();
  ~Starting();

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace meterlens::app
