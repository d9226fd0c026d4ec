#include "server/reading_queue.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <expected>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "protocol/message.h"
#include "protocol/settings.h"
#include "server/photo/brightness.h"
#include "server/photo/files.h"

namespace meterlens::server {

using metrics::Count;

namespace {

std::int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::array<reader::Point, 4> corners_of(const validate::Region& region) {
  std::array<reader::Point, 4> out;
  std::ranges::transform(region, out.begin(), [](const auto& corner) {
    return reader::Point{corner[0], corner[1]};
  });
  return out;
}

// Of a photo's file, or why it is not the photo.
using PhotoBytes = std::expected<std::vector<std::uint8_t>, std::string>;

PhotoBytes bytes_of(const photo::Photo& photo) {
  auto bytes = photo::Files::read(photo.path, protocol::photo_bytes_max);
  if (!bytes) return std::unexpected(bytes.error().message);
  if (protocol::sha256(*bytes) != photo.sha256)
    return std::unexpected("the stored file is not the photo that was received");
  return *std::move(bytes);
}

}  // namespace

reader::Known known_of(const validate::Reading& accepted, std::int64_t at_ms) {
  constexpr double hour_ms = 3'600'000;
  reader::Known known;
  // A person's value has no window.
  if (accepted.photo != 0) known.window = corners_of(accepted.window);
  known.wheels = static_cast<int>(accepted.digits.size());
  if (accepted.red > 0) known.red = accepted.red;
  if (at_ms < accepted.at_ms) return known;
  known.earlier = reader::Earlier{accepted.digits, accepted.certain,
                                  static_cast<double>(at_ms - accepted.at_ms) / hour_ms};
  return known;
}

struct ReadingQueue::Desk {
  Desk(const ReadingLimits& given, store::Store& its_store, ReadPhoto its_read,
       metrics::Metrics& its_metrics, OnReading its_on_reading)
      : limits(given),
        store(its_store),
        read(std::move(its_read)),
        metrics(its_metrics),
        on_reading(std::move(its_on_reading)) {}

  const ReadingLimits limits;
  store::Store& store;
  const ReadPhoto read;
  metrics::Metrics& metrics;
  const OnReading on_reading;

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<photo::Photo> waiting;
  std::set<std::string> devices_busy;
  std::set<std::int64_t> photos_busy;
  bool more = true;  // the store may have photos that are not in `waiting`
  bool stopping = false;
  std::vector<std::thread> threads;

