// Virtual time and chance, the two things that a simulated world has only one of. Events happen in
// the order of their times, and of their making where times are equal, so a seed tells everything.
// Owns the work that waits; one thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "face/random.h"

namespace meterlens::sim {

inline constexpr std::int64_t second_us = 1'000'000;

// The source that faces are drawn from, with what a world asks of it.
class Random {
 public:
  explicit Random(std::uint64_t seed) : source_(seed) {}

  std::uint64_t next() { return source_.next(); }
  double unit() { return source_.unit(); }  // [0, 1)
  // Below `count`, which is not 0.
  std::uint64_t below(std::uint64_t count) { return next() % count; }
  // From `low` to `high`, both included.
  std::int64_t in(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool chance(double probability) { return probability > 0 && unit() < probability; }
  // How far it is to the next of things that happen once in `mean` on average.
  double gap(double mean) { return -mean * std::log1p(-unit()); }
  // A stream of its own, so that one more draw there changes nothing here.
  Random branch() { return Random(next()); }

 private:
  face::Random source_;
};

class Events {
 public:
  using Work = std::function<void()>;

  std::int64_t now_us() const { return now_us_; }
  std::int64_t now_ms() const { return now_us_ / 1000; }
  void at(std::int64_t due_us, Work work) {
    waiting_.push_back({std::max(due_us, now_us_), next_order_++, std::move(work)});
    std::push_heap(waiting_.begin(), waiting_.end(), later);
  }
  void after(std::int64_t delay_us, Work work) { at(now_us_ + delay_us, std::move(work)); }

  // Does the next event that is due by `until_us`; false, and the time is `until_us`, if none is.
  bool step(std::int64_t until_us) {
    if (waiting_.empty() || waiting_.front().due_us > until_us) {
      now_us_ = std::max(now_us_, until_us);
      return false;
    }
    std::pop_heap(waiting_.begin(), waiting_.end(), later);
    const Event event = std::move(waiting_.back());
    waiting_.pop_back();
    now_us_ = event.due_us;
    ++done_count_;
    event.work();
    return true;
  }
  std::uint64_t done_count() const { return done_count_; }

 private:
  struct Event {
    std::int64_t due_us = 0;
    std::uint64_t order = 0;
    Work work;
  };
  static bool later(const Event& a, const Event& b) {
    return a.due_us != b.due_us ? a.due_us > b.due_us : a.order > b.order;
  }

  std::vector<Event> waiting_;
  std::int64_t now_us_ = 0;
  std::uint64_t next_order_ = 0;
  std::uint64_t done_count_ = 0;
};

}  // namespace meterlens::sim
