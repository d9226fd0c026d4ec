// A connection to an MQTT broker that only speaks: it comes back by itself, waits for the broker's
// word on what it has sent, and listens to one topic for a word that makes others ask again.
// libmosquitto has a thread of its own in it. Called from one thread, but for test().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace meterlens::notify {

struct MqttSettings {
  std::string host = "127.0.0.1";
  int port = 1883;
  std::string user;  // empty: none
  std::string password;
  std::string ca_file;  // empty: no TLS
  std::string will_topic;     // "online" while we are there, "offline" after; retained
  std::string birth_topic;    // "online" there: the other side has forgotten all
};

class MqttClient {
 public:
  explicit MqttClient(const MqttSettings& settings);
  ~MqttClient();  // says "offline"
  MqttClient(const MqttClient&) = delete;
  MqttClient& operator=(const MqttClient&) = delete;

  bool connected() const;
  // Another number after each connection and each birth: what was said before may be forgotten.
  std::uint64_t epoch() const;
  // Why there is no connection; empty when there never was a try.
  std::string error() const;
  // Retained, QoS 1. False when it cannot be sent now.
  bool publish(const std::string& topic, std::string_view payload);
  // True when the broker has taken all that was published.
  bool flush(int timeout_ms);

 private:
  struct Session;
  std::unique_ptr<Session> session_;
};

}  // namespace meterlens::notify
