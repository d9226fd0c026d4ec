#include "server/door/admission.h"

#include <algorithm>
#include <optional>

#include "protocol/ids.h"

namespace meterlens::door {
namespace {

using protocol::Channel;

constexpr std::string_view mqtt_exchange = "amq.topic";
constexpr std::string_view queue_prefix = "mqtt-subscription-";

std::string_view value(const Question& question, const char* name) {
  const auto at = question.find(name);
  return at == question.end() ? std::string_view() : std::string_view(at->second);
}

bool is_product(std::string_view text) {
  return protocol::is_device_name(text) && text.find('.') == std::string_view::npos;
}

}  // namespace

std::string fault_of_fleet_name(std::string_view device) {
  if (device.find('.') == std::string_view::npos) return "";
  return "in a fleet the name of a device has no dot: RabbitMQ parts topics at dots, and nothing "
         "sent to this device would arrive";
}

bool is_client_of(std::string_view client, std::string_view device) {
  if (!client.ends_with(device)) return false;
  std::string_view before = client.substr(0, client.size() - device.size());
  if (before.empty()) return true;
  if (before.starts_with(protocol::native_prefix)) {
    before.remove_prefix(protocol::native_prefix.size());
    return before == "-";
  }
  return is_product(before);
}

bool is_device_question(const Question& question, std::string_view vhost) {
  const auto device = value(question, "username");
  return protocol::is_device_name(device) && fault_of_fleet_name(device).empty() &&
         value(question, "vhost") == vhost &&
         is_client_of(value(question, "client_id"), device);
}

bool may_use_resource(const Question& question) {
  const auto kind = value(question, "resource");
  const auto name = value(question, "name");
  const auto permission = value(question, "permission");
  if (kind == "exchange")
    return name == mqtt_exchange && (permission == "read" || permission == "write");
  if (kind != "queue" || !name.starts_with(queue_prefix)) return false;
  // One for each quality of service.
  const std::string mine = std::string(queue_prefix) + std::string(value(question, "client_id"));
  return name == mine + "qos0" || name == mine + "qos1";
}

bool may_use_topic(const Question& question) {
  const auto device = value(question, "username");
  if (value(question, "name") != mqtt_exchange || !fault_of_fleet_name(device).empty())
    return false;
  std::string topic(value(question, "routing_key"));
  std::ranges::replace(topic, '.', '/');
  const auto parsed = protocol::parse_topic(topic);
  if (!parsed || parsed->device != device) return false;
  const auto permission = value(question, "permission");
  return parsed->channel == Channel::down ? permission == "read" : permission == "write";
}

}  // namespace meterlens::door
