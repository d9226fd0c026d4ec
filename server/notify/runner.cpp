#include "server/notify/runner.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/clock.h"

namespace meterlens::notify {
namespace {

using metrics::SinkCount;
using server::unix_ms;
using store::Stream;

// A mark is written down at least after so many rows without news.
constexpr std::int64_t unsaved_max = 1000;

std::int64_t& mark_of(store::Marks& marks, Stream stream) {
  if (stream == Stream::reading) return marks.reading;
  return stream == Stream::review ? marks.review : marks.alarm;
}

}  // namespace

Runner::Runner(std::string name, std::unique_ptr<Sink> sink, const RunnerLimits& limits,
               store::Store& store, metrics::Metrics& metrics)
    : name_(std::move(name)),
      sink_(std::move(sink)),
      limits_(limits),
      book_(store),
      metrics_(metrics) {
  status_.name = name_;
  for (const auto count : {SinkCount::delivered, SinkCount::failures, SinkCount::refused,
                           SinkCount::dropped}) {
    metrics_.add(count, name_, 0);
  }
}

Runner::~Runner() { stop(); }

void Runner::start() {
  thread_ = std::thread([this] { run(); });
}

void Runner::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  sink_->stop();
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

SinkStatus Runner::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Runner::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const bool more = turn(unix_ms());
    lock.lock();
    if (!more)
      wake_.wait_for(lock, std::chrono::milliseconds(limits_.turn_ms),
                     [this] { return stopping_; });
  }
}

bool Runner::turn(std::int64_t now_ms) {
  if (limits_.leads && !limits_.leads()) {
    has_marks_ = false;
    return false;
  }
  if (const std::int64_t next_ms = status().next_try_ms;
      now_ms < next_ms && next_ms - now_ms <= limits_.retry_ms_max) {
    return false;
  }
  if (!has_marks_) {
    const auto marks = book_.marks(name_);
    if (!marks) {
      failed(marks.error().message, now_ms);
      return false;
    }
    marks_ = saved_ = *marks;
    has_marks_ = true;
  }
  auto ends = book_.ends();
  if (!ends) {
    failed(ends.error().message, now_ms);
    return false;
  }
  bool more = false;
  std::int64_t backlog = 0;
  // Alarms do not wait behind readings; a review comes after its reading.
  for (const Stream stream : {Stream::alarm, Stream::reading, Stream::review}) {
    if (!sink_->wants(stream)) continue;
    std::int64_t& done = mark_of(marks_, stream);
    const std::int64_t end = mark_of(*ends, stream);
    drop_old(stream, done, end);
    const bool went = done >= end || tell(stream, done, end, now_ms);
    backlog += std::max<std::int64_t>(end - done, 0);
    if (!went) {
      more = false;
      break;
    }
    if (done < end) {
      more = true;
      if (stream == Stream::reading) break;
    }
  }
  {
    const std::lock_guard lock(mutex_);
    status_.backlog = backlog;
  }
  metrics_.set_backlog(name_, static_cast<double>(backlog));
  if (status().failing_since_ms != 0 && status().next_try_ms > now_ms) return false;
  if (const Sent kept = sink_->keep_up(now_ms); !kept.good()) {
    failed(kept.error, now_ms, kept.trouble);
    return false;
  }
  if (status().failing_since_ms != 0) succeeded(0, now_ms);
  return more;
}

// False when the sink is to be left alone for a while.
bool Runner::tell(Stream stream, std::int64_t& done, std::int64_t end, std::int64_t now_ms) {
  const int count = singly_ ? 1 : std::max(sink_->batch_max(), 1);
  const auto page = book_.page(stream, done, end, count);
  if (!page) {
    failed(page.error().message, now_ms);
    return false;
  }
  if (!page->news.empty()) return deliver(*page, stream, done, now_ms);
  if (page->up_to - mark_of(saved_, stream) < unsaved_max) {
    done = page->up_to;
    return true;
  }
  return advance(stream, done, page->up_to, now_ms);
}

