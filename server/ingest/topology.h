// Inside ingest/: what there is in RabbitMQ, and its names.
#pragma once

#include <string>

#include "server/ingest/amqp.h"
#include "server/ingest/queue_link.h"

namespace meterlens::ingest {

inline constexpr const char* mqtt_exchange = "amq.topic";  // where RabbitMQ's MQTT comes in
inline constexpr const char* devices_exchange = "meterlens.devices";
inline constexpr const char* news_exchange = "meterlens.news";
inline constexpr const char* dead_exchange = "meterlens.dead";
inline constexpr const char* status_queue = "meterlens.status";
inline constexpr const char* poison_queue = "meterlens.poison";
// Types of messages in a device's queue that are not what it said itself, as it said it.
inline constexpr const char* status_type = "status";
inline constexpr const char* wanted_type = "wanted";

std::string queue_name(int queue);

// Declares everything; what is there already stays as it is. Nothing of it may be missing when
// devices come in: RabbitMQ acknowledges what no queue takes, and drops it.
void declare_topology(Amqp& amqp, const QueueLinkSettings& settings);

}  // namespace meterlens::ingest
