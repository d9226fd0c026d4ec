// An MQTT broker and its clients' connections as the devices and the server see them: QoS 0 and 1,
// retained messages, last wills, sessions that end with the connection, the log of who comes and
// goes. Each connection keeps the
// order of its messages, as TCP does; what faults do to messages happens inside the broker.
// A connection can break without a word: both sides notice late. A restart forgets everything.
// One thread; `Events` and the faults outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/checksum.h"
#include "sim/events.h"
#include "sim/faults.h"

namespace meterlens::sim {

enum class MqttState : std::uint8_t { down, connecting, up };

struct MqttLogin {
  std::string client_id = {};  // who comes and goes is told on $SYS/broker/log; empty: not told
  std::int64_t keep_alive_s = 30;
  std::string will_topic = {};  // empty: none
  std::string will_payload = {};
};

class Broker {
 public:
  using Client = std::size_t;
  struct Hooks {
    std::function<void()> changed;  // state or acknowledgements
    std::function<void(std::string_view topic, protocol::Bytes payload)> message;
  };
  struct Counters {
    std::uint64_t messages = 0;  // from clients; of these
    std::uint64_t lost = 0, doubled = 0, late = 0;
  };

  Broker(Events& events, const Faults& faults, Random random)
      : events_(events), faults_(faults), random_(random) {}

  // `latency_us`: one way, between this client and the broker.
  Client add(std::int64_t latency_us, Hooks hooks);
  void connect(Client client, MqttLogin login);
  void subscribe(Client client, std::string filter);  // a topic, with + and # for levels
  // false: not connected.
  bool publish(Client client, std::string topic, protocol::Bytes payload, int qos, bool retain);
  void disconnect(Client client);
  MqttState state(Client client) const { return clients_[client].state; }
  std::uint32_t unacknowledged(Client client) const { return clients_[client].unacknowledged; }

  bool attached(Client client) const { return clients_[client].attached; }  // as the broker sees it

  // The client's program ends without a word; the broker notices at once.
  void vanish(Client client);
  // The connection breaks, and no new one can be made for so long.
  void cut(Client client, std::int64_t away_us);
  void restart(std::int64_t away_us);
  // All can be reached again, now.
  void restore();

  // Told of each message that a client has sent.
  std::function<void(std::string_view topic, protocol::Bytes payload)> on_message;
  const Counters& counters() const { return counters_; }
  // Depends on every message, its time and its order: two runs of a seed must agree.
  std::uint64_t trace() const { return trace_; }

 private:
  struct Message {
    std::string topic;
    std::vector<std::uint8_t> payload;
  };
  struct Connection {
    std::int64_t latency_us = 0;
    Hooks hooks;
    MqttLogin login;
    MqttState state = MqttState::down;  // as the client sees it
    bool attached = false;              // as the broker sees it
    bool wire = false;                  // bytes get through
    std::uint64_t number = 0;           // of the connection; what belongs to an older one is lost
    std::uint64_t session = 0;          // counts what the broker has accepted
    std::uint32_t unacknowledged = 0;
    std::int64_t away_until_us = 0;
    std::int64_t last_up_us = 0, last_down_us = 0;  // keep the order
    std::vector<std::string> filters;
  };

  void answer_connect(Client client, std::uint64_t number);
  void down(Client client);
  // The broker gives the connection up: last will. `words`: of its log.
  void drop(Client client, std::string_view words);
  void log(Client client, std::string_view words);
  void receive(Client from, std::uint64_t number, Message message, int qos, bool retain);
  void acknowledge(Client client, std::uint64_t number);
  void spread(const Message& message);
  void deliver(Client client, const Message& message);
  void publish_own(std::string topic, std::string_view payload);
  std::int64_t in_order(std::int64_t& last_us, std::int64_t latency_us);

  Events& events_;
  const Faults& faults_;
  Random random_;
  bool up_ = true;
  std::vector<Connection> clients_;
  std::unordered_map<std::string, std::vector<Client>> by_topic_;  // filters without +
  std::vector<std::pair<std::string, Client>> by_pattern_;
  std::map<std::string, Message, std::less<>> retained_;
  Counters counters_;
  std::uint64_t trace_ = 0;
};

// Whether a topic fits a filter with + for whole levels and # for all that follow.
bool topic_fits(std::string_view filter, std::string_view topic);

}  // namespace meterlens::sim
