// Inside api/: answers that cost much and may be a little old, each kept for some times as long as
// it took to make. So making them takes a small share of a core however many ask, and one that is
// made quickly is always new. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace meterlens::api {

template <class Value, class Clock = std::chrono::steady_clock>
class Kept {
 public:
  // What takes less than `least` to make is not kept; nothing is kept longer than `most`.
  explicit Kept(typename Clock::duration least, typename Clock::duration most)
      : least_(least), most_(most) {}

  // `make()` gives a Value or, as std::expected does, none; that is given back and not kept.
  template <class Make>
  auto get(const std::string& key, Make make) -> decltype(make()) {
    const auto begun = Clock::now();
    {
      const std::lock_guard lock(mutex_);
      const auto found = answers_.find(key);
      if (found != answers_.end() && begun < found->second.until) return found->second.value;
    }
    // Who asks meanwhile makes another: nobody waits for a slow database behind a lock.
    auto made = make();
    const auto now = Clock::now();
    if (!made || now - begun < least_) return made;
    const std::lock_guard lock(mutex_);
    std::erase_if(answers_, [&](const auto& one) { return one.second.until <= now; });
    if (answers_.size() < count_max)
      answers_.insert_or_assign(key, Answer{*made, now + std::min(most_, times * (now - begun))});
    return made;
  }

 private:
  static constexpr int times = 50;
  static constexpr std::size_t count_max = 100;
  struct Answer {
    Value value;
    typename Clock::time_point until;
  };

  const typename Clock::duration least_, most_;
  std::mutex mutex_;
  std::map<std::string, Answer> answers_;
};

}  // namespace meterlens::api
