// Counts attempts by name and by address, and says when somebody has to wait. Bounded memory;
// time comes from outside (any clock in ms that only rises). Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace meterlens::door {

struct ThrottleLimits {
  int count_max = 10;                   // attempts within `window_ms`, then
  std::int64_t window_ms = 900'000;     // the key is locked until the window has passed
  std::size_t key_count_max = 10'000;   // the oldest are forgotten
};

class Throttle {
 public:
  explicit Throttle(const ThrottleLimits& limits) : limits_(limits) {}

  // 0, or for how long `key` has to wait.
  std::int64_t wait_ms(const std::string& key, std::int64_t now_ms) const;
  // One attempt more; the window begins with the first one, and anew when the last one fills it.
  void count(const std::string& key, std::int64_t now_ms);
  // It was all right.
  void forget(const std::string& key) { attempts_.erase(key); }

 private:
  struct Attempts {
    int count = 0;
    std::int64_t since_ms = 0;
  };
  void make_room(std::int64_t now_ms);

  ThrottleLimits limits_;
  std::map<std::string, Attempts> attempts_;
};

// What attempts of an address are counted under: an IPv6 host has its whole /64.
std::string network_of(const std::string& address);

}  // namespace meterlens::door
