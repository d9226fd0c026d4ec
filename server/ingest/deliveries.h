// What a worker was handed out by RabbitMQ and has not acknowledged: a message is acknowledged
// once what came of it is durable, or can be asked for again. Thread-safe. Memory: as many entries
// as the prefetch of all queues allows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace meterlens::ingest {

class Deliveries {
 public:
  // Its number, from 1, rising. `device`: whose message may have to be held, see settled(); empty:
  // nobody's.
  std::uint64_t add(std::uint64_t tag, int queue, std::string device) {
    const std::lock_guard lock(mutex_);
    held_.push_back({++last_, tag, queue, std::move(device)});
    ++counts_[queue];
    return last_;
  }

  // All up to this number are dealt with, but for those of devices that `is_open` says are in the
  // middle of something which exists nowhere else. Of those at most `open_max` of a queue stay, the
  // newest; how many older ones were let go is returned.
  std::size_t settled(std::uint64_t upto, const std::function<bool(const std::string&)>& is_open,
                      std::size_t open_max) {
    const std::lock_guard lock(mutex_);
    dealt_with_ = std::max(dealt_with_, upto);
    std::deque<Held> kept;
    std::map<int, std::size_t> open;
    const auto is_untouched = [&](const Held& one) {
      return one.number > upto || kept_.contains(one.queue);
    };
    for (Held& one : held_) {
      if (is_untouched(one)) {
        kept.push_back(std::move(one));
      } else if (!one.device.empty() && is_open(one.device)) {
        ++open[one.queue];
        kept.push_back(std::move(one));
      } else {
        let_go(one);
      }
    }
    std::size_t early = 0;
    held_.clear();
    for (Held& one : kept) {
      if (!is_untouched(one) && open[one.queue] > open_max) {
        --open[one.queue];
        ++early;
        let_go(one);
      } else {
        held_.push_back(std::move(one));
      }
    }
    return early;
  }

  // Nothing of this queue is dealt with any more, or it is again.
  void keep(int queue, bool keeps) {
    const std::lock_guard lock(mutex_);
    if (keeps) kept_.insert(queue);
    else kept_.erase(queue);
  }
  // A message without a number: it is dealt with once it is sent_on().
  void send_on(std::uint64_t tag) {
    const std::lock_guard lock(mutex_);
    on_their_way_.insert(tag);
  }
  void sent_on(const std::vector<std::uint64_t>& tags) {
    const std::lock_guard lock(mutex_);
    for (const std::uint64_t tag : tags)
      if (on_their_way_.erase(tag) != 0) settled_.push_back(tag);
  }
  // It is dealt with, and stays because it is of something unfinished.
  bool is_held(std::uint64_t number) const {
    const std::lock_guard lock(mutex_);
    const auto at = std::ranges::lower_bound(held_, number, {}, &Held::number);
    return at != held_.end() && at->number == number && number <= dealt_with_ &&
           !kept_.contains(at->queue);
  }
  // The tags to be acknowledged now, rising.
  struct Settled {
    std::uint64_t upto = 0;  // all that is handed out up to here, with one word; 0: nothing
    std::vector<std::uint64_t> tags;  // and these
  };
  Settled take_settled() {
    const std::lock_guard lock(mutex_);
    Settled out;
    out.tags = std::exchange(settled_, {});
    std::ranges::sort(out.tags);
    // Tags rise with the numbers.
    auto first = held_.empty() ? out.tags.end()
                               : std::ranges::lower_bound(out.tags, held_.front().tag);
    if (!on_their_way_.empty())
      first = std::min(first, std::ranges::lower_bound(out.tags, *on_their_way_.begin()));
    if (first == out.tags.begin()) return out;
    out.upto = *std::prev(first);
    out.tags.erase(out.tags.begin(), first);
    return out;
  }
  // The tags of a queue's messages that somebody else shall have.
  std::vector<std::uint64_t> give_back(int queue) {
    const std::lock_guard lock(mutex_);
    std::vector<std::uint64_t> tags;
    std::erase_if(held_, [&](const Held& one) {
      if (one.queue == queue) tags.push_back(one.tag);
      return one.queue == queue;
    });
    counts_.erase(queue);
    return tags;
  }
  // The connection is gone: whoever is next gets all of them.
  void forget() {
    const std::lock_guard lock(mutex_);
    held_.clear();
    counts_.clear();
    on_their_way_.clear();
    settled_.clear();
  }
  std::size_t count(int queue) const {
    const std::lock_guard lock(mutex_);
    const auto at = counts_.find(queue);
    return at == counts_.end() ? 0 : at->second;
  }
  std::uint64_t last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  struct Held {
    std::uint64_t number, tag;
    int queue;
    std::string device;
  };
  void let_go(const Held& one) {
    settled_.push_back(one.tag);
    --counts_[one.queue];
  }

  mutable std::mutex mutex_;
  std::deque<Held> held_;
  std::map<int, std::size_t> counts_;
  std::set<int> kept_;                   // queues whose messages somebody else shall have
  std::set<std::uint64_t> on_their_way_;
  std::vector<std::uint64_t> settled_;
  std::uint64_t last_ = 0, dealt_with_ = 0;
};

}  // namespace meterlens::ingest
