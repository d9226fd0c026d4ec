#include "server/share.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace meterlens::server {

using std::chrono::milliseconds;

Share::Share(const ShareSettings& settings, store::Store& store, ingest::QueueLink& link,
             std::function<bool(int)> adopt, std::function<void(int)> drop)
    : settings_(settings),
      leases_(store),
      link_(link),
      adopt_(std::move(adopt)),
      drop_(std::move(drop)),
      thread_([this] { run(); }) {}

Share::~Share() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Share::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    renew();
    leave_on();
    lock.lock();
    // Leaving is looked after more often.
    const auto pause = leaving_.empty() ? milliseconds(settings_.renew_ms) : milliseconds(100);
    changed_.wait_for(lock, pause, [this] { return stopping_; });
  }
  lock.unlock();
  leave_all();
}

void Share::renew() {
  const auto asked = Clock::now();
  const auto share = leases_.share(settings_.worker, settings_.queue_count, settings_.lease_ms);
  if (share) {
    until_ = asked + milliseconds(settings_.lease_ms);
    return follow(*share);
  }
  if (mine_.empty() || Clock::now() < until_) return;
  spdlog::error(fmt::format("the leases of this worker's queues have ended, which are left: {}",
                            share.error().message));
  for (const int queue : std::set(mine_)) lose(queue);
}

void Share::follow(const store::Share& share) {
  for (const int queue : std::set(mine_)) {
    if (std::ranges::find(share.queues, queue) != share.queues.end()) continue;
    spdlog::warn(fmt::format("queue {}: another worker has it", queue));
    lose(queue);
  }
  for (const int queue : share.extra) {
    if (!mine_.contains(queue) || leaving_.contains(queue)) continue;
    link_.leave(queue);
    leaving_[queue] = Clock::now();
  }
  std::size_t taken = 0;
  for (const int queue : share.queues) {
    if (mine_.contains(queue)) continue;
    if (std::ranges::find(share.extra, queue) != share.extra.end()) {
      // Never taken up.
      if (const auto done = leases_.release(settings_.worker, queue); !done) return;
      continue;
    }
    if (!adopt_(queue)) continue;
    mine_.insert(queue);
    link_.take(queue);
    ++taken;
  }
  if (taken > 0)
    spdlog::info(fmt::format("worker {}: {} of {} queues, {} workers are there", settings_.worker,
                             mine_.size() - leaving_.size(), settings_.queue_count, share.workers));
}

// Queues that were left are released once nothing of them is here. What is half here (a photo of a
// SmartDTU) will not become whole any more: it is forgotten before somebody else gets it.
void Share::leave_on() {
  for (auto at = leaving_.begin(); at != leaving_.end();) {
    const auto [queue, since] = *at;
    if (link_.is_taken(queue) || link_.count(queue) > 0) {
      const bool is_late = Clock::now() - since > milliseconds(settings_.leave_ms);
      if (is_late && given_.insert(queue).second) {
        link_.keep(queue);
        drop_(queue);
        link_.give_back(queue);
      }
      ++at;
      continue;
    }
    if (given_.erase(queue) == 0) drop_(queue);
    mine_.erase(queue);
    at = leaving_.erase(at);
    if (const auto done = leases_.release(settings_.worker, queue); !done)
      spdlog::warn(
          fmt::format("queue {} is free when its lease ends: {}", queue, done.error().message));
  }
}

void Share::lose(int queue) {
  link_.leave(queue);
  link_.keep(queue);
  // Before its messages are another's, so that nothing comes of them here any more.
  drop_(queue);
  link_.give_back(queue);
  mine_.erase(queue);
  leaving_.erase(queue);
  given_.erase(queue);
}

void Share::leave_all() {
  for (const int queue : mine_) link_.leave(queue);
  const auto end = Clock::now() + milliseconds(settings_.leave_ms);
  const auto is_open = [this](int queue) {
    return link_.is_taken(queue) || link_.count(queue) > 0;
  };
  while (link_.connected() && Clock::now() < end && std::ranges::any_of(mine_, is_open))
    std::this_thread::sleep_for(milliseconds(20));
  for (const int queue : mine_) drop_(queue);
  if (const auto done = leases_.end(settings_.worker); !done)
    spdlog::warn(fmt::format("queues are free when their leases end: {}", done.error().message));
}

}  // namespace meterlens::server
