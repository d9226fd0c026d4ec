#include "server/notify/watcher.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "server/clock.h"

namespace meterlens::notify {
namespace {

using store::AlarmKind;
using server::hour_ms;
using server::unix_ms;

constexpr const char* mark_name = "alarms";
constexpr int page_count = 1000;
constexpr std::int64_t rows_max = 5000;  // looked at in one go
constexpr std::size_t group_max = 500;   // alarms in one transaction
constexpr int slot_pages_max = 20;       // in one go
constexpr std::int64_t complain_ms = 60'000;
// An alarm ends well below where it begins, so that it does not flutter.
constexpr int percent_back = 20;
constexpr std::int64_t disk_back_percent = 110;

}  // namespace

Watcher::Watcher(const AlarmSettings& settings, Senses senses, store::Store& store,
                 metrics::Metrics& metrics, const EstimateSettings& estimates)
    : settings_(settings),
      senses_(std::move(senses)),
      news_(store),
      alarms_(store),
      slots_(store, metrics),
      estimates_(estimates, store, metrics),
      store_(store),
      metrics_(metrics) {}

Watcher::~Watcher() { stop(); }

void Watcher::start() {
  thread_ = std::thread([this] { run(); });
}

void Watcher::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watcher::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    look(unix_ms());
    lock.lock();
    wake_.wait_for(lock, std::chrono::seconds(settings_.period_s), [this] { return stopping_; });
  }
}

void Watcher::look(std::int64_t now_ms) {
  if (senses_.leads && !senses_.leads()) {
    // What another one does meanwhile is read anew.
    const std::lock_guard lock(open_mutex_);
    has_marks_ = has_open_ = false;
    open_.clear();
    slots_.forget();
    return;
  }
  look_at_meters(now_ms);
  look_at_slots(now_ms);
  if (const auto done = estimates_.look(now_ms); !done) complain(done.error());
  look_at_devices(now_ms);
  look_at_disks(now_ms);
  look_at_broker(now_ms);
  look_at_sinks(now_ms);
  look_at_second(now_ms);
  count();
}

void Watcher::set(AlarmKind kind, const std::string& subject, bool is_wrong,
                  const std::string& reason, std::int64_t now_ms) {
  set_all(kind, {{subject, reason}}, is_wrong, now_ms);
}

bool Watcher::set_all(AlarmKind kind, const std::vector<store::AlarmBook::Wanted>& wanted,
                      bool is_wrong, std::int64_t now_ms) {
  const std::lock_guard lock(open_mutex_);
  if (!load_open()) return false;
  auto news = wanted;
  std::erase_if(news, [&](const auto& one) {
    return open_.contains({kind, one.subject}) == is_wrong;
  });
  for (std::size_t from = 0; from < news.size(); from += group_max) {
    const auto group = std::span(news).subspan(from, std::min(group_max, news.size() - from));
    const auto changed = alarms_.set_all(kind, group, is_wrong, now_ms);
    if (!changed) {
      complain(changed.error());
      return false;
    }
    for (const auto& [subject, reason] : group) {
      if (is_wrong) open_.emplace(kind, subject);
      else open_.erase({kind, subject});
    }
    for (const store::Alarm& alarm : *changed) {
      spdlog::warn(fmt::format("alarm {} {}{}{}{}", alarm.id, store::name(kind),
                               alarm.subject.empty() ? "" : " of ", alarm.subject,
                               is_wrong ? ": " + alarm.reason : ": ended"));
      if (senses_.changed) senses_.changed(alarm.id);
    }
  }
  return true;
}

// With the lock held.
bool Watcher::load_open() {
  if (has_open_) return true;
  for (std::int64_t before = 0;;) {
    const auto open =
        alarms_.alarms({.open = true, .before_id = before, .count_max = page_count});
    if (!open) {
      complain(open.error());
      return false;
    }
    for (const store::Alarm& alarm : *open) {
      before = alarm.id;
      open_.emplace(alarm.kind, alarm.subject);
    }
    if (open->size() < page_count) break;
  }
  has_open_ = true;
  return true;
}

