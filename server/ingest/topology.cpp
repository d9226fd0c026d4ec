#include "server/ingest/topology.h"

#include <fmt/format.h>

namespace meterlens::ingest {
namespace {

constexpr std::int64_t poison_count_max = 10'000;

Amqp::Arguments queue_arguments(const QueueLinkSettings& settings) {
  return {{"x-queue-type", std::string("quorum")},
          // The guard: whatever workers believe of their leases, one of them gets messages.
          {"x-single-active-consumer", true},
          {"x-delivery-limit", std::int64_t{settings.tries_max}},
          {"x-dead-letter-exchange", std::string(dead_exchange)}};
}

}  // namespace

std::string queue_name(int queue) { return fmt::format("meterlens.{}", queue); }

void declare_topology(Amqp& amqp, const QueueLinkSettings& settings) {
  amqp.declare_exchange(devices_exchange, "x-consistent-hash");
  amqp.declare_exchange(news_exchange, "fanout");
  amqp.declare_exchange(dead_exchange, "headers");
  // What has ended its worker too often is kept; what was ordered too late is not.
  amqp.declare_queue(poison_queue, {{"x-queue-type", std::string("quorum")},
                                    {"x-max-length", poison_count_max}});
  amqp.bind_queue(poison_queue, dead_exchange, "",
                  {{"x-match", std::string("all-with-x")},
                   {"x-first-death-reason", std::string("delivery_limit")}});
  for (int queue = 0; queue < settings.queue_count; ++queue) {
    amqp.declare_queue(queue_name(queue), queue_arguments(settings));
    // The key of a binding to such an exchange is its weight.
    amqp.bind_queue(queue_name(queue), devices_exchange, "1");
  }
  amqp.declare_queue(status_queue, queue_arguments(settings));
  // Names of devices may have dots, which part words here: so # and not *.
  amqp.bind_exchange(devices_exchange, mqtt_exchange, "meterlens.#.up");
  amqp.bind_exchange(devices_exchange, mqtt_exchange, "#.event");
  amqp.bind_queue(status_queue, mqtt_exchange, "meterlens.#.status");
}

std::string topic_of_key(std::string_view key) {
  const auto first = key.find('.');
  const auto last = key.rfind('.');
  if (first == std::string_view::npos || last <= first + 1) return {};
  return fmt::format("{}/{}/{}", key.substr(0, first), key.substr(first + 1, last - first - 1),
                     key.substr(last + 1));
}

std::string key_of_topic(std::string_view topic) {
  std::string key(topic);
  for (char& c : key)
    if (c == '/') c = '.';
  return key;
}

}  // namespace meterlens::ingest
