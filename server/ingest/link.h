// The server's connection to the broker: subscribes, hands messages out, publishes, and comes back
// by itself with a growing pause. Owns one thread, in which all of libmosquitto runs; libmosquitto
// stays in the .cpp file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/checksum.h"

namespace meterlens::ingest {

struct LinkSettings {
  std::string host = "127.0.0.1";
  int port = 1883;
  std::string client_id;  // empty: meterlens-server-<process id>
  std::string user;       // empty: none
  std::string password;
  int keepalive_s = 30;
  // 0: the broker hands messages out at most once; whatever is lost, the transfer asks for again.
  int subscribe_qos = 0;
  std::size_t outbox_count_max = 65'536;  // messages not yet given to libmosquitto
};

// Called in the link's thread.
struct LinkEvents {
  std::function<void(std::string_view topic, protocol::Bytes payload)> message;
  std::function<void()> pause;  // after a row of messages, and every half second at least
  std::function<void(bool connected)> connection;
};

class Link {
 public:
  Link(const LinkSettings& settings, LinkEvents events);
  ~Link();  // disconnects; no event comes after
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Queues a message. False, and nothing is sent, when not connected or too many are waiting.
  bool send(std::string topic, std::vector<std::uint8_t> payload, int qos);
  bool connected() const;

 private:
  struct Session;
  std::unique_ptr<Session> session_;
};

}  // namespace meterlens::ingest