void Watcher::look_at_meters(std::int64_t now_ms) {
  if (!has_marks_) {
    const auto marks = news_.marks(mark_name);
    if (!marks) return complain(marks.error());
    marks_ = *marks;
    has_marks_ = true;
  }
  auto ends = news_.ends();
  if (!ends) return complain(ends.error());
  ends->reading = std::min(ends->reading, marks_.reading + rows_max);
  ends->review = std::min(ends->review, marks_.review + rows_max);
  if (ends->reading == marks_.reading && ends->review == marks_.review) return;
  const auto touched = news_.touched(marks_, *ends);
  if (!touched) return complain(touched.error());
  const auto late = slots_.book().close(*touched, now_ms);
  if (!late) return complain(late.error());
  metrics_.add(metrics::Count::slots_late, static_cast<std::uint64_t>(*late));
  if (!look_at_missing(*touched, now_ms)) return;
  for (const std::string& meter : *touched) {
    {
      // The mark stays where it is: they are looked at after the next start.
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    look_at_meter(meter, now_ms);
  }
  for (const auto& [stream, to] : {std::pair{store::Stream::reading, ends->reading},
                                   std::pair{store::Stream::review, ends->review}}) {
    if (const auto done = news_.advance(mark_name, stream, to); !done)
      return complain(done.error());
  }
  marks_ = *ends;
}

void Watcher::look_at_meter(const std::string& meter, std::int64_t now_ms) {
  const auto newest = store_.newest_accepted(meter);
  if (!newest) return complain(newest.error());
  const auto flagged = [&](validate::Flag flag) {
    return newest->has_value() && ((*newest)->flags & bit(flag)) != 0;
  };
  const auto said = [&](const char* otherwise) {
    const bool has_reason = newest->has_value() && !(*newest)->reasons.empty();
    return has_reason ? (*newest)->reasons.back() : std::string(otherwise);
  };
  if (settings_.leak) {
    const bool leaks = flagged(validate::Flag::continuous_flow);
    set(AlarmKind::leak, meter, leaks, leaks ? said("continuous flow") : "the flow has paused",
        now_ms);
  }
  if (settings_.stuck) {
    const bool stuck = flagged(validate::Flag::stuck);
    set(AlarmKind::stuck, meter, stuck, stuck ? said("stands still") : "it moves again", now_ms);
  }
  if (settings_.doubtful_percent == 0) return;
  const auto doubts = news_.doubts(meter, static_cast<int>(settings_.doubtful_photos));
  if (!doubts) return complain(doubts.error());
  if (doubts->photos < settings_.doubtful_photos) return;
  const std::int64_t percent = 100 * doubts->doubtful / doubts->photos;
  const std::string reason =
      fmt::format("{} of the last {} photos gave no reading that counts: look at the newest photo",
                  doubts->doubtful, doubts->photos);
  if (percent >= settings_.doubtful_percent) set(AlarmKind::doubtful, meter, true, reason, now_ms);
  if (percent <= std::max<std::int64_t>(settings_.doubtful_percent - percent_back, 0))
    set(AlarmKind::doubtful, meter, false, reason, now_ms);
}

// Readings that schedules wanted and that did not come. What is noted and not alarmed yet when the
// server ends is found again.
void Watcher::look_at_slots(std::int64_t now_ms) {
  for (int page = 0; page < slot_pages_max; ++page) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    const auto meters = slots_.next(now_ms);
    if (!meters) return complain(meters.error());
    if (!*meters || !look_at_missing(**meters, now_ms)) return;
    if (const auto done = slots_.done(); !done) return complain(done.error());
  }
}

bool Watcher::look_at_missing(const std::vector<std::string>& meters, std::int64_t now_ms) {
  if (settings_.missing_slots == 0 || meters.empty()) return true;
  const auto waiting = slots_.book().waiting(meters);
  if (!waiting) {
    complain(waiting.error());
    return false;
  }
  std::vector<store::AlarmBook::Wanted> wrong, good;
  for (const std::string& meter : meters) {
    const auto found = waiting->find(meter);
    if (found == waiting->end()) {
      good.push_back({meter, "a reading has come"});
    } else if (found->second >= settings_.missing_slots) {
      wrong.push_back({meter, fmt::format("{} readings that schedules wanted have not come since "
                                          "the last one: the meter's page says why",
                                          found->second)});
    }
  }
  return set_all(AlarmKind::missing, wrong, true, now_ms) &&
         set_all(AlarmKind::missing, good, false, now_ms);
}

