#include "server/door/throttle.h"

#include <algorithm>

namespace meterlens::door {

std::int64_t Throttle::wait_ms(const std::string& key, std::int64_t now_ms) const {
  const auto found = attempts_.find(key);
  if (found == attempts_.end() || found->second.count < limits_.count_max) return 0;
  return std::max<std::int64_t>(found->second.since_ms + limits_.window_ms - now_ms, 0);
}

void Throttle::count(const std::string& key, std::int64_t now_ms) {
  if (attempts_.size() >= limits_.key_count_max && !attempts_.contains(key)) make_room(now_ms);
  Attempts& one = attempts_[key];
  if (one.count == 0 || now_ms - one.since_ms >= limits_.window_ms) one = {0, now_ms};
  if (++one.count == limits_.count_max) one.since_ms = now_ms;
}

void Throttle::make_room(std::int64_t now_ms) {
  std::erase_if(attempts_, [&](const auto& one) {
    return now_ms - one.second.since_ms >= limits_.window_ms;
  });
  if (attempts_.size() < limits_.key_count_max) return;
  attempts_.erase(std::ranges::min_element(attempts_, {}, [](const auto& one) {
    return one.second.since_ms;
  }));
}

std::string network_of(const std::string& address) {
  if (address.find(':') == std::string::npos) return address;
  if (const auto at = address.rfind(':'); address.find('.', at) != std::string::npos)
    return address.substr(at + 1);  // an IPv4 address in IPv6's clothes
  std::size_t end = 0;
  for (int part = 0; part < 4 && end != std::string::npos; ++part) {
    const std::size_t next = address.find(':', end);
    if (next == std::string::npos || address.compare(next, 2, "::") == 0)
      return address.substr(0, next) + "::/64";
    end = next + 1;
  }
  return address.substr(0, end) + ":/64";
}

}  // namespace meterlens::door
