// Somebody who is told the news. A sink is driven by one runner; it may wait for the network.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>

#include "server/store/news.h"

namespace meterlens::notify {

struct Sent {
  enum class Outcome : std::uint8_t {
    done,
    later,    // nobody is there, or cannot now: tried again
    refused,  // it will never be taken as it is
  };
  Outcome outcome = Outcome::done;
  std::string error;  // what happened and what to do; without secrets
  bool good() const { return outcome == Outcome::done; }
};

inline Sent later(std::string error) { return {Sent::Outcome::later, std::move(error)}; }
inline Sent refused(std::string error) { return {Sent::Outcome::refused, std::move(error)}; }

class Sink {
 public:
  virtual ~Sink() = default;
  virtual bool wants(store::Stream stream) const = 0;
  virtual int batch_max() const = 0;
  // All of them or none. In the runner's thread, as keep_up().
  virtual Sent send(std::span<const store::News> news) = 0;
  // Every turn, also without news: what follows from time and connections.
  virtual Sent keep_up(std::int64_t) { return {}; }
  // Sends something that changes nothing at the other end. Any thread.
  virtual Sent test() = 0;
  // What waits ends soon, and nothing waits any more. Any thread.
  void stop() { stopping_ = true; }

 protected:
  std::atomic<bool> stopping_{false};
};

}  // namespace meterlens::notify
