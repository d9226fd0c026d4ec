// The pipeline's doors, for a server of a fleet: each asks the worker that has the device, by the
// queue that the device's own messages are in, and waits for what comes of it. A worker that has
// just died is waited for until another one has its queues. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/errand.h"
#include "server/ingest/queue_link.h"
#include "server/pipeline.h"
#include "server/schedule/planner.h"
#include "server/store/store.h"

namespace meterlens::server {

class Remote {
 public:
  Remote(ingest::QueueLink& link, store::Store& store) : link_(link), store_(store) {}

  std::expected<command::Command, CommandError> capture(const std::string& device);
  std::expected<update::Update, UpdateError> update(const std::string& device, std::int64_t image);
  std::expected<command::WishedSettings, CommandError> change_settings(
      const std::string& device, protocol::Part part, protocol::Bytes entries);
  std::expected<void, CommandError> aim(const std::string& device, const protocol::Aim& aim);
  std::expected<std::int64_t, fleet::OrderError> obey(const fleet::Order& order);
  // All that is due, in one message a queue, and alone what is not answered so. Of each whether it
  // was ordered; nothing: nobody was there to be asked.
  std::optional<std::vector<bool>> order(std::span<const schedule::Due> dues);

  // From the link.
  void answered(const std::string& correlation, std::string_view body);

 private:
  struct Question {
    std::string correlation;
    std::future<std::string> answer;
  };

  template <class Error>
  std::expected<std::int64_t, Error> ask(const Errand& errand);
  Question put(const std::string& topic, const Errand& errand);
  // Nothing when no answer has come by then.
  std::optional<std::string> wait(Question& question, std::chrono::steady_clock::time_point until);
  void order_together(std::span<const schedule::Due> dues, std::vector<std::optional<bool>>& known);
  std::optional<bool> order_alone(const schedule::Due& due);

  ingest::QueueLink& link_;
  store::Store& store_;
  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::string, std::promise<std::string>> waiting_;  // by correlation
};

}  // namespace meterlens::server
