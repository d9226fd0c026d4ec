// What a device may do at RabbitMQ, as its plug-in rabbitmq_auth_backend_http asks: values of a
// form, by name. Pure functions; SPEC.md section 12 has the topics. Devices speak MQTT alone, which
// is why each question but those of topics must bear a client id: over AMQP a device could name
// things that only workers and servers may.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace meterlens::door {

using Question = std::map<std::string, std::string>;

// RabbitMQ parts its keys at dots, so a device whose name has one cannot be told from others and
// nothing sent to it arrives: such a name is refused in a fleet. Empty, or why.
std::string fault_of_fleet_name(std::string_view device);

// A device of this name may come in as MQTT client `client`: its name, its name with a product
// before it (SmartDTU), or "meterlens-" and its name. Not one that another device could have.
bool is_client_of(std::string_view client, std::string_view device);

// Whether the one who asks is a device over MQTT, in that virtual host, by a name and a client id
// that it may have. Of the password the store knows.
bool is_device_question(const Question& question, std::string_view vhost);

// Its subscription's queues and the exchange of MQTT, nothing else.
bool may_use_resource(const Question& question);
// It writes what it says and reads what is said to it, in both dialects.
bool may_use_topic(const Question& question);

}  // namespace meterlens::door
