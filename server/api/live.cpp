#include "server/api/live.h"

#include <algorithm>
#include <ranges>

namespace meterlens::api {
namespace {

// Of as many the store is asked before events go on.
constexpr std::size_t judged_at_once = 64;

std::shared_ptr<const std::string> event_text(Subject subject, const std::string& json) {
  return std::make_shared<const std::string>("event: " + std::string(name(subject)) +
                                             "\ndata: " + json + "\n\n");
}

}  // namespace

Live::Live(Render render, const Limits& limits)
    : render_(std::move(render)), limits_(limits), thread_([this] { run(); }) {}

Live::~Live() {
  close();
  thread_.join();
}

bool Live::add(std::unique_ptr<Stream> stream, MaySee may_see, Still still) {
  static const auto greeting = std::make_shared<const std::string>("retry: 2000\n: hello\n\n");
  const std::lock_guard lock(mutex_);
  if (stop_ || static_cast<int>(clients_.size()) >= limits_.client_count_max) {
    stream->close();
    return false;
  }
  stream->send(greeting);
  const auto judge_at = still ? Clock::now() + std::chrono::milliseconds(limits_.judge_ms)
                              : Clock::time_point::max();
  clients_.push_back({std::move(stream), std::move(may_see), std::move(still), judge_at});
  return true;
}

bool Live::is_full() const { return count() >= limits_.client_count_max; }

int Live::count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(clients_.size());
}

void Live::changed(Subject subject, const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    if (clients_.empty()) return;
    if (changes_.size() >= limits_.change_count_max) {
      overflowed_ = true;
    } else if (waiting_.emplace(subject, id).second) {
      changes_.emplace_back(subject, id);
    }
  }
  wake_.notify_one();
}

void Live::close() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    drop_all();
  }
  wake_.notify_one();
}

void Live::run() {
  static const auto heartbeat = std::make_shared<const std::string>(": still here\n\n");
  const std::chrono::milliseconds heartbeat_every(limits_.heartbeat_ms);
  std::unique_lock lock(mutex_);
  auto heartbeat_at = Clock::now() + heartbeat_every;
  while (!stop_) {
    wake_.wait_until(lock, std::min(heartbeat_at, next_judging()),
                     [this] { return stop_ || overflowed_ || !changes_.empty(); });
    judge(lock);
    if (stop_) return;
    if (Clock::now() >= heartbeat_at) {
      send_to_all(heartbeat, "");
      heartbeat_at = Clock::now() + heartbeat_every;
    }
    if (overflowed_) drop_all();
    const auto changes = std::exchange(changes_, {});
    waiting_.clear();
    for (const auto& [subject, id] : changes) {
      judge(lock);
      // The store is asked without the lock: nobody who reports a change waits for it.
      lock.unlock();
      const auto json = render_(subject, id);
      lock.lock();
      if (stop_) return;
      if (json) send_to_all(event_text(subject, *json), *json);
    }
  }
}

Live::Clock::time_point Live::next_judging() const {
  auto out = Clock::now() + std::chrono::milliseconds(limits_.judge_ms);
  for (const auto& client : clients_) out = std::min(out, client.judge_at);
  return out;
}

void Live::judge(std::unique_lock<std::mutex>& lock) {
  const auto now = Clock::now();
  if (std::ranges::all_of(clients_, [&](const Client& one) { return one.judge_at > now; })) return;
  // Who has waited longest comes first.
  std::ranges::sort(clients_, {}, &Client::judge_at);
  std::vector<std::pair<const Stream*, Still>> asked;
  for (auto& client : clients_ | std::views::take(judged_at_once)) {
    if (client.judge_at > now) break;
    client.judge_at = now + std::chrono::milliseconds(limits_.judge_ms);
    asked.emplace_back(client.stream.get(), client.still);
  }
  lock.unlock();
  std::set<const Stream*> gone;
  for (const auto& [stream, still] : asked) {
    const auto answer = still();
    if (!answer) break;  // each may wait as long to hear the same
    if (!*answer) gone.insert(stream);
  }
  lock.lock();
  std::erase_if(clients_, [&](const Client& client) {
    if (!gone.contains(client.stream.get())) return false;
    client.stream->close();
    return true;
  });
}

void Live::send_to_all(const std::shared_ptr<const std::string>& text, const std::string& json) {
  std::erase_if(clients_, [&](const Client& client) {
    const auto& stream = client.stream;
    if (!json.empty() && client.may_see && !client.may_see(json)) return false;
    const std::size_t pending_bytes = stream->pending_bytes() + text->size();
    if (!stream->is_broken() && pending_bytes <= limits_.pending_bytes_max) {
      stream->send(text);
      return false;
    }
    stream->close();
    return true;
  });
}

void Live::drop_all() {
  for (const auto& client : clients_) client.stream->close();
  clients_.clear();
  changes_.clear();
  waiting_.clear();
  overflowed_ = false;
}

}  // namespace meterlens::api
