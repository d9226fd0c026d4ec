#include "server/ingest/queue_sender.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace meterlens::ingest {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds idle{500};  // then heartbeats are looked after

}  // namespace

QueueSender::QueueSender(const QueueLinkSettings& settings, std::function<void()> changed)
    : settings_(settings), changed_(std::move(changed)), thread_([this] { run(); }) {}

QueueSender::~QueueSender() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.notify_all();
  thread_.join();
}

bool QueueSender::post(AmqpLetter letter) {
  if (!ready_) return false;
  {
    const std::lock_guard lock(mutex_);
    if (letters_.size() >= settings_.outbox_count_max) return false;
    letters_.push_back(std::move(letter));
  }
  filled_.notify_one();
  return true;
}

void QueueSender::post_surely(AmqpLetter letter, std::uint64_t tag) {
  {
    const std::lock_guard lock(mutex_);
    sure_.push_back({std::move(letter), tag, round_});
  }
  filled_.notify_one();
}

std::vector<std::uint64_t> QueueSender::take_done() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

void QueueSender::forget_sure() {
  const std::lock_guard lock(mutex_);
  sure_.clear();
  done_.clear();
  ++round_;
}

void QueueSender::renew() {
  {
    const std::lock_guard lock(mutex_);
    renewing_ = true;
  }
  filled_.notify_one();
}

std::string QueueSender::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

// ---- the sender's thread ----

void QueueSender::run() {
  for (;;) {
    try {
      amqp_ = dialer_.connect();
      for (;;) {
        // A full node says so of the new one only once something is sent.
        if (shall_renew() && !amqp_->is_blocked()) amqp_ = dialer_.connect();
        if (amqp_->is_blocked()) {
          if (ready_) failed_blocked();
          set_ready(false);
        } else {
          send_all();
          set_ready(true);
          dialer_.went_well();
        }
        std::unique_lock lock(mutex_);
        filled_.wait_for(lock, idle, [this] {
          return stopping_ || renewing_ || (ready_ && has_letters());
        });
        if (stopping_ && (!ready_ || letters_.empty())) return;
        lock.unlock();
        keep_alive();
      }
    } catch (const AmqpFailure& failure) {
      failed(failure.what());
    }
    amqp_.reset();
    set_ready(false);
    std::unique_lock lock(mutex_);
    letters_.clear();
    filled_.wait_for(lock, dialer_.pause(), [this] { return stopping_; });
    if (stopping_) return;
  }
}

bool QueueSender::shall_renew() {
  const std::lock_guard lock(mutex_);
  return std::exchange(renewing_, false);
}

void QueueSender::failed(const std::string& why) {
  const std::string words = dialer_.failed(why);
  const std::lock_guard lock(mutex_);
  // Once for each cause: it is tried every few seconds.
  if (ready_ || words != trouble_)
    spdlog::warn(fmt::format(
        "amqp: nothing can be sent to RabbitMQ at {}; look at its log for alarms of disk "
        "and memory; trying again",
        words));
  trouble_ = words;
}

void QueueSender::failed_blocked() {
  const std::lock_guard lock(mutex_);
  trouble_ = "RabbitMQ takes nothing: it has an alarm of disk or memory; make room on its nodes";
  spdlog::error(
      fmt::format("amqp: {}. Devices are held back and keep their photos meanwhile", trouble_));
}

// Sure ones first: what a device says of itself goes before what it is told.
void QueueSender::send_all() {
  for (;;) {
    std::unique_lock lock(mutex_);
    if (!sure_.empty()) {
      const Sure one = sure_.front();
      lock.unlock();
      amqp_->publish_surely(one.letter);
      lock.lock();
      if (one.round != round_) continue;
      sure_.pop_front();
      done_.push_back(one.tag);
      lock.unlock();
      changed_();
      continue;
    }
    if (letters_.empty()) return;
    const AmqpLetter letter = std::move(letters_.front());
    letters_.pop_front();
    lock.unlock();
    amqp_->publish(letter);
  }
}

// Heartbeats of both sides, and that the node has closed the connection.
void QueueSender::keep_alive() {
  while (amqp_->take([](const AmqpMessage&) {})) {
  }
}

void QueueSender::set_ready(bool ready) {
  if (ready_.exchange(ready) != ready) changed_();
}

}  // namespace meterlens::ingest
