#include "reader/batch.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace meterlens::reader {

int thread_count(int wanted, std::size_t photos) {
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  const auto most = static_cast<int>(std::clamp<std::size_t>(photos, 1, 256));
  return std::clamp(wanted > 0 ? wanted : cores, 1, most);
}

void for_each_photo(Reader& first, std::size_t count, int threads,
                    const std::function<void(Reader&, std::size_t)>& work,
                    const std::function<void(std::size_t)>& told) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::condition_variable finished;
  std::vector<bool> done(count);
  const auto run = [&](Reader& reader) {
    for (std::size_t i = next++; i < count; i = next++) {
      work(reader, i);
      {
        const std::lock_guard lock(mutex);
        done[i] = true;
      }
      finished.notify_one();
    }
  };
  std::vector<std::jthread> running;
  for (int i = 1; i < threads; ++i)
    running.emplace_back([&run, reader = first.another()]() mutable { run(reader); });
  running.emplace_back([&run, &first] { run(first); });
  for (std::size_t i = 0; i < count; ++i) {
    {
      std::unique_lock lock(mutex);
      finished.wait(lock, [&] { return done[i]; });
    }
    told(i);
  }
}

}  // namespace meterlens::reader
