#include "mqtt.h"

#include <sys/time.h>

#include <algorithm>
#include <cstring>

#include "device/text.h"
#include "esp_crt_bundle.h"
#include "esp_log.h"
#include "esp_netif_sntp.h"
#include "esp_wifi.h"
#include "freertos/message_buffer.h"
#include "freertos/task.h"
#include "sdkconfig.h"

#if CONFIG_METERLENS_OWN_CA
extern "C" const char broker_ca_start[] asm("_binary_broker_ca_pem_start");
#endif

namespace meterlens::esp32cam {
namespace {

constexpr const char* tag = "mqtt";
// Holds the window of the DTU core: 16 native packets.
constexpr std::size_t requests_bytes = 20'480;
constexpr std::size_t messages_bytes = 8'192;
constexpr std::uint32_t stack_bytes = 4'096;
constexpr std::uint32_t client_stack_bytes = 6'144;
constexpr int priority = 5;
constexpr int network_timeout_ms = 10'000;
// A client that was never started, or whose task has ended, refuses to be stopped for ever.
constexpr int stop_tries = 50;
constexpr TickType_t stop_pause_ticks = pdMS_TO_TICKS(100);
// 2026-01-01: a clock that says less has not been set.
constexpr time_t earliest_s = 1'767'225'600;

MessageBufferHandle_t queue(void* made) { return static_cast<MessageBufferHandle_t>(made); }

// Puts head, topic with its closing zero, and payload in a row.
std::size_t pack(const void* head, std::size_t head_bytes, std::string_view topic,
                 std::span<const std::uint8_t> payload, std::uint8_t* out) {
  std::memcpy(out, head, head_bytes);
  std::memcpy(out + head_bytes, topic.data(), topic.size());
  out[head_bytes + topic.size()] = 0;
  std::memcpy(out + head_bytes + topic.size() + 1, payload.data(), payload.size());
  return head_bytes + topic.size() + 1 + payload.size();
}

std::uint64_t unix_ms() {
  timeval now{};
  gettimeofday(&now, nullptr);
  if (now.tv_sec < earliest_s) return 0;
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_usec) / 1000;
}

std::uint32_t health(void*, char* out, std::uint32_t chars) {
  int dbm = 0;
  constexpr std::string_view name = ",\"signal_dbm\":-";
  if (chars < name.size() + 3 || esp_wifi_sta_get_rssi(&dbm) != ESP_OK || dbm >= 0) return 0;
  device::TextWriter text(std::span(out, chars));
  text.put(name).put_number(static_cast<std::uint64_t>(std::min(-dbm, 127)));
  return static_cast<std::uint32_t>(text.count());
}

// Empty: NULL, as the driver wants it.
template <std::size_t N>
const char* c_text(const at::Text<N>& text, char* out) {
  if (text.empty()) return nullptr;
  const std::string_view view = text.view();
  std::memcpy(out, view.data(), view.size());
  out[view.size()] = 0;
  return out;
}

}  // namespace

Mqtt::Mqtt(Loop& loop, const BrokerAddress& broker) : loop_(loop), broker_(broker) {
  uri_.set(broker.tls ? "mqtts://" : "mqtt://");
  uri_.add(broker.host.view());
  requests_ = xMessageBufferCreate(requests_bytes);
  messages_ = xMessageBufferCreate(messages_bytes);
  ESP_ERROR_CHECK(requests_ != nullptr && messages_ != nullptr ? ESP_OK : ESP_ERR_NO_MEM);
  const BaseType_t made = xTaskCreate([](void* self) { static_cast<Mqtt*>(self)->run(); }, "uplink",
                                      stack_bytes, this, priority, nullptr);
  ESP_ERROR_CHECK(made == pdPASS ? ESP_OK : ESP_ERR_NO_MEM);
}

MeterlensMqtt Mqtt::port() {
  MeterlensMqtt port{};
  port.context = this;
  port.connect = [](void* self, const MeterlensMqttLogin* login) {
    static_cast<Mqtt*>(self)->connect(*login);
  };
  port.disconnect = [](void* self) { static_cast<Mqtt*>(self)->disconnect(); };
  port.state = [](void* self) {
    auto& mqtt = *static_cast<Mqtt*>(self);
    portENTER_CRITICAL(&mqtt.lock_);
    const MeterlensMqttState state = mqtt.state_;
    portEXIT_CRITICAL(&mqtt.lock_);
    return state;
  };
  port.subscribe = [](void* self, const char* topic, std::uint8_t qos) {
    return static_cast<Mqtt*>(self)->subscribe(topic, qos);
  };
  port.publish = [](void* self, const char* topic, const void* payload, std::uint32_t bytes,
                    std::uint8_t qos, bool retain) {
    return static_cast<Mqtt*>(self)->publish(
        topic, {static_cast<const std::uint8_t*>(payload), bytes}, qos, retain);
  };
  port.unacknowledged = [](void* self) {
    auto& mqtt = *static_cast<Mqtt*>(self);
    portENTER_CRITICAL(&mqtt.lock_);
    const std::uint32_t count = mqtt.in_flight_;
    portEXIT_CRITICAL(&mqtt.lock_);
    return count;
  };
  port.unix_ms = [](void*) { return unix_ms(); };
  port.health = health;
  return port;
}

