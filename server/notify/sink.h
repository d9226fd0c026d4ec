// Somebody who is told the news. A sink is driven by one runner; it may wait for the network.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>

#include "server/store/news.h"

namespace meterlens::notify {

// What kind of thing went wrong, for who has it in another language.
enum class Trouble : std::uint8_t {
  other,
  no_answer,      // nobody is there, the connection broke, or TLS does not trust it
  redirect,
  not_let_in,     // a wrong secret, token or password
  wrong_address,  // somebody is there, but not what is meant
  not_taken,      // somebody is there and refuses the message
};
const char* name(Trouble trouble);  // as the API says it

struct Sent {
  enum class Outcome : std::uint8_t {
    done,
    later,    // nobody is there, or cannot now: tried again
    refused,  // it will never be taken as it is
  };
  Outcome outcome = Outcome::done;
  std::string error;  // what happened and what to do; without secrets
  Trouble trouble = Trouble::other;
  bool good() const { return outcome == Outcome::done; }
};

inline Sent later(std::string error, Trouble trouble = Trouble::other) {
  return {Sent::Outcome::later, std::move(error), trouble};
}
inline Sent refused(std::string error, Trouble trouble = Trouble::not_taken) {
  return {Sent::Outcome::refused, std::move(error), trouble};
}

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
