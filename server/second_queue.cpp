#include "server/second_queue.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "server/clock.h"
#include "server/second/picture.h"
#include "server/second/settle.h"
#include "server/validate/decimal.h"

namespace meterlens::server {
namespace {

using metrics::Count;
using second::Heard;
using second::Hint;
using second::Policy;
using second::Stop;

double chance() {
  thread_local std::mt19937 engine(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(engine);
}

second::Window window_of(const validate::Claim& claim) {
  second::Window out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = {claim.window[i][0], claim.window[i][1]};
  return out;
}

// What the register may show now, from what it last showed.
void add_history(Hint& hint, const reader::Earlier& earlier, std::int64_t rate_max) {
  if (hint.wheels == 0 || static_cast<int>(earlier.digits.size()) != hint.wheels) return;
  const int unknown = std::clamp(hint.wheels - earlier.certain, 0, hint.wheels);
  std::int64_t count = 0;
  for (const char c : earlier.digits) count = count * 10 + (c - '0');
  const std::int64_t unit = validate::power_of_ten(unknown);
  const std::int64_t full = validate::power_of_ten(hint.wheels);
  const double used = rate_max > 0 ? static_cast<double>(rate_max) * std::max(earlier.hours, 1.0)
                                   : static_cast<double>(full) / 10;
  hint.low = count - count % unit;
  hint.high = *hint.low + unit - 1 + static_cast<std::int64_t>(
                                         std::min(used, static_cast<double>(full)));
}

Hint hint_of(const Look::View& view, const validate::Meter& meter) {
  Hint hint;
  const validate::Claim& claim = view.claim;
  hint.wheels = meter.wheels > 0 ? meter.wheels : view.known.wheels;
  if (hint.wheels == 0 && claim.status == "read")
    hint.wheels = static_cast<int>(claim.digits.size());
  hint.red = meter.decimals >= 0 ? meter.decimals : view.known.red;
  if (hint.red < 0 && claim.red > 0) hint.red = claim.red;
  if (view.known.earlier) add_history(hint, *view.known.earlier, meter.rate_max);
  return hint;
}

}  // namespace

struct SecondQueue::Desk {
  struct Job {
    Look look;
    std::vector<Policy> policies;  // one a view
    std::function<void(Look)> done;
  };

  Desk(const SecondSettings& given, store::Store& its_store, metrics::Metrics& its_metrics)
      : settings(given), store(its_store), metrics(its_metrics) {}

  const SecondSettings settings;
  store::Store& store;
  metrics::Metrics& metrics;
  std::atomic<bool> stopping = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> waiting;
  std::mutex stop_mutex;
  std::optional<second::Baidu> baidu;
  std::vector<std::thread> threads;

  void open();
  second::Book book();
  second::World world();
  void stop(const Stop& stop);
  void run();
  Policy policy_of(const std::string& meter);
  void work(Job& job);
  Heard hear(const photo::Photo& photo, const Look::View& view);
};

void SecondQueue::Desk::open() {
  if (!settings.keys) return;
  // Somebody may have mended it: the next start is somebody's word.
  const auto stopped = store.second_stop();
  const bool is_mended = stopped && (stopped->kind == Stop::Kind::configuration ||
                                     stopped->kind == Stop::Kind::fault);
  if (is_mended && !store.save_second_stop({})) spdlog::error("the second reader stays stopped");
  baidu.emplace(settings.baidu, *settings.keys, book(), world());
  for (int i = 0; i < settings.threads; ++i) threads.emplace_back([this] { run(); });
}

second::Book SecondQueue::Desk::book() {
  second::Book out;
  out.billed = [this](std::int64_t day) -> std::optional<std::int64_t> {
    const auto billed = store.second_billed(day);
    if (!billed) return std::nullopt;
    return *billed;
  };
  out.add = [this](const second::Use& use) {
    metrics.add(Count::second_calls, static_cast<std::uint64_t>(use.calls));
    metrics.add(Count::second_billed, static_cast<std::uint64_t>(use.billed));
    if (const auto added = store.add_second_use(use); !added) {
      metrics.add(Count::store_errors);
      spdlog::error(fmt::format("meter {}: a call of the second reader is not counted: {}",
                                use.meter, added.error().message));
    }
  };
  out.stopped = [this] { return store.second_stop().value_or(Stop{}); };
  out.stop = [this](const Stop& why) { stop(why); };
  return out;
}

second::World SecondQueue::Desk::world() {
  second::World out;
  out.post = [this](const second::Post& request) { return second::post(request, stopping); };
  out.unix_ms = unix_ms;
  out.steady_ms = steady_ms;
  out.wait = [this](std::int64_t ms) {
    std::unique_lock lock(mutex);
    return !changed.wait_for(lock, std::chrono::milliseconds(ms),
                             [this] { return stopping.load(); });
  };
  out.chance = chance;
  return out;
}

// Several threads may hear of the same at once; it is told once.
void SecondQueue::Desk::stop(const Stop& why) {
  const std::lock_guard lock(stop_mutex);
  const auto before = store.second_stop();
  if (before && before->kind == why.kind && before->until_ms == why.until_ms) return;
  spdlog::warn(fmt::format("the second reader is not asked any more: {}", why.reason));
  if (const auto saved = store.save_second_stop(why); !saved) metrics.add(Count::store_errors);
}

void SecondQueue::Desk::run() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return stopping || !waiting.empty(); });
    if (stopping) return;
    Job job = std::move(waiting.front());
    waiting.pop_front();
    lock.unlock();
    work(job);
    if (!stopping) job.done(std::move(job.look));
    lock.lock();
  }
}