void Watcher::look_at_devices(std::int64_t now_ms) {
  if (settings_.silent_h == 0) return;
  const auto silent = news_.silent_devices(now_ms - settings_.silent_h * hour_ms);
  if (!silent) return complain(silent.error());
  const std::set<std::string> now_silent(silent->begin(), silent->end());
  std::vector<std::string> before;
  {
    const std::lock_guard lock(open_mutex_);
    if (!load_open()) return;
    for (const auto& [kind, device] : open_) {
      if (kind == AlarmKind::silent && !now_silent.contains(device)) before.push_back(device);
    }
  }
  std::vector<store::AlarmBook::Wanted> heard, lost;
  for (const std::string& device : before) heard.push_back({device, "it is heard again, or gone"});
  const std::string reason = fmt::format(
      "nothing heard for {} h: check its power, signal and SIM", settings_.silent_h);
  for (const std::string& device : now_silent) lost.push_back({device, reason});
  if (set_all(AlarmKind::silent, heard, false, now_ms))
    set_all(AlarmKind::silent, lost, true, now_ms);
}

void Watcher::look_at_disks(std::int64_t now_ms) {
  if (settings_.disk_free_mb == 0) return;
  for (const std::string& folder : senses_.folders) {
    struct statvfs disk {};
    if (statvfs(folder.c_str(), &disk) != 0) {
      // A folder that is not there yet has no disk; it is made with the first photo.
      if (errno == ENOENT) continue;
      set(AlarmKind::disk, folder, true, std::strerror(errno), now_ms);
      continue;
    }
    const auto free_mb = static_cast<std::int64_t>(disk.f_bavail * (disk.f_frsize / 1024) / 1024);
    const std::string reason = fmt::format("{} MiB free, {} wanted: make room, or keep less",
                                           free_mb, settings_.disk_free_mb);
    if (free_mb < settings_.disk_free_mb) set(AlarmKind::disk, folder, true, reason, now_ms);
    if (free_mb >= settings_.disk_free_mb * disk_back_percent / 100)
      set(AlarmKind::disk, folder, false, reason, now_ms);
  }
}

void Watcher::look_at_broker(std::int64_t now_ms) {
  if (settings_.broker_s == 0 || !senses_.broker_connected) return;
  if (senses_.broker_connected()) {
    broker_away_since_ms_ = 0;
    return set(AlarmKind::broker, "", false, "connected again", now_ms);
  }
  if (broker_away_since_ms_ == 0 || broker_away_since_ms_ > now_ms) broker_away_since_ms_ = now_ms;
  if (now_ms - broker_away_since_ms_ < settings_.broker_s * 1000) return;
  set(AlarmKind::broker, "", true,
      fmt::format("no connection to the MQTT broker for {} s: nothing comes from devices; the log "
                  "says why", (now_ms - broker_away_since_ms_) / 1000),
      now_ms);
}

void Watcher::look_at_sinks(std::int64_t now_ms) {
  if (settings_.sink_m == 0 || !senses_.sinks) return;
  for (const SinkStatus& sink : senses_.sinks()) {
    if (sink.failing_since_ms == 0) {
      set(AlarmKind::sink, sink.name, false, "told again", now_ms);
    } else if (now_ms - sink.failing_since_ms >= settings_.sink_m * 60'000) {
      set(AlarmKind::sink, sink.name, true,
          fmt::format("cannot be told for {} min: {}", (now_ms - sink.failing_since_ms) / 60'000,
                      sink.last_error),
          now_ms);
    }
  }
}

// It stops itself (a quota, a refused account) and goes on by itself or when somebody says so; all
// of that is a row, so nothing is missed here.
void Watcher::look_at_second(std::int64_t now_ms) {
  const auto stop = store_.second_stop();
  if (!stop) return complain(stop.error());
  const bool is_stopped = stop->kind != second::Stop::Kind::none &&
                          (stop->until_ms == 0 || now_ms < stop->until_ms);
  set(AlarmKind::quota, "baidu", is_stopped, is_stopped ? stop->reason : "it is asked again",
      now_ms);
}

void Watcher::count() {
  const auto counts = alarms_.open_counts();
  if (!counts) return complain(counts.error());
  for (const auto& [kind, count] : *counts) metrics_.set_alarms_open(store::name(kind), count);
}

void Watcher::complain(const store::Error& error) {
  metrics_.add(metrics::Count::store_errors);
  const std::int64_t now_ms = unix_ms();
  const std::lock_guard lock(mutex_);
  if (complained_ms_ != 0 && now_ms - complained_ms_ < complain_ms) return;
  complained_ms_ = now_ms;
  spdlog::error(fmt::format("alarms: {}", error.message));
}

}  // namespace meterlens::notify
