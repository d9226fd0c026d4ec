// The certificates of [tls], read again when their files change and at SIGHUP, so that a renewed
// one needs no restart. One that is no good (half written, key of another, expired) is logged once,
// and the one before goes on. A thread of its own, which the destructor ends.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app/settings.h"
#include "server/door/certificate.h"

namespace meterlens::app {

class Certificates {
 public:
  using Show = std::function<void(const door::Certificate&)>;
  // Reads what is there now, and tells `http` and `mqtt` of each later one, in its thread. Does
  // nothing without files.
  Certificates(const Settings& settings, Show http, Show mqtt);
  ~Certificates();

  static bool has_any(const Settings& settings);
  // Now, not when the thread looks next. Any thread.
  void look();

 private:
  struct One {
    std::string name, chain_file, key_file;
    Show show;
    std::string shown = {};  // chain and key
    std::string wrong = {};  // what was logged last
  };
  void run();
  static void look_at(One& one);

  std::vector<One> all_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hurry_ = false, ending_ = false;
  std::thread thread_;
};

}  // namespace meterlens::app
