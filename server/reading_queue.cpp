#include "server/reading_queue.h"

#include <fmt/format.h>
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
#include "server/clock.h"
#include "server/photo/brightness.h"

namespace meterlens::server {

using metrics::Count;

namespace {

constexpr int judge_tries_max = 5;  // of what somebody has looked at again

std::array<reader::Point, 4> corners_of(const validate::Region& region) {
  std::array<reader::Point, 4> out;
  std::ranges::transform(region, out.begin(), [](const auto& corner) {
    return reader::Point{corner[0], corner[1]};
  });
  return out;
}

// Of a photo's file, or why it is not the photo.
using PhotoBytes = std::expected<std::vector<std::uint8_t>, photo::FileError>;

PhotoBytes bytes_of(const photo::Photo& photo, const photo::ReadFile& read_file) {
  auto bytes = read_file(photo.path, photo::upload_bytes_max);
  // What came over a network is asked for once more.
  if (bytes && photo::is_object(photo.path) && protocol::sha256(*bytes) != photo.sha256)
    bytes = read_file(photo.path, photo::upload_bytes_max);
  if (bytes && protocol::sha256(*bytes) != photo.sha256)
    return std::unexpected(photo::FileError{
        photo::FileErrorCode::failed, "the stored file is not the photo that was received"});
  return bytes;
}

}  // namespace

reader::Known known_of(const validate::Meter& meter, const validate::Reading& accepted,
                       std::int64_t at_ms) {
  reader::Known known;
  // A value without a photo has no window, and may have been typed without its leading zeros.
  if (accepted.photo != 0) {
    known.window = corners_of(accepted.window);
    known.wheels = static_cast<int>(accepted.digits.size());
    // That a reading has none may mean that nobody saw them.
    known.red = meter.decimals;
    if (known.red < 0 && accepted.red > 0) known.red = accepted.red;
  }
  if (at_ms < accepted.at_ms) return known;
  known.earlier = reader::Earlier{accepted.digits, accepted.certain,
                                  static_cast<double>(at_ms - accepted.at_ms) / double{hour_ms},
                                  static_cast<double>(meter.rate_max)};
  return known;
}

struct ReadingQueue::Desk {
  Desk(const ReadingLimits& given, store::Store& its_store, ReadPhoto its_read,
       metrics::Metrics& its_metrics, OnReading its_on_reading, LookAgain its_look_again)
      : limits(given),
        store(its_store),
        read(std::move(its_read)),
        metrics(its_metrics),
        on_reading(std::move(its_on_reading)),
        look_again(std::move(its_look_again)) {}

  const ReadingLimits limits;
  store::Store& store;
  const ReadPhoto read;
  metrics::Metrics& metrics;
  const OnReading on_reading;
  const LookAgain look_again;

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<photo::Photo> waiting;
  std::set<std::string> devices_busy;
  std::set<std::int64_t> photos_busy;
  bool more = true;  // the store may have photos that are not in `waiting`
  bool stopping = false;
  std::vector<std::thread> threads;

