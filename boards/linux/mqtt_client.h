// An MQTT 3.1.1 client for the DTU: libmosquitto run from the program's own loop, without threads.
// The broker's name is looked up while connecting; that alone can take the time the system's
// resolver takes.
#pragma once

#include <poll.h>

#include <cstdint>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "boards/linux/uplink.h"

struct mosquitto;
struct mosquitto_message;

namespace meterlens::boards {

struct BrokerAddress {
  std::string host;
  int port = 1883;
  std::string user;  // empty: none
  std::string password;
  bool tls = false;
  std::string ca_file = {};  // with tls: who signs the broker's certificate; empty: the system's
};

// mqtt://[USER:PASSWORD@]HOST[:PORT], or mqtts:// for TLS (port 8883); HOST a name, an IPv4
// address, or an IPv6 address in brackets.
std::expected<BrokerAddress, std::string> parse_broker(std::string_view url);
// Overwrites the password in a word of the command line, which whoever is on the machine can read.
void hide_password(char* word);

class MqttClient : public Uplink {
 public:
  using Receive = std::function<void(std::string_view topic, std::span<const std::uint8_t>)>;

  MqttClient(BrokerAddress broker, Receive receive);
  ~MqttClient() override;
  MqttClient(const MqttClient&) = delete;
  MqttClient& operator=(const MqttClient&) = delete;

  MeterlensMqtt port() override;
  // fd -1 while there is no connection.
  pollfd wish() const override;
  void step() override;
  const std::string& last_error() const override { return last_error_; }

 private:
  void connect(const MeterlensMqttLogin& login);
  void disconnect();
  bool publish(const char* topic, const void* payload, std::uint32_t bytes, std::uint8_t qos,
               bool retain);
  void fail(const std::string& error);

  BrokerAddress broker_;
  Receive receive_;
  mosquitto* client_ = nullptr;
  MeterlensMqttState state_ = METERLENS_MQTT_DOWN;
  std::uint32_t unacknowledged_ = 0;
  std::string last_error_;
};

}  // namespace meterlens::boards
