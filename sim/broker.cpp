#include "sim/broker.h"

#include <algorithm>
#include <utility>

namespace meterlens::sim {
namespace {


}  // namespace

bool topic_fits(std::string_view filter, std::string_view topic) {
  for (;;) {
    const std::size_t filter_end = std::min(filter.find('/'), filter.size());
    const std::size_t topic_end = std::min(topic.find('/'), topic.size());
    const std::string_view level = filter.substr(0, filter_end);
    if (level == "#") return true;
    if (level != "+" && level != topic.substr(0, topic_end)) return false;
    const bool filter_done = filter_end == filter.size(), topic_done = topic_end == topic.size();
    if (filter_done || topic_done) return filter_done && topic_done;
    filter.remove_prefix(filter_end + 1);
    topic.remove_prefix(topic_end + 1);
  }
}

Broker::Client Broker::add(std::int64_t latency_us, Hooks hooks) {
  Connection connection;
  connection.latency_us = latency_us;
  connection.hooks = std::move(hooks);
  clients_.push_back(std::move(connection));
  return clients_.size() - 1;
}

std::int64_t Broker::in_order(std::int64_t& last_us, std::int64_t latency_us) {
  const std::int64_t jitter_us = random_.in(0, latency_us / 2);
  return last_us = std::max(last_us + 1, events_.now_us() + latency_us + jitter_us);
}

// ---- connections ----

void Broker::connect(Client client, MqttLogin login) {
  Connection& connection = clients_[client];
  connection.login = std::move(login);
  connection.state = MqttState::connecting;
  connection.unacknowledged = 0;
  const std::uint64_t number = ++connection.number;
  events_.after(2 * connection.latency_us, [=, this] { answer_connect(client, number); });
}

void Broker::answer_connect(Client client, std::uint64_t number) {
  Connection& connection = clients_[client];
  if (connection.number != number || connection.state != MqttState::connecting) return;
  // Without service nothing answers at all; the client gives up by itself.
  if (events_.now_us() < connection.away_until_us) return;
  if (!up_) return down(client);
  if (connection.attached) drop(client, "already connected, closing old connection.");
  connection.attached = connection.wire = true;
  ++connection.session;
  connection.filters.clear();
  connection.last_up_us = connection.last_down_us = events_.now_us();
  connection.state = MqttState::up;
  log(client, "");
  connection.hooks.changed();
}

void Broker::down(Client client) {
  clients_[client].state = MqttState::down;
  clients_[client].unacknowledged = 0;
  clients_[client].hooks.changed();
}

void Broker::log(Client client, std::string_view words) {
  const MqttLogin& login = clients_[client].login;
  if (login.client_id.empty()) return;
  const std::string id = login.client_id;
  const std::string line =
      words.empty() ? "New client connected from 10.0.0.1:1883 as " + id + " (p2, c1, k" +
                          std::to_string(login.keep_alive_s) + ")."
                    : "Client " + id + " " + std::string(words);
  spread({"$SYS/broker/log/N", {line.begin(), line.end()}});
}

void Broker::drop(Client client, std::string_view words) {
  Connection& connection = clients_[client];
  if (!connection.attached) return;
  connection.attached = connection.wire = false;
  log(client, words);
  if (!connection.login.will_topic.empty())
    publish_own(connection.login.will_topic, connection.login.will_payload);
}

void Broker::disconnect(Client client) {
  Connection& connection = clients_[client];
  if (connection.wire) {
    connection.attached = connection.wire = false;
    log(client, "disconnected.");
  }
  connection.state = MqttState::down;
  connection.unacknowledged = 0;
  ++connection.number;
}

void Broker::vanish(Client client) {
  Connection& connection = clients_[client];
  connection.state = MqttState::down;
  connection.unacknowledged = 0;
  ++connection.number;
  if (connection.wire) drop(client, "closed its connection.");
}

void Broker::cut(Client client, std::int64_t away_us) {
  Connection& connection = clients_[client];
  connection.away_until_us = std::max(connection.away_until_us, events_.now_us() + away_us);
  connection.wire = false;
  const std::uint64_t number = connection.number;
  const std::int64_t silence_us = connection.login.keep_alive_s * second_us * 3 / 2;
  events_.after(silence_us, [=, this, session = connection.session] {
    if (clients_[client].session == session)
      drop(client, "has exceeded timeout, disconnecting.");
  });
  events_.after(random_.in(0, silence_us), [=, this] {
    if (clients_[client].number == number && clients_[client].state != MqttState::down)
      down(client);
  });
}

void Broker::restart(std::int64_t away_us) {
  up_ = false;
  retained_.clear();
  for (Client client = 0; client < clients_.size(); ++client) {
    Connection& connection = clients_[client];
    connection.attached = connection.wire = false;
    const std::uint64_t number = connection.number;
    if (connection.state == MqttState::up)
      events_.after(connection.latency_us, [=, this] {
        if (clients_[client].number == number) down(client);
      });
  }
  events_.after(away_us, [this] { up_ = true; });
}

void Broker::restore() {
  up_ = true;
  for (Connection& connection : clients_) connection.away_until_us = 0;
}

// ---- messages ----

void Broker::subscribe(Client client, std::string filter) {
  Connection& connection = clients_[client];
  connection.filters.push_back(filter);
  for (const auto& [topic, message] : retained_)
    if (topic_fits(filter, topic)) deliver(client, message);
  // Who has subscribed once is asked each time whether it still does.
  if (filter.find_first_of("+#") == std::string::npos) {
    auto& known = by_topic_[filter];
    if (std::find(known.begin(), known.end(), client) == known.end()) known.push_back(client);
  } else if (std::pair known(filter, client);
             std::find(by_pattern_.begin(), by_pattern_.end(), known) == by_pattern_.end()) {
    by_pattern_.push_back(std::move(known));
  }
}

bool Broker::publish(Client client, std::string topic, protocol::Bytes payload, int qos,
                     bool retain) {
  Connection& connection = clients_[client];
  if (connection.state != MqttState::up) return false;
  if (qos > 0) ++connection.unacknowledged;
  Message message{std::move(topic), {payload.begin(), payload.end()}};
  events_.at(in_order(connection.last_up_us, connection.latency_us),
             [=, this, message = std::move(message), number = connection.number] {
               receive(client, number, message, qos, retain);
             });
  return true;
}

void Broker::receive(Client from, std::uint64_t number, Message message, int qos, bool retain) {
  Connection& connection = clients_[from];
  if (connection.number != number || !connection.wire) return;
  ++counters_.messages;
  if (on_message) on_message(message.topic, message.payload);
  trace_ = (trace_ ^ protocol::crc32(message.payload) ^
            static_cast<std::uint64_t>(events_.now_us()) << 32) * 0x100000001B3ULL;
  if (qos > 0)
    events_.at(in_order(connection.last_down_us, connection.latency_us),
               [=, this] { acknowledge(from, number); });
  if (retain) retained_[message.topic] = message;
  if (random_.chance(faults_.lose_chance)) {
    ++counters_.lost;
    return;
  }
  if (random_.chance(faults_.late_chance)) {
    ++counters_.late;
    events_.after(random_.in(0, 3 * second_us), [this, message] { spread(message); });
  } else {
    spread(message);
  }
  if (random_.chance(faults_.twice_chance)) {
    ++counters_.doubled;
    events_.after(random_.in(0, 10 * second_us), [this, message] { spread(message); });
  }
}

void Broker::acknowledge(Client client, std::uint64_t number) {
  Connection& connection = clients_[client];
  if (connection.number != number || !connection.wire || connection.unacknowledged == 0) return;
  --connection.unacknowledged;
  connection.hooks.changed();
}

void Broker::publish_own(std::string topic, std::string_view payload) {
  Message message{std::move(topic), {payload.begin(), payload.end()}};
  retained_[message.topic] = message;
  spread(message);
}

void Broker::spread(const Message& message) {
  const auto wants = [&](Client client, std::string_view filter) {
    const auto& filters = clients_[client].filters;
    return clients_[client].attached &&
           std::find(filters.begin(), filters.end(), filter) != filters.end();
  };
  if (const auto exact = by_topic_.find(message.topic); exact != by_topic_.end())
    for (const Client client : exact->second)
      if (wants(client, message.topic)) deliver(client, message);
  for (const auto& [filter, client] : by_pattern_)
    if (topic_fits(filter, message.topic) && wants(client, filter)) deliver(client, message);
}

void Broker::deliver(Client client, const Message& message) {
  Connection& connection = clients_[client];
  events_.at(in_order(connection.last_down_us, connection.latency_us),
             [=, this, number = connection.number] {
               const Connection& to = clients_[client];
               if (to.number == number && to.wire) to.hooks.message(message.topic, message.payload);
             });
}

}  // namespace meterlens::sim
