// The other end of ingest, for a fleet: RabbitMQ's queues instead of a broker's topics. Devices
// speak MQTT to any node; their messages go by consistent hash of the device to the queues
// meterlens.0 to meterlens.N-1, so that each device's are in one queue, in order. What is ordered
// of a device goes the same way, so that it reaches the worker that has it. Declares all of that,
// comes back by itself with a growing pause, and owns one thread, in which all of librabbitmq runs.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/checksum.h"
#include "protocol/ids.h"
#include "server/ingest/rate.h"

namespace meterlens::ingest {

struct AmqpNode {
  std::string host;
  int port = 5672;
  std::string user = "guest";
  std::string vhost = "/";
  bool has_tls = false;  // then port is 5671 unless another one is said
};
// amqp://user@host:port/vhost or amqps://..., without a password. The error says how it is written.
std::expected<AmqpNode, std::string> parse_amqp(std::string_view url);

struct QueueLinkSettings {
  std::vector<AmqpNode> nodes;  // one after another is tried
  std::string password;
  std::string ca_file;          // PEM, judges nodes with TLS; empty: the system's
  RateLimit rate;               // of one device; a worker drops what is more
  bool is_worker = true;        // false: a server, which orders and listens
  int queue_count = 32;
  int prefetch = 500;           // messages of one queue that are handed out and not acknowledged
  int tries_max = 10;           // then a message that ends its worker lies in meterlens.poison
  std::size_t outbox_count_max = 65'536;
};

struct Delivery {
  std::uint64_t number = 0;  // rising, see settled()
  int queue = 0;
  bool again = false;  // it was handed out before, and may have been obeyed
  std::uint32_t session = 0;  // the connection that brought it; a new one brings what is unsettled
};
// What a server wants of the worker that has the device; answered at once.
struct Wanted {
  std::string body;
  std::string reply_to, correlation;
};

// Called in the link's thread.
struct QueueLinkEvents {
  std::function<void(std::string_view topic, protocol::Bytes payload, const Delivery&)> message;
  std::function<void(const Wanted&, const Delivery&)> wanted;         // a worker's
  std::function<void(const std::string& correlation, std::string_view body)> answer;  // a server's
  std::function<void(std::string_view body)> news;                    // a server's
  std::function<void()> pause;  // after a row of messages, and every half second at least
  std::function<void(bool connected)> connection;
  // A worker's: so many messages of the device were too much since this was last said; every few
  // seconds.
  std::function<void(const std::string& device, std::uint64_t dropped)> flood = {};
  std::function<void(std::uint64_t count)> poisoned = {};  // a server's: what lies there now
};

class QueueLink {
 public:
  QueueLink(const QueueLinkSettings& settings, QueueLinkEvents events);
  ~QueueLink();  // disconnects; no event comes after
  QueueLink(const QueueLink&) = delete;
  QueueLink& operator=(const QueueLink&) = delete;

  bool connected() const;
  // Waits for it; the error is why it has not come to that. `is_ending` is asked meanwhile whether
  // nobody wants it any more.
  using IsEnding = std::function<bool()>;
  std::expected<void, std::string> wait_connected(std::int64_t patience_ms,
                                                  const IsEnding& is_ending = {});

  // A worker's: its share of the queues. A queue that was left is done with when `count` is 0.
  // After keep() nothing of it is acknowledged any more, after give_back() somebody else has it,
  // until it is taken again.
  void take(int queue);
  void leave(int queue);
  void keep(int queue);
  void give_back(int queue);
  std::size_t count(int queue) const;
  bool is_taken(int queue) const;  // messages of it come
  // All that came up to this number is dealt with, but for the messages of SmartDTUs that `is_open`
  // names; returns how many of those were let go for want of room.
  std::size_t settled(std::uint64_t number,
                      const std::function<bool(const std::string& device)>& is_open);

  // Each queues a message; false, and nothing is sent, when not connected or too many are waiting.
  bool send(const std::string& topic, std::vector<std::uint8_t> payload);  // to a device
  bool answer(const Wanted& wanted, std::string body);
  bool tell(std::string body);  // to all servers
  // To the worker that has the device with this topic for what it says; not after `expires_ms`.
  bool want(const std::string& topic, std::string body, const std::string& correlation,
            std::int64_t expires_ms);
  // What was wanted had no answer, maybe since it got lost: the next goes over a new connection.
  void renew_sender();

 private:
  struct Session;
  std::unique_ptr<Session> session_;
};

// What has ended its worker too often, oldest first.
struct Poison {
  std::uint64_t count = 0;
  std::vector<std::string> topics;  // of the first 20
};
// Asks any node that answers and leaves everything as it is; waits some seconds at most. The error
// says what is wrong.
std::expected<Poison, std::string> look_at_poison(const QueueLinkSettings& settings);

// The topic of MQTT for RabbitMQ's name of it: "meterlens.m1.up" and "meterlens/m1/up". A device's
// name may have dots, a product's may not. Empty: it is no device's.
std::string topic_of_key(std::string_view key);
std::string key_of_topic(std::string_view topic);

}  // namespace meterlens::ingest
