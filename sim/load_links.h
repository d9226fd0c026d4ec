// The MQTT connections of `meterlens load`: thousands of them in one thread, on one epoll.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/checksum.h"

struct mosquitto;

namespace meterlens::sim {

// Of the clock that is never set.
inline std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct LoadFailure {
  std::string text;
};

struct LoadBroker {
  std::string host;
  int port = 1883;
  bool tls = false;
  std::string ca_file;  // of TLS: PEM; empty: the system's authorities
};
// mqtt://HOST[:PORT] or mqtts://HOST[:PORT], or several parted by spaces, all with or without TLS:
// the nodes of one broker. Throws LoadFailure.
std::vector<LoadBroker> parse_load_brokers(const std::string& urls, const std::string& ca_file);

class LoadLinks {
 public:
  struct Events {
    std::function<void(std::size_t link)> connected;  // also after a loss
    std::function<void(std::size_t link)> lost;
    std::function<void(std::string_view topic, protocol::Bytes payload)> message;
  };
  // Connections are parted among the nodes; one that is lost tries one after another.
  LoadLinks(std::vector<LoadBroker> nodes, Events events);
  ~LoadLinks();
  LoadLinks(const LoadLinks&) = delete;
  LoadLinks& operator=(const LoadLinks&) = delete;

  // Begins to connect; its number, from 0. `user` empty: without credentials.
  std::size_t add(const std::string& client_id, const std::string& user,
                  const std::string& password);
  // At QoS 0, as the devices do; subscribed() rises when the broker has said so.
  void subscribe(std::size_t link, const std::string& topic);
  std::size_t subscribed() const { return subscribed_; }
  void publish(std::size_t link, const std::string& topic, protocol::Bytes payload, int qos);
  // What the sockets have, and what is due by the clock; at most `wait_ms`. Throws LoadFailure when
  // the broker refuses a connection or is gone for a minute.
  void turn(int wait_ms);
  void disconnect_all();

 private:
  struct Link {
    LoadLinks* all = nullptr;
    std::size_t number = 0;
    mosquitto* client = nullptr;
    std::size_t node = 0;
    bool wants_write = false;
    bool was_up = false;       // the broker has admitted it
    std::int64_t lost_us = 0;  // since when it is not there
    std::int64_t next_us = 0;  // when it is tried again
  };
  int connect(Link& link);
  void listen(Link& link);
  void keep_write(Link& link) const;
  void lose(Link& link, int result);
  void bring_back();
  LoadFailure gone(const Link& link, int result) const;

  std::vector<LoadBroker> nodes_;
  Events events_;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<Link*> lost_;
  std::string wrong_;  // found in a callback of libmosquitto's, which knows no exceptions
  int poll_ = -1;
  std::size_t subscribed_ = 0, next_misc_ = 0;
};

}  // namespace meterlens::sim
