// The MQTT client of the DTU core (MeterlensMqtt) on ESP-IDF's esp-mqtt. Its calls may block for as
// long as a TCP connection does, so a task of its own makes them, in order, from a queue; the loop
// only fills the queue, and takes what has come from another. A connection that ends stays down
// until the next `connect`: when is the Session's business. Owns: client, queues, task. The port's
// calls and `deliver` are for the loop's task.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "boards/ec600s/at/command.h"
#include "boards/esp32cam/portable/setup.h"
#include "device/dtu/dtu.h"
#include "device/port.h"
#include "freertos/FreeRTOS.h"
#include "loop.h"
#include "mqtt_client.h"

namespace meterlens::esp32cam {

class Mqtt {
 public:
  struct Counters {
    std::uint32_t failed_publishes = 0;  // the client did not take them; the transfer repairs it
    std::uint32_t dropped_messages = 0;  // from the broker: too long, or the queue was full
  };

  // Topic and payload together: a native frame or a status, and more. A longer message is dropped,
  // or not taken.
  static constexpr std::size_t message_bytes_max = 2'048;

  Mqtt(Loop& loop, const BrokerAddress& broker);
  // Holds as long as this object, which is never destroyed.
  MeterlensMqtt port();
  void deliver(dtu::Dtu& dtu);
  Counters counters() const;

 private:
  enum class Kind : std::uint8_t { connect, disconnect, subscribe, publish };
  // What stands before topic and payload in the queues.
  struct Head {
    Kind kind = Kind::publish;
    std::uint8_t qos = 0;
    bool retain = false;
    std::uint32_t epoch = 0;
    std::uint16_t topic_bytes = 0;
    std::uint32_t payload_bytes = 0;
  };

  // The loop's side.
  void connect(const MeterlensMqttLogin& login);
  void disconnect();
  bool subscribe(std::string_view topic, std::uint8_t qos);
  bool publish(std::string_view topic, std::span<const std::uint8_t> payload, std::uint8_t qos,
               bool retain);
  bool ask(Head head, std::string_view topic, std::span<const std::uint8_t> payload);
  std::uint32_t begin_epoch(MeterlensMqttState state);

  // The client's side.
  void run();
  void obey(const Head& head, const char* topic, const std::uint8_t* payload);
  void open(const at::Login& login, std::uint32_t epoch);
  void close();
  void hear(const esp_mqtt_event_t& event);
  void hear_message(const esp_mqtt_event_t& event);
  void set_state(std::uint32_t epoch, MeterlensMqttState state);
  void finish_one(std::uint32_t epoch, bool failed);

  Loop& loop_;
  BrokerAddress broker_;
  at::Text<at::host_chars_max + 16> uri_;
  esp_mqtt_client_handle_t client_ = nullptr;  // the task's
  std::uint32_t client_epoch_ = 0;
  at::Login login_;
  void* requests_ = nullptr;
  void* messages_ = nullptr;

  // Shared by the tasks, under `lock_`. What an older connection still says is told by its epoch.
  mutable portMUX_TYPE lock_ = portMUX_INITIALIZER_UNLOCKED;
  std::uint32_t epoch_ = 0;
  MeterlensMqttState state_ = METERLENS_MQTT_DOWN;
  std::uint32_t in_flight_ = 0;
  Counters counters_;

  alignas(4) std::uint8_t request_[sizeof(Head) + message_bytes_max];   // of the task
  alignas(4) std::uint8_t outgoing_[sizeof(Head) + message_bytes_max];  // of the loop
  alignas(4) std::uint8_t incoming_[sizeof(Head) + message_bytes_max];  // of the client's task
  alignas(4) std::uint8_t delivered_[sizeof(Head) + message_bytes_max];
};

}  // namespace meterlens::esp32cam
