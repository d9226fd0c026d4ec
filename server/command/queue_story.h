// A queue in virtual time for its tests: what was sent, and how each command stands.
#pragma once

#include <gtest/gtest.h>

#include <unordered_map>
#include <vector>

#include "server/command/queue.h"

namespace meterlens::command {

class QueueTest : public ::testing::Test {
 protected:
  QueueTest() { queue_.set_connected(true, 0); }

  void online(protocol::Dialect dialect = protocol::Dialect::native) {
    queue_.set_link("m", dialect, Link::online, now_);
  }
  void order(std::int64_t id) {
    Command command;
    command.id = id;
    command.device = "m";
    command.created_ms = now_;
    queue_.add(command);
  }
  // Lets time pass second by second; remembers what was sent and the last state of each command.
  void pass(std::int64_t ms) {
    for (const std::int64_t end = now_ + ms; now_ < end;) {
      now_ += 1000;
      look();
    }
  }
  void look() {
    queue_.tick(now_);
    QueueOutput output = queue_.take();
    for (const Send& send : output.sends) sent_.push_back(send.command);
    for (const Command& command : output.changed) last_[command.id] = command;
  }
  void report(std::uint32_t id, protocol::CaptureState state,
              protocol::CaptureFailure failure = protocol::CaptureFailure::none) {
    queue_.report("m", {id, state, failure}, now_);
    look();
  }
  State state(std::int64_t id) { return last_[id].state; }

  metrics::Metrics metrics_;
  Queue queue_{QueueLimits{}, metrics_};
  std::int64_t now_ = 1'000'000;
  std::vector<std::int64_t> sent_;
  std::unordered_map<std::int64_t, Command> last_;
};

using Ids = std::vector<std::int64_t>;

}  // namespace meterlens::command
