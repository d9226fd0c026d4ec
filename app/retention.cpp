#include "app/retention.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <filesystem>

namespace meterlens::app {
namespace {

using namespace std::chrono_literals;

constexpr auto between_sweeps = 1h;
constexpr auto between_transactions = 50ms;
constexpr std::int64_t day_ms = 86'400'000;

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

store::Aging aging_of(const Settings& settings, std::int64_t now_ms) {
  store::Aging aging;
  if (settings.retention_photo_days > 0)
    aging.photos_before_ms = now_ms - settings.retention_photo_days * day_ms;
  if (settings.retention_reading_days > 0)
    aging.readings_before_ms = now_ms - settings.retention_reading_days * day_ms;
  return aging;
}

store::Result<store::Aged> sweep(store::Store& store, store::Aging aging,
                                 const std::function<bool()>& pause) {
  store::Aged all;
  for (;;) {
    auto aged = store.remove_aged(aging);
    if (!aged) return std::unexpected(aged.error());
    for (const std::string& path : aged->paths) {
      // What a crash leaves here is named by `meterlens doctor`.
      std::error_code ignored;
      std::filesystem::remove(path, ignored);
    }
    all.photos += aged->photos;
    all.readings += aged->readings;
    aging = aged->next;
    if (!aged->more || !pause()) return all;
  }
}

Retention::Retention(const Settings& settings, store::Store& store, std::function<bool()> may)
    : settings_(settings), store_(store), may_(std::move(may)) {
  if (settings.retention_photo_days > 0 || settings.retention_reading_days > 0)
    thread_ = std::thread([this] { run(); });
}

Retention::~Retention() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Retention::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [this] { return ending_; });
}

void Retention::run() {
  do {
    if (may_ && !may_()) continue;
    const auto removed = sweep(store_, aging_of(settings_, now_ms()),
                               [this] { return wait(between_transactions); });
    if (!removed) {
      spdlog::warn("retention goes on in an hour: {}", removed.error().message);
    } else if (removed->photos + removed->readings > 0) {
      spdlog::info("retention: {} photos and {} readings were too old and are removed",
                   removed->photos, removed->readings);
    }
  } while (wait(between_sweeps));
}

}  // namespace meterlens::app
