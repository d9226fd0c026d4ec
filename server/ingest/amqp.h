// Inside ingest/: one AMQP 0-9-1 connection with its channels, by librabbitmq, whose types stay in
// the .cpp file. Whatever goes wrong is thrown as AmqpFailure, after which the connection is good
// for nothing but its destruction. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/checksum.h"
#include "server/ingest/queue_link.h"

namespace meterlens::ingest {

// Its words never bear a password.
struct AmqpFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Something that came, valid while the handler runs.
struct AmqpMessage {
  std::uint64_t tag = 0;  // of its acknowledgement
  bool again = false;     // it was handed out before
  std::int64_t tries = 0; // how often, and came back
  std::string_view consumer, key, type, reply_to, correlation;
  protocol::Bytes body;
};

// Something to be sent.
struct AmqpLetter {
  std::string exchange, key;
  std::vector<std::uint8_t> body;
  std::string type, reply_to, correlation;  // empty: none
  std::int64_t expires_ms = 0;              // 0: never
  bool is_kept = true;                      // through a restart of the broker, in durable queues
};

class Amqp {
 public:
  using Argument = std::variant<bool, std::int64_t, std::string>;
  using Arguments = std::vector<std::pair<std::string, Argument>>;

  // `ca_file`: judges a node with TLS, whose name must be that of its certificate.
  Amqp(const AmqpNode& node, const std::string& password, const std::string& ca_file);
  ~Amqp();
  Amqp(const Amqp&) = delete;
  Amqp& operator=(const Amqp&) = delete;

  void declare_exchange(const std::string& name, const std::string& type);
  void declare_queue(const std::string& name, const Arguments& arguments);
  // How many messages lie in a queue that is there.
  std::uint64_t count(const std::string& queue);
  // The key of its next message, which is nobody else's until this connection ends; nothing: none.
  std::optional<std::string> look_at_next(const std::string& queue);
  // One that goes with the connection; its name.
  std::string declare_private_queue();
  void bind_queue(const std::string& queue, const std::string& exchange, const std::string& key,
                  const Arguments& arguments = {});
  void bind_exchange(const std::string& to, const std::string& from, const std::string& key);

  // So many of each further consumer are handed out and not acknowledged yet.
  void set_prefetch(int count);
  void consume(const std::string& queue, const std::string& consumer, bool acknowledged);
  void cancel(const std::string& consumer);
  void acknowledge(std::uint64_t tag);
  // All that is handed out and not acknowledged, up to this one: much cheaper for the node.
  void acknowledge_upto(std::uint64_t tag);
  // Somebody else gets it.
  void give_back(std::uint64_t tag);

  void publish(const AmqpLetter& letter);
  // Returns once every queue that gets it has it.
  void publish_surely(const AmqpLetter& letter);

  // The node has said that it takes nothing more for now (its disk or memory is full); after
  // take().
  bool is_blocked() const { return is_blocked_; }

  int socket() const;
  // Something may be there that poll() of the socket does not show.
  bool has_more() const;
  // Hands one message to `handler`; false: none is there. Never waits.
  bool take(const std::function<void(const AmqpMessage&)>& handler);

 private:
  bool take_other(const std::string& why);

  struct Connection;
  std::unique_ptr<Connection> connection_;
  bool is_blocked_ = false;
};

}  // namespace meterlens::ingest