Mqtt::Counters Mqtt::counters() const {
  portENTER_CRITICAL(&lock_);
  const Counters counters = counters_;
  portEXIT_CRITICAL(&lock_);
  return counters;
}

std::uint32_t Mqtt::begin_epoch(MeterlensMqttState state) {
  portENTER_CRITICAL(&lock_);
  const std::uint32_t epoch = ++epoch_;
  state_ = state;
  in_flight_ = 0;
  portEXIT_CRITICAL(&lock_);
  return epoch;
}

void Mqtt::connect(const MeterlensMqttLogin& login) {
  at::Login copy;
  copy.copy(login);
  Head head{};
  head.kind = Kind::connect;
  head.epoch = begin_epoch(METERLENS_MQTT_CONNECTING);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&copy);
  if (!ask(head, {}, {bytes, sizeof copy})) set_state(head.epoch, METERLENS_MQTT_DOWN);
}

void Mqtt::disconnect() {
  Head head{};
  head.kind = Kind::disconnect;
  head.epoch = begin_epoch(METERLENS_MQTT_DOWN);
  // No room: the next `connect` closes what is open.
  ask(head, {}, {});
}

bool Mqtt::subscribe(std::string_view topic, std::uint8_t qos) {
  Head head{};
  head.kind = Kind::subscribe;
  head.qos = qos;
  head.epoch = epoch_;
  return ask(head, topic, {});
}

bool Mqtt::publish(std::string_view topic, std::span<const std::uint8_t> payload, std::uint8_t qos,
                   bool retain) {
  Head head{};
  head.qos = qos;
  head.retain = retain;
  head.epoch = epoch_;
  // Counted first: the acknowledgement may be there before `ask` is back.
  portENTER_CRITICAL(&lock_);
  ++in_flight_;
  portEXIT_CRITICAL(&lock_);
  if (ask(head, topic, payload)) return true;
  finish_one(head.epoch, false);
  return false;
}

bool Mqtt::ask(Head head, std::string_view topic, std::span<const std::uint8_t> payload) {
  if (topic.size() + 1 + payload.size() > message_bytes_max) return false;
  head.topic_bytes = static_cast<std::uint16_t>(topic.size());
  head.payload_bytes = static_cast<std::uint32_t>(payload.size());
  const std::size_t bytes = pack(&head, sizeof head, topic, payload, outgoing_);
  return xMessageBufferSend(queue(requests_), outgoing_, bytes, 0) == bytes;
}

void Mqtt::deliver(dtu::Dtu& dtu) {
  while (xMessageBufferReceive(queue(messages_), delivered_, sizeof delivered_, 0) > 0) {
    Head head;
    std::memcpy(&head, delivered_, sizeof head);
    const std::uint8_t* topic = delivered_ + sizeof head;
    dtu.mqtt_in({reinterpret_cast<const char*>(topic), head.topic_bytes},
                {topic + head.topic_bytes + 1, head.payload_bytes}, uptime_ms());
  }
}

void Mqtt::run() {
  for (;;) {
    if (xMessageBufferReceive(queue(requests_), request_, sizeof request_, portMAX_DELAY) == 0)
      continue;
    Head head;
    std::memcpy(&head, request_, sizeof head);
    const std::uint8_t* topic = request_ + sizeof head;
    obey(head, reinterpret_cast<const char*>(topic), topic + head.topic_bytes + 1);
  }
}

void Mqtt::obey(const Head& head, const char* topic, const std::uint8_t* payload) {
  switch (head.kind) {
    case Kind::connect:
      close();
      std::memcpy(static_cast<void*>(&login_), payload, sizeof login_);
      return open(login_, head.epoch);
    case Kind::disconnect: return close();
    case Kind::subscribe:
      // Without its subscription a DTU hears nothing: such a connection is none.
      if (client_ == nullptr || esp_mqtt_client_subscribe_single(client_, topic, head.qos) < 0)
        set_state(head.epoch, METERLENS_MQTT_DOWN);
      return;
    case Kind::publish: {
      const bool current = client_ != nullptr && head.epoch == client_epoch_;
      const int id =
          !current ? -1
                   : esp_mqtt_client_publish(client_, topic, reinterpret_cast<const char*>(payload),
                                             static_cast<int>(head.payload_bytes), head.qos,
                                             head.retain ? 1 : 0);
      if (id < 0 || head.qos == 0) finish_one(head.epoch, id < 0);
      return;
    }
  }
}

