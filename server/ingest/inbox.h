// The bounded queue between the MQTT thread and the pipeline thread. When it is full the MQTT
// thread waits a while, so that TCP slows the broker down; memory stays bounded whatever comes.
// Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "server/ingest/packet.h"

namespace meterlens::ingest {

using Task = std::function<void()>;

class Inbox {
 public:
  // `count_max`: packets; `bytes_max`: of their contents.
  Inbox(std::size_t count_max, std::size_t bytes_max)
      : count_max_(count_max), bytes_max_(bytes_max) {}

  // Moves the packets in and empties `packets`. Returns how many were dropped because there was no
  // room within `wait`: none or all.
  std::size_t push(std::vector<Packet>& packets, std::chrono::milliseconds wait) {
    std::size_t bytes = 0;
    for (const Packet& packet : packets) bytes += content_bytes(packet);
    std::unique_lock lock(mutex_);
    const bool room = drained_.wait_for(lock, wait, [this] {
      return closed_ || (packets_.size() < count_max_ && bytes_ < bytes_max_);
    });
    const std::size_t dropped = room && !closed_ ? 0 : packets.size();
    if (dropped == 0) {
      bytes_ += bytes;
      for (Packet& packet : packets) packets_.push_back(std::move(packet));
    }
    packets.clear();
    lock.unlock();
    filled_.notify_one();
    return dropped;
  }

  // Work for the pipeline thread; not bounded, its callers wait for the result. False when closed;
  // else it is certain to be done.
  bool post(Task task) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return false;
      tasks_.push_back(std::move(task));
    }
    filled_.notify_one();
    return true;
  }

  // Waits for something at most so long and takes everything. False when closed: the last take.
  bool take(std::vector<Packet>& packets, std::vector<Task>& tasks,
            std::chrono::milliseconds wait) {
    packets.clear();
    tasks.clear();
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, wait,
                     [this] { return closed_ || !packets_.empty() || !tasks_.empty(); });
    packets.swap(packets_);
    tasks.swap(tasks_);
    bytes_ = 0;
    const bool open = !closed_;
    lock.unlock();
    drained_.notify_all();
    return open;
  }

  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    filled_.notify_all();
    drained_.notify_all();
  }

 private:
  static std::size_t content_bytes(const Packet& packet) {
    std::size_t bytes = sizeof(Packet);
    if (const auto* data = std::get_if<PhotoData>(&packet.content)) bytes += data->data.size();
    if (const auto* piece = std::get_if<SmartPiece>(&packet.content)) bytes += piece->data.size();
    if (const auto* state = std::get_if<SmartState>(&packet.content)) bytes += state->json.size();
    return bytes;
  }

  const std::size_t count_max_;
  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable drained_;
  std::vector<Packet> packets_;
  std::vector<Task> tasks_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace meterlens::ingest