Policy SecondQueue::Desk::policy_of(const std::string& meter) {
  const auto edits = store.second_policies(meter, 1);
  const bool has_own = edits && !edits->empty() && edits->front().policy;
  return has_own ? *edits->front().policy : settings.policy;
}

void SecondQueue::Desk::work(Job& job) {
  for (std::size_t i = 0; i < job.policies.size(); ++i) {
    Look::View& view = job.look.views[i];
    if (second::why_not_asked(job.policies[i], view.claim)) continue;
    const Heard heard = hear(job.look.photo, view);
    if (stopping) return;
    if (!heard.choice) metrics.add(Count::second_unanswered);
    view.claim = second::settle(job.policies[i], std::move(view.claim), heard, settings.sure);
  }
}

Heard SecondQueue::Desk::hear(const photo::Photo& photo, const Look::View& view) {
  Heard heard;
  const auto bytes = settings.read_file(photo.path, photo::upload_bytes_max);
  if (!bytes) {
    heard.why_none = bytes.error().message;
    return heard;
  }
  const auto whole = settings.whole_photo ? std::nullopt : std::optional(window_of(view.claim));
  const auto prepared = second::prepare(std::as_bytes(std::span(*bytes)), whole);
  if (!prepared) {
    heard.why_none = prepared.error();
    return heard;
  }
  auto words = baidu->ask(view.claim.meter, prepared->field);
  if (!words) {
    heard.asked = words.error().asked;
    heard.why_none = words.error().reason;
    return heard;
  }
  heard.asked = true;
  heard.words = *std::move(words);
  const auto meter = store.meter(view.claim.meter);
  Hint hint = hint_of(view, meter.value_or(validate::Meter{}));
  hint.window = prepared->window;
  auto choice = second::choose(heard.words, hint);
  if (choice) heard.choice = *std::move(choice);
  if (!heard.choice) heard.why_none = choice.error();
  return heard;
}

SecondQueue::SecondQueue(const SecondSettings& settings, store::Store& store,
                         metrics::Metrics& metrics)
    : desk_(std::make_unique<Desk>(settings, store, metrics)) {
  desk_->open();
}

SecondQueue::~SecondQueue() { close(); }

void SecondQueue::close() {
  {
    const std::lock_guard lock(desk_->mutex);
    desk_->stopping = true;
    desk_->waiting.clear();
  }
  desk_->changed.notify_all();
  for (std::thread& thread : desk_->threads) thread.join();
  desk_->threads.clear();
}

std::expected<void, std::string> SecondQueue::try_keys() {
  if (!desk_->baidu) return std::unexpected("it has no keys: see [second] in the settings");
  return desk_->baidu->try_keys();
}

std::optional<Look> SecondQueue::look_again(Look look, std::function<void(Look)> done) {
  Desk::Job job;
  bool is_wanted = false;
  for (const Look::View& view : look.views) {
    job.policies.push_back(desk_->policy_of(view.claim.meter));
    is_wanted |= !second::why_not_asked(job.policies.back(), view.claim);
  }
  if (!is_wanted) return look;
  Heard none;
  {
    const std::lock_guard lock(desk_->mutex);
    if (desk_->stopping) return std::nullopt;
    if (desk_->baidu && desk_->waiting.size() < desk_->settings.photos_max) {
      job.look = std::move(look);
      job.done = std::move(done);
      desk_->waiting.push_back(std::move(job));
      desk_->changed.notify_all();
      return std::nullopt;
    }
    none.why_none = desk_->baidu ? "too many photos wait for it" : "it has no keys";
  }
  desk_->metrics.add(Count::second_unanswered);
  for (std::size_t i = 0; i < look.views.size(); ++i) {
    validate::Claim& claim = look.views[i].claim;
    if (second::why_not_asked(job.policies[i], claim)) continue;
    claim = second::settle(job.policies[i], std::move(claim), none, desk_->settings.sure);
  }
  return look;
}

}  // namespace meterlens::server
