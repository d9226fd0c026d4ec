// The MQTT connections of `meterlens load`: thousands of them in one thread, on one epoll.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/checksum.h"

struct mosquitto;

namespace meterlens::sim {

struct LoadFailure {
  std::string text;
};

struct LoadBroker {
  std::string host;
  int port = 1883;
  bool tls = false;
  std::string ca_file;  // of TLS: PEM; empty: the system's authorities
};
// mqtt://HOST[:PORT] or mqtts://HOST[:PORT]; throws LoadFailure.
LoadBroker parse_load_broker(const std::string& url, const std::string& ca_file);

class LoadLinks {
 public:
  struct Events {
    std::function<void(std::size_t link)> connected;  // also after a loss
    std::function<void(std::size_t link)> lost;
    std::function<void(std::string_view topic, protocol::Bytes payload)> message;
  };
  LoadLinks(LoadBroker broker, Events events);
  ~LoadLinks();
  LoadLinks(const LoadLinks&) = delete;
  LoadLinks& operator=(const LoadLinks&) = delete;

  // Begins to connect; its number, from 0. `user` empty: without credentials.
  std::size_t add(const std::string& client_id, const std::string& user,
                  const std::string& password);
  // At QoS 1; `count` of subscribed() rises when the broker has said so.
  void subscribe(std::size_t link, const std::string& topic);
  std::size_t subscribed() const { return subscribed_; }
  void publish(std::size_t link, const std::string& topic, protocol::Bytes payload, int qos);
  // What the sockets have, and what is due by the clock; at most `wait_ms`. Throws LoadFailure when
  // the broker refuses a connection or is gone.
  void turn(int wait_ms);
  void disconnect_all();

 private:
  struct Link {
    LoadLinks* all = nullptr;
    std::size_t number = 0;
    mosquitto* client = nullptr;
    bool wants_write = false;
  };
  void listen(Link& link);
  void keep_write(Link& link) const;
  void reconnect(Link& link);

  LoadBroker broker_;
  Events events_;
  std::vector<std::unique_ptr<Link>> links_;
  std::string wrong_;  // found in a callback of libmosquitto's, which knows no exceptions
  int poll_ = -1;
  std::size_t subscribed_ = 0, next_misc_ = 0;
};

}  // namespace meterlens::sim