bool Runner::deliver(const store::Page& page, Stream stream, std::int64_t& done,
                     std::int64_t now_ms) {
  const Sent sent = sink_->send(page.news);
  if (sent.good()) {
    succeeded(page.news.size(), now_ms);
    refusals_ = 0;
    singly_ = false;
    return advance(stream, done, page.up_to, now_ms);
  }
  if (sent.outcome == Sent::Outcome::later) {
    failed(sent.error, now_ms, sent.trouble);
    return false;
  }
  if (page.news.size() > 1) {
    singly_ = true;
    return true;
  }
  return refuse(page.news.front(), stream, done, sent, now_ms);
}

bool Runner::refuse(const store::News& news, Stream stream, std::int64_t& done,
                    const Sent& sent, std::int64_t now_ms) {
  if (++refusals_ < limits_.refusals_max) {
    failed(sent.error, now_ms, sent.trouble);
    return false;
  }
  refusals_ = 0;
  singly_ = false;
  spdlog::error(fmt::format("{}: {} {} is left out, refused {} times: {}", name_,
                            store::name(stream), news.row, limits_.refusals_max, sent.error));
  metrics_.add(SinkCount::refused, name_);
  {
    const std::lock_guard lock(mutex_);
    ++status_.refused;
    status_.last_error = sent.error;
    status_.last_trouble = sent.trouble;
    status_.last_error_ms = now_ms;
    status_.failing_since_ms = 0;
    status_.next_try_ms = 0;
  }
  retry_ms_ = 0;
  return advance(stream, done, news.row, now_ms);
}

void Runner::drop_old(Stream stream, std::int64_t& done, std::int64_t end) {
  if (end - done <= limits_.backlog_max) return;
  const std::int64_t dropped = end - limits_.backlog_max - done;
  done += dropped;
  spdlog::error(
      fmt::format("{}: {} rows of {} are dropped: it was away for too long (backlog_max is {})",
                  name_, dropped, store::name(stream), limits_.backlog_max));
  metrics_.add(SinkCount::dropped, name_, static_cast<std::uint64_t>(dropped));
  const std::lock_guard lock(mutex_);
  status_.dropped += static_cast<std::uint64_t>(dropped);
}

bool Runner::advance(Stream stream, std::int64_t& done, std::int64_t to, std::int64_t now_ms) {
  done = to;
  if (const auto saved = book_.advance(name_, stream, to); !saved) {
    failed(saved.error().message, now_ms);
    return false;
  }
  mark_of(saved_, stream) = to;
  return true;
}

void Runner::succeeded(std::size_t count, std::int64_t now_ms) {
  metrics_.add(SinkCount::delivered, name_, count);
  retry_ms_ = 0;
  const std::lock_guard lock(mutex_);
  if (status_.failing_since_ms != 0) spdlog::info(fmt::format("{}: told again", name_));
  status_.delivered += count;
  if (count > 0) status_.last_ok_ms = now_ms;
  status_.failing_since_ms = 0;
  status_.next_try_ms = 0;
}

void Runner::failed(const std::string& error, std::int64_t now_ms, Trouble trouble) {
  metrics_.add(SinkCount::failures, name_);
  retry_ms_ =
      retry_ms_ == 0 ? limits_.retry_ms_first : std::min(2 * retry_ms_, limits_.retry_ms_max);
  const std::lock_guard lock(mutex_);
  ++status_.failures;
  if (status_.failing_since_ms == 0 || status_.last_error != error)
    spdlog::warn(fmt::format("{}: {}; tried again in {} ms at first", name_, error, retry_ms_));
  if (status_.failing_since_ms == 0) status_.failing_since_ms = now_ms;
  status_.last_error = error;
  status_.last_trouble = trouble;
  status_.last_error_ms = now_ms;
  status_.next_try_ms = now_ms + retry_ms_;
}

}  // namespace meterlens::notify
