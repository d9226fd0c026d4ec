// Asks a second reader about photos that the first one has read, where the policy wants it: a
// bounded queue and threads of its own, so that a slow provider holds up nobody else. What comes
// too much, or cannot be asked, goes on with the local result and the reason. What waits is lost
// with the process: the photo is unread in the store then, and comes again. Thread-safe.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/metrics/metrics.h"
#include "server/reading_queue.h"
#include "server/second/baidu.h"
#include "server/store/store.h"

namespace meterlens::server {

struct SecondSettings {
  second::Policy policy = second::Policy::local;  // of meters that have none of their own
  std::optional<second::Keys> keys = {};          // nothing: nobody is asked
  second::BaiduSettings baidu = {};
  bool whole_photo = false;  // else the window of the register, where the local reader found it
  double sure = 0.9;         // second::settle
  int threads = 2;
  photo::ReadFile read_file = photo::Files::read;
  std::size_t photos_max = 1000;  // that wait; further ones are not asked about
};

class SecondQueue {
 public:
  SecondQueue(const SecondSettings& settings, store::Store& store, metrics::Metrics& metrics);
  ~SecondQueue();
  SecondQueue(const SecondQueue&) = delete;
  SecondQueue& operator=(const SecondQueue&) = delete;

  // As LookAgain.
  std::optional<Look> look_again(Look look, std::function<void(Look)> done);
  // Whether the provider takes the keys; waits for its answer. The error is for people.
  std::expected<void, std::string> try_keys();
  // Ends the threads; `done` is called no more, and nothing is taken any more.
  void close();

 private:
  struct Desk;
  std::unique_ptr<Desk> desk_;
};

}  // namespace meterlens::server