  // All that wait may be of devices whose photo somebody looks at again: then others are fetched.
  std::size_t waiting_max() const { return 8 * static_cast<std::size_t>(limits.fetch_max); }
  void run();
  bool step();
  std::optional<photo::Photo> next(std::unique_lock<std::mutex>& lock);
  bool fetch();
  bool is_waiting(std::int64_t photo) const;
  std::optional<photo::Photo> pick();
  enum class Done : std::uint8_t { yes, failed, later };
  Done process(const photo::Photo& photo);
  bool leave(const photo::Photo& photo, Done done);
  std::optional<Look> look_at(const photo::Photo& photo);
  store::Result<std::vector<validate::Watch>> watches_of(const photo::Photo& photo);
  Look::View view_of(const photo::Photo& photo, const PhotoBytes& bytes,
                     const validate::Watch& watch,
                     const std::optional<validate::Reading>& before,
                     const validate::Meter& meter) const;
  photo::Brightness brightness_of(const photo::Photo& photo, protocol::Bytes jpeg) const;
  static std::vector<store::Case> cases_of(const Look& look);
  bool judge(const Look& look);
  void judge_later(const Look& look);
  void count(const validate::Reading& reading);
};

void ReadingQueue::Desk::run() {
  // Taking photos in goes before reading them, which can wait. On Linux this is the thread's own.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 15);
  std::unique_lock lock(mutex);
  while (auto photo = next(lock)) {
    lock.unlock();
    const Done done = process(*photo);
    lock.lock();
    if (!leave(*photo, done)) {
      changed.wait_for(lock, std::chrono::milliseconds(limits.retry_ms),
                       [this] { return stopping; });
    }
    changed.notify_all();
  }
}

// With the mutex held. False: the store failed, and the photo comes again.
bool ReadingQueue::Desk::leave(const photo::Photo& photo, Done done) {
  if (done == Done::later) return true;
  devices_busy.erase(photo.device);
  photos_busy.erase(photo.id);
  if (done == Done::failed) more = true;
  return done == Done::yes;
}

bool ReadingQueue::Desk::step() {
  std::optional<photo::Photo> photo;
  {
    const std::lock_guard lock(mutex);
    photo = pick();
    if (!photo && more && fetch()) photo = pick();
  }
  if (!photo) return false;
  const Done done = process(*photo);
  const std::lock_guard lock(mutex);
  return leave(*photo, done);
}

std::optional<photo::Photo> ReadingQueue::Desk::next(std::unique_lock<std::mutex>& lock) {
  while (!stopping) {
    if (auto photo = pick()) return photo;
    if (more && waiting.size() < waiting_max()) {
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

// Of a queue that was taken up just now there may be older ones.
bool ReadingQueue::Desk::is_waiting(std::int64_t photo) const {
  return std::ranges::find(waiting, photo, &photo::Photo::id) != waiting.end();
}

// False when the store cannot be asked. Called with the mutex held: two threads must not fetch the
// same photos.
bool ReadingQueue::Desk::fetch() {
  more = false;
  const int count = limits.fetch_max + static_cast<int>(photos_busy.size() + waiting.size());
  auto photos = limits.queues ? store.unread_photos(count, limits.queues())
                              : store.unread_photos(count);
  if (!photos) {
    more = true;
    metrics.add(Count::store_errors);
    spdlog::error(fmt::format("photos wait to be read: {}", photos.error().message));
    return false;
  }
  const std::int64_t newest = waiting.empty() ? 0 : waiting.back().id;
  for (photo::Photo& photo : *photos) {
    const bool is_known = limits.queues ? is_waiting(photo.id) : photo.id <= newest;
    if (is_known || photos_busy.contains(photo.id)) continue;
    waiting.push_back(std::move(photo));
    more = true;
  }
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

Look::View ReadingQueue::Desk::view_of(const photo::Photo& photo, const PhotoBytes& bytes,
                                       const validate::Watch& watch,
                                       const std::optional<validate::Reading>& before,
                                       const validate::Meter& meter) const {
  Look::View view;
  validate::Claim& claim = view.claim;
  if (!bytes) {
    claim.status = "unreadable";
    claim.reason = bytes.error().message;
  } else {
    if (before)
      spdlog::debug(fmt::format("device {}: photo {} is of a known meter of {} wheels",
                                photo.device, photo.id, before->digits.size()));
    if (before) view.known = known_of(meter, *before, photo.captured_at_ms);
    // What a person has drawn goes before where the last reading was, and a person's own photo is
    // taken from anywhere.
    if (watch.region) view.known.window = corners_of(*watch.region), view.known.is_drawn = true;
    if (!photo.meter.empty()) view.known.window.reset();
    claim = read(std::as_bytes(std::span(*bytes)), view.known);
  }
  claim.meter = watch.meter;
  claim.device = photo.device;
  claim.photo = photo.id;
  claim.at_ms = photo.captured_at_ms;
  validate::settle_time(claim, photo.received_at_ms);
  return view;
}

store::Result<std::vector<validate::Watch>> ReadingQueue::Desk::watches_of(
    const photo::Photo& photo) {
  if (photo.meter.empty()) return store.watched(photo.device, photo.captured_at_ms);
  validate::Watch watch;
  watch.device = photo.device;
  watch.meter = photo.meter;
  return std::vector{watch};
}

// One view for each meter that the photo shows; nothing when the store failed.
std::optional<Look> ReadingQueue::Desk::look_at(const photo::Photo& photo) {
  const auto watches = watches_of(photo);
  if (!watches) return {};
  Look look{photo, {}};
  const PhotoBytes bytes = bytes_of(photo, limits.read_file);
  if (!bytes && bytes.error().code == photo::FileErrorCode::unreachable) {
    spdlog::error(fmt::format("device {}: photo {} waits to be read: {}", photo.device, photo.id,
                              bytes.error().message));
    return {};
  }
  if (bytes) look.photo.brightness = brightness_of(photo, *bytes);
  for (const validate::Watch& watch : *watches) {
    const auto before = store.newest_accepted(watch.meter);
    const auto meter = store.meter(watch.meter);
    if (!before || (!meter && meter.error().code != store::ErrorCode::not_found)) return {};
    look.views.push_back(view_of(photo, bytes, watch, *before,
                                 meter ? *meter : validate::Meter{}));
    metrics.observe_read_ms(look.views.back().claim.ms);
  }
  return look;
}

std::vector<store::Case> ReadingQueue::Desk::cases_of(const Look& look) {
  std::vector<store::Case> cases;
  for (const Look::View& view : look.views) {
    const validate::Claim& claim = view.claim;
    cases.push_back({claim.meter, claim.at_ms, look.photo.id,
                     [claim](const validate::Past& past) {
                       return validate::judge(claim, past);
                     }});
  }
  if (!cases.empty()) return cases;
  validate::Claim claim;
  claim.meter = claim.device = look.photo.device;
  claim.photo = look.photo.id;
  claim.at_ms = look.photo.captured_at_ms;
  cases.push_back({look.photo.device, claim.at_ms, look.photo.id,
                   [claim](const validate::Past&) { return validate::refuse(claim); }});
  return cases;
}

ReadingQueue::Desk::Done ReadingQueue::Desk::process(const photo::Photo& photo) {
  auto look = look_at(photo);
  if (!look) {
    metrics.add(Count::store_errors);
    return Done::failed;
  }
  if (look_again && !look->views.empty()) {
    look = look_again(*std::move(look), [this](Look again) { judge_later(again); });
    if (!look) return Done::later;
  }
  return judge(*look) ? Done::yes : Done::failed;
}

// False when the store failed: the photo stays unread.
bool ReadingQueue::Desk::judge(const Look& look) {
  const photo::Photo& photo = look.photo;
  auto cases = cases_of(look);
  cases.front().brightness = photo.brightness;
  const auto judged = store.judge(cases, unix_ms());
  if (!judged) {
    metrics.add(Count::store_errors);
    spdlog::error(fmt::format("device {}: reading of photo {} not stored: {}", photo.device,
                              photo.id, judged.error().message));
    return false;
  }
  for (const validate::Reading& reading : judged->readings) count(reading);
  on_reading(photo, *judged);
  return true;
}

// In the other one's thread: what he saw was paid for, so it is not asked again at once when the
// store fails.
void ReadingQueue::Desk::judge_later(const Look& look) {
  bool done = judge(look);
  for (int tries = 1; !done && tries < judge_tries_max; ++tries) {
    std::unique_lock lock(mutex);
    if (changed.wait_for(lock, std::chrono::milliseconds(limits.retry_ms),
                         [this] { return stopping; }))
      break;
    lock.unlock();
    done = judge(look);
  }
  {
    const std::lock_guard lock(mutex);
    leave(look.photo, done ? Done::yes : Done::failed);
  }
  changed.notify_all();
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
                           metrics::Metrics& metrics, OnReading on_reading, LookAgain look_again)
    : desk_(std::make_unique<Desk>(limits, store, std::move(read), metrics, std::move(on_reading),
                                   std::move(look_again))) {
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