void Mqtt::open(const at::Login& login, std::uint32_t epoch) {
  // The driver copies all texts.
  char uri[at::host_chars_max + 17], client[at::name_chars_max + 1], user[129], password[129];
  char will_topic[at::name_chars_max + 1], will[65];
  esp_mqtt_client_config_t config{};
  config.broker.address.uri = c_text(uri_, uri);
  config.broker.address.port = broker_.port;
#if CONFIG_METERLENS_OWN_CA
  if (broker_.tls) config.broker.verification.certificate = broker_ca_start;
#else
  if (broker_.tls) config.broker.verification.crt_bundle_attach = esp_crt_bundle_attach;
#endif
  config.credentials.client_id = c_text(login.client_id, client);
  config.credentials.username = c_text(login.user, user);
  config.credentials.authentication.password = c_text(login.password, password);
  config.session.keepalive = login.keep_alive_s;
  config.session.disable_clean_session = !login.clean_session;
  if (!login.will_topic.empty()) {
    config.session.last_will.topic = c_text(login.will_topic, will_topic);
    config.session.last_will.msg = c_text(login.will_payload, will);
    config.session.last_will.qos = 1;
    config.session.last_will.retain = 1;
  }
  config.network.disable_auto_reconnect = true;
  config.network.timeout_ms = network_timeout_ms;
  config.task.stack_size = client_stack_bytes;
  config.buffer.size = message_bytes_max;
  config.buffer.out_size = message_bytes_max;
  client_epoch_ = epoch;
  client_ = esp_mqtt_client_init(&config);
  const auto handler = [](void* self, esp_event_base_t, std::int32_t, void* event) {
    static_cast<Mqtt*>(self)->hear(*static_cast<const esp_mqtt_event_t*>(event));
  };
  if (client_ == nullptr ||
      esp_mqtt_client_register_event(client_, MQTT_EVENT_ANY, handler, this) != ESP_OK ||
      esp_mqtt_client_start(client_) != ESP_OK) {
    ESP_LOGE(tag, "no client: not enough memory?");
    close();
    set_state(epoch, METERLENS_MQTT_DOWN);
  }
}

void Mqtt::close() {
  if (client_ == nullptr) return;
  // A client that is still connected cannot be stopped when its farewell cannot be sent, and must
  // not be destroyed before its task has ended: first it lets go of the connection by itself.
  for (int tries = 0; tries < stop_tries; ++tries) {
    esp_mqtt_client_disconnect(client_);
    if (esp_mqtt_client_stop(client_) == ESP_OK) break;
    vTaskDelay(stop_pause_ticks);
  }
  esp_mqtt_client_destroy(client_);
  client_ = nullptr;
}

void Mqtt::hear(const esp_mqtt_event_t& event) {
  switch (event.event_id) {
    case MQTT_EVENT_CONNECTED: return set_state(client_epoch_, METERLENS_MQTT_UP);
    case MQTT_EVENT_DISCONNECTED: return set_state(client_epoch_, METERLENS_MQTT_DOWN);
    case MQTT_EVENT_PUBLISHED: return finish_one(client_epoch_, false);
    case MQTT_EVENT_DELETED: return finish_one(client_epoch_, true);
    case MQTT_EVENT_DATA: return hear_message(event);
    default: return;
  }
}

void Mqtt::hear_message(const esp_mqtt_event_t& event) {
  const auto topic_bytes = static_cast<std::size_t>(event.topic_len);
  const auto payload_bytes = static_cast<std::size_t>(event.data_len);
  bool taken = false;
  // The client hands a message that is longer than its buffer over in parts.
  if (event.data_len == event.total_data_len &&
      topic_bytes + 1 + payload_bytes <= message_bytes_max) {
    Head head{};
    head.topic_bytes = static_cast<std::uint16_t>(topic_bytes);
    head.payload_bytes = static_cast<std::uint32_t>(payload_bytes);
    const std::size_t bytes =
        pack(&head, sizeof head, {event.topic, topic_bytes},
             {reinterpret_cast<const std::uint8_t*>(event.data), payload_bytes}, incoming_);
    taken = xMessageBufferSend(queue(messages_), incoming_, bytes, 0) == bytes;
  }
  if (!taken) {
    portENTER_CRITICAL(&lock_);
    ++counters_.dropped_messages;
    portEXIT_CRITICAL(&lock_);
  }
  loop_.wake();
}

void Mqtt::set_state(std::uint32_t epoch, MeterlensMqttState state) {
  portENTER_CRITICAL(&lock_);
  if (epoch == epoch_) state_ = state;
  portEXIT_CRITICAL(&lock_);
  loop_.wake();
}

void Mqtt::finish_one(std::uint32_t epoch, bool failed) {
  portENTER_CRITICAL(&lock_);
  if (epoch == epoch_ && in_flight_ > 0) --in_flight_;
  if (failed) ++counters_.failed_publishes;
  portEXIT_CRITICAL(&lock_);
  loop_.wake();
}

}  // namespace meterlens::esp32cam