  void run();
  bool step();
  std::optional<photo::Photo> next(std::unique_lock<std::mutex>& lock);
  bool fetch();
  std::optional<photo::Photo> pick();
  bool process(const photo::Photo& photo);
  std::optional<std::vector<store::Case>> cases_of(const photo::Photo& photo,
                                                   const PhotoBytes& bytes);
  validate::Claim claim_of(const photo::Photo& photo, const PhotoBytes& bytes,
                           const validate::Watch& watch,
                           const std::optional<validate::Reading>& before) const;
  photo::Brightness brightness_of(const photo::Photo& photo, protocol::Bytes jpeg) const;
  void count(const validate::Reading& reading);
};

void ReadingQueue::Desk::run() {
  // Taking photos in goes before reading them, which can wait. On Linux this is the thread's own.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 15);
  std::unique_lock lock(mutex);
  while (auto photo = next(lock)) {
    lock.unlock();
    const bool done = process(*photo);
    lock.lock();
    devices_busy.erase(photo->device);
    photos_busy.erase(photo->id);
    if (!done) {
      more = true;
      changed.wait_for(lock, std::chrono::milliseconds(limits.retry_ms),
                       [this] { return stopping; });
    }
    changed.notify_all();
  }
}

bool ReadingQueue::Desk::step() {
  std::optional<photo::Photo> photo;
  {
    const std::lock_guard lock(mutex);
    photo = pick();
    if (!photo && more && fetch()) photo = pick();
  }
  if (!photo) return false;
  const bool done = process(*photo);
  const std::lock_guard lock(mutex);
  devices_busy.erase(photo->device);
  photos_busy.erase(photo->id);
  if (!done) more = true;
  return done;
}

std::optional<photo::Photo> ReadingQueue::Desk::next(std::unique_lock<std::mutex>& lock) {
  while (!stopping) {
    if (auto photo = pick()) return photo;
    if (more && waiting.empty()) {
      if (fetch()) continue;
      changed.wait_for(lock, std::chrono::milliseconds(limits.retry_ms));
    } else {
      changed.wait(lock);
    }
  }
  return std::nullopt;
}

// The oldest whose device has no other photo being read.
std::optional<photo::Photo> ReadingQueue::Desk::pick() {
  const auto free = std::find_if(waiting.begin(), waiting.end(), [this](const photo::Photo& photo) {
    return !devices_busy.contains(photo.device);
  });
  if (free == waiting.end()) return std::nullopt;
  photo::Photo photo = std::move(*free);
  waiting.erase(free);
  devices_busy.insert(photo.device);
  photos_busy.insert(photo.id);
  return photo;
}

// False when the store cannot be asked. Called with the mutex held: two threads must not fetch the
// same photos.
bool ReadingQueue::Desk::fetch() {
  more = false;
  auto photos = store.unread_photos(limits.fetch_max + static_cast<int>(photos_busy.size()));
  if (!photos) {
    more = true;
    metrics.add(Count::store_errors);
    spdlog::error("photos wait to be read: {}", photos.error().message);
    return false;
  }
  for (photo::Photo& photo : *photos) {
    if (!photos_busy.contains(photo.id)) waiting.push_back(std::move(photo));
  }
  if (!waiting.empty()) more = true;
  metrics.set(metrics::Gauge::photos_to_read, static_cast<double>(waiting.size()));
  return true;
}

// By the levels that are wished for the device's camera, or the initial ones.
photo::Brightness ReadingQueue::Desk::brightness_of(const photo::Photo& photo,
                                                    protocol::Bytes jpeg) const {
  protocol::SettingValues values(protocol::Part::camera);
  const auto wished = store.settings(photo.device, protocol::Part::camera);
  if (wished && *wished) values.take((*wished)->entries, {});
  return photo::brightness_of(jpeg, values.get("dark_level"), values.get("bright_level"));
}

validate::Claim ReadingQueue::Desk::claim_of(
    const photo::Photo& photo, const PhotoBytes& bytes, const validate::Watch& watch,
    const std::optional<validate::Reading>& before) const {
  validate::Claim claim;
  if (!bytes) {
    claim.status = "unreadable";
    claim.reason = bytes.error();
  } else {
    if (before)
      spdlog::debug("device {}: photo {} is of a known meter of {} wheels", photo.device, photo.id,
                    before->digits.size());
    reader::Known known = before ? known_of(*before, photo.captured_at_ms) : reader::Known{};
    // What a person has drawn goes before where the last reading was.
    if (watch.region) known.window = corners_of(*watch.region);
    claim = read(std::as_bytes(std::span(*bytes)), known);
  }
  claim.meter = watch.meter;
  claim.device = photo.device;
  claim.photo = photo.id;
  claim.at_ms = photo.captured_at_ms;
  validate::settle_time(claim, photo.received_at_ms);
  return claim;
}

// One case for each meter that the photo shows; nothing when the store failed.
std::optional<std::vector<store::Case>> ReadingQueue::Desk::cases_of(const photo::Photo& photo,
                                                                     const PhotoBytes& bytes) {
  const auto watches = store.watched(photo.device, photo.captured_at_ms);
  if (!watches) return {};
  std::vector<store::Case> cases;
  for (const validate::Watch& watch : *watches) {
    const auto before = store.newest_accepted(watch.meter);
    if (!before) return {};
    validate::Claim claim = claim_of(photo, bytes, watch, *before);
    metrics.observe_read_ms(claim.ms);
    const std::int64_t at_ms = claim.at_ms;
    cases.push_back({watch.meter, at_ms, photo.id,
                     [claim = std::move(claim)](const validate::Past& past) {
                       return validate::judge(claim, past);
                     }});
  }
  if (!cases.empty()) return cases;
  validate::Claim claim;
  claim.meter = claim.device = photo.device;
  claim.photo = photo.id;
  claim.at_ms = photo.captured_at_ms;
  cases.push_back({photo.device, claim.at_ms, photo.id,
                   [claim](const validate::Past&) { return validate::refuse(claim); }});
  return cases;
}

// False when the store failed: the photo stays unread and comes again.
bool ReadingQueue::Desk::process(const photo::Photo& photo) {
  const PhotoBytes bytes = bytes_of(photo);
  auto cases = cases_of(photo, bytes);
  if (!cases) {
    metrics.add(Count::store_errors);
    return false;
  }
  if (bytes) cases->front().brightness = brightness_of(photo, *bytes);
  const auto judged = store.judge(*cases, unix_ms());
  if (!judged) {
    metrics.add(Count::store_errors);
    spdlog::error("device {}: reading of photo {} not stored: {}", photo.device, photo.id,
                  judged.error().message);
    return false;
  }
  for (const validate::Reading& reading : judged->readings) count(reading);
  on_reading(photo, *judged);
  return true;
}

void ReadingQueue::Desk::count(const validate::Reading& reading) {
  switch (reading.verdict) {
    case validate::Verdict::accepted:
      return metrics.add(Count::readings_accepted);
    case validate::Verdict::rejected:
      return metrics.add(Count::readings_rejected);
    default:
      return metrics.add(Count::readings_doubtful);
  }
}

ReadingQueue::ReadingQueue(const ReadingLimits& limits, store::Store& store, ReadPhoto read,
                           metrics::Metrics& metrics, OnReading on_reading)
    : desk_(
          std::make_unique<Desk>(limits, store, std::move(read), metrics, std::move(on_reading))) {
  for (int i = 0; i < limits.threads; ++i)
    desk_->threads.emplace_back([desk = desk_.get()] { desk->run(); });
}

ReadingQueue::~ReadingQueue() {
  {
    const std::lock_guard lock(desk_->mutex);
    desk_->stopping = true;
  }
  desk_->changed.notify_all();
  for (std::thread& thread : desk_->threads) thread.join();
}

bool ReadingQueue::read_next() { return desk_->step(); }

void ReadingQueue::wake() {
  {
    const std::lock_guard lock(desk_->mutex);
    desk_->more = true;
  }
  desk_->changed.notify_all();
}

std::size_t ReadingQueue::backlog() const {
  const std::lock_guard lock(desk_->mutex);
  return desk_->waiting.size() + desk_->photos_busy.size();
}

}  // namespace meterlens::server
