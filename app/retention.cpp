#include "app/retention.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <filesystem>

#include "server/clock.h"

namespace meterlens::app {
namespace {

using server::day_ms;
using namespace std::chrono_literals;

constexpr auto between_sweeps = 1h;
constexpr auto between_transactions = 50ms;

}  // namespace

store::Aging aging_of(const Settings& settings, std::int64_t now_ms) {
  store::Aging aging;
  if (settings.retention_photo_days > 0)
    aging.photos_before_ms = now_ms - settings.retention_photo_days * day_ms;
  if (settings.retention_reading_days > 0)
    aging.readings_before_ms = now_ms - settings.retention_reading_days * day_ms;
  if (settings.retention_audit_days > 0)
    aging.audit_before_ms = now_ms - settings.retention_audit_days * day_ms;
  aging.messages_before_ms = now_ms - settings.records_message_days * day_ms;
  return aging;
}

store::Result<store::Aged> sweep(store::Store& store, store::Aging aging,
                                 const std::function<bool()>& pause, photo::Objects* objects) {
  store::Aged all;
  for (;;) {
    auto aged = store.remove_aged(aging);
    if (!aged) return std::unexpected(aged.error());
    for (const std::string& path : aged->paths) {
      // What a crash leaves here is named by `meterlens doctor`.
      std::error_code ignored;
      if (!photo::is_object(path)) std::filesystem::remove(path, ignored);
      else if (objects == nullptr)
        spdlog::warn(fmt::format("retention: nobody can remove the object {}", path));
      else if (const auto gone = objects->remove(path); !gone)
        spdlog::warn(fmt::format("retention: {}: remove it by hand", gone.error().message));
    }
    all.photos += aged->photos;
    all.readings += aged->readings;
    all.messages += aged->messages;
    all.entries += aged->entries;
    aging = aged->next;
    if (!aged->more || !pause()) return all;
  }
}

Retention::Retention(const Settings& settings, store::Store& store,
                     std::shared_ptr<photo::Objects> objects, std::function<bool()> may)
    : settings_(settings), store_(store), objects_(std::move(objects)), may_(std::move(may)) {
  done_.photo_days = settings.retention_photo_days;
  done_.reading_days = settings.retention_reading_days;
  thread_ = std::thread([this] { run(); });
}

Retention::~Retention() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

api::Retained Retention::state() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

bool Retention::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [this] { return ending_; });
}

void Retention::run() {
  do {
    if (may_ && !may_()) continue;
    const auto removed = sweep(store_, aging_of(settings_, server::unix_ms()),
                               [this] { return wait(between_transactions); }, objects_.get());
    if (!removed) {
      spdlog::warn(fmt::format("retention goes on in an hour: {}", removed.error().message));
    } else if (removed->photos + removed->readings + removed->messages + removed->entries > 0) {
      spdlog::info(
          fmt::format("retention: {} photos, {} readings, {} messages and {} entries of the audit "
                      "were too old and are removed",
                      removed->photos, removed->readings, removed->messages, removed->entries));
    }
    const std::lock_guard lock(mutex_);
    done_.looked_ms = server::unix_ms();
    done_.error = removed ? "" : removed.error().message;
    if (removed) {
      done_.photos += removed->photos;
      done_.readings += removed->readings;
    }
  } while (wait(between_sweeps));
}

}  // namespace meterlens::app
