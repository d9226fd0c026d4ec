#include "server/api/slow_thread.h"

#include <utility>

namespace meterlens::api {

SlowThread::SlowThread(std::size_t waiting_max)
    : waiting_max_(waiting_max), thread_([this] { run(); }) {}

bool SlowThread::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stop_ || waiting_.size() >= waiting_max_) return false;
    waiting_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

void SlowThread::stop() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    dropped.swap(waiting_);
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void SlowThread::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    const auto work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

}  // namespace meterlens::api
