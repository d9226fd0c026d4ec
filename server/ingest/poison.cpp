#include <fmt/format.h>

#include "server/ingest/amqp.h"
#include "server/ingest/queue_link.h"
#include "server/ingest/topology.h"

namespace meterlens::ingest {
namespace {

constexpr std::size_t topics_max = 20;

Poison look(const AmqpNode& node, const QueueLinkSettings& settings) {
  Amqp amqp(node, settings.password, settings.ca_file);
  Poison out;
  out.count = amqp.count(poison_queue);
  while (out.topics.size() < topics_max) {
    const auto key = amqp.look_at_next(poison_queue);
    if (!key) break;
    out.topics.push_back(topic_of_key(*key));
  }
  return out;  // the end of the connection gives them back
}

}  // namespace

std::expected<Poison, std::string> look_at_poison(const QueueLinkSettings& settings) {
  std::string words;
  for (const AmqpNode& node : settings.nodes) {
    try {
      return look(node, settings);
    } catch (const AmqpFailure& failure) {
      words += fmt::format("{}RabbitMQ at {}:{}: {}", words.empty() ? "" : "; ", node.host,
                           node.port, failure.what());
    }
  }
  return std::unexpected(words);
}

}  // namespace meterlens::ingest
