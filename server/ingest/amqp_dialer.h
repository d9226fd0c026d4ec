// Inside ingest/: connects to the nodes of RabbitMQ in turn, with pauses that grow while none of
// them is good for anything. One thread.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "server/ingest/amqp.h"
#include "server/ingest/queue_link.h"

namespace meterlens::ingest {

class AmqpDialer {
 public:
  // `settings` outlive it and name a node.
  explicit AmqpDialer(const QueueLinkSettings& settings) : settings_(settings) {}

  const AmqpNode& node() const { return settings_.nodes[next_ % settings_.nodes.size()]; }
  // To that node. Throws AmqpFailure.
  std::unique_ptr<Amqp> connect() const {
    return std::make_unique<Amqp>(node(), settings_.password, settings_.ca_file);
  }
  // The next pause is short again.
  void went_well() { pause_ = pause_first; }
  // It is the next node's turn. Says which one failed and `why`.
  std::string failed(const std::string& why) {
    const AmqpNode& one = node();
    ++next_;
    return fmt::format("{}:{}: {}", one.host, one.port, why);
  }
  // How long to wait before the next try.
  std::chrono::milliseconds pause() {
    return std::exchange(pause_, std::min(2 * pause_, pause_most));
  }

 private:
  static constexpr std::chrono::milliseconds pause_first{200}, pause_most{3'000};

  const QueueLinkSettings& settings_;
  std::size_t next_ = 0;
  std::chrono::milliseconds pause_ = pause_first;
};

}  // namespace meterlens::ingest
