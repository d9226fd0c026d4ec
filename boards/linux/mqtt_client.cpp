#include "boards/linux/mqtt_client.h"

#include <fmt/format.h>
#include <mosquitto.h>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <utility>

#include "boards/linux/loop.h"

namespace meterlens::boards {
namespace {

void init_library_once() {
  static std::once_flag once;
  std::call_once(once, [] { mosquitto_lib_init(); });
}

}  // namespace

std::expected<BrokerAddress, std::string> parse_broker(std::string_view url) {
  constexpr std::string_view scheme = "mqtt://", tls_scheme = "mqtts://";
  const auto wrong = [&] {
    return std::unexpected(
        fmt::format("\"{}\" is not of the form mqtt://HOST:PORT or mqtts://HOST:PORT", url));
  };
  BrokerAddress broker;
  broker.tls = url.starts_with(tls_scheme);
  if (!broker.tls && !url.starts_with(scheme)) return wrong();
  std::string_view rest = url.substr(broker.tls ? tls_scheme.size() : scheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (broker.tls) broker.port = 8883;
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = rest.substr(0, at);
    const auto colon = login.find(':');
    broker.user = login.substr(0, colon);
    if (colon != std::string_view::npos) broker.password = login.substr(colon + 1);
    rest = rest.substr(at + 1);
  }
  const bool bracketed = rest.starts_with('[');
  const auto bracket = rest.find(']');
  if (bracketed && bracket == std::string_view::npos) return wrong();
  const auto colon = rest.find(':', bracketed ? bracket : 0);
  broker.host = bracketed ? rest.substr(1, bracket - 1) : rest.substr(0, colon);
  if (broker.host.empty()) return wrong();
  if (colon == std::string_view::npos) return broker;
  const std::string_view port = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.begin(), port.end(), broker.port);
  if (error != std::errc() || end != port.end() || broker.port < 1 || broker.port > 65535)
    return wrong();
  return broker;
}

void hide_password(char* word) {
  const std::string_view text(word);
  const auto scheme = text.find("://"), at = text.rfind('@');
  if (scheme == std::string_view::npos || at == std::string_view::npos) return;
  const auto colon = text.find(':', scheme + 3);
  if (colon < at) std::fill(word + colon + 1, word + at, '*');
}

MqttClient::MqttClient(BrokerAddress broker, Receive receive)
    : broker_(std::move(broker)), receive_(std::move(receive)) {
  init_library_once();
}

MqttClient::~MqttClient() {
  if (client_ != nullptr) mosquitto_destroy(client_);
}

MeterlensMqtt MqttClient::port() {
  MeterlensMqtt port{};
  port.context = this;
  port.connect = [](void* self, const MeterlensMqttLogin* login) {
    static_cast<MqttClient*>(self)->connect(*login);
  };
  port.disconnect = [](void* self) { static_cast<MqttClient*>(self)->disconnect(); };
  port.state = [](void* self) { return static_cast<MqttClient*>(self)->state_; };
  port.subscribe = [](void* self, const char* topic, std::uint8_t qos) {
    return mosquitto_subscribe(static_cast<MqttClient*>(self)->client_, nullptr, topic, qos) ==
           MOSQ_ERR_SUCCESS;
  };
  port.publish = [](void* self, const char* topic, const void* payload, std::uint32_t bytes,
                    std::uint8_t qos, bool retain) {
    return static_cast<MqttClient*>(self)->publish(topic, payload, bytes, qos, retain);
  };
  port.unacknowledged = [](void* self) { return static_cast<MqttClient*>(self)->unacknowledged_; };
  port.unix_ms = [](void*) { return unix_ms(); };
  return port;
}

void MqttClient::connect(const MeterlensMqttLogin& login) {
  // A new client each time: what the old one still held is sent again end to end.
  if (client_ != nullptr) mosquitto_destroy(client_);
  unacknowledged_ = 0;
  client_ = mosquitto_new(login.client_id, login.clean_session, this);
  if (client_ == nullptr) return fail("no memory for an MQTT client");
  mosquitto_int_option(client_, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_max_inflight_messages_set(client_, 0);
  if (login.will_topic != nullptr) {
    const std::string_view will = login.will_payload;
    mosquitto_will_set(client_, login.will_topic, static_cast<int>(will.size()), will.data(), 1,
                       true);
  }
  if (*login.user != '\0')
    mosquitto_username_pw_set(client_, login.user,
                              *login.password == '\0' ? nullptr : login.password);
  if (broker_.tls) {
    const bool own = !broker_.ca_file.empty();
    if (mosquitto_tls_set(client_, own ? broker_.ca_file.c_str() : nullptr,
                          own ? nullptr : "/etc/ssl/certs", nullptr, nullptr, nullptr) !=
        MOSQ_ERR_SUCCESS)
      return fail("the file of --ca cannot be read, or is no certificate");
  }
  mosquitto_connect_callback_set(client_, [](mosquitto*, void* self, int code) {
    auto* client = static_cast<MqttClient*>(self);
    if (code == 0)
      client->state_ = METERLENS_MQTT_UP;
    else
      client->fail(mosquitto_connack_string(code));
  });
  mosquitto_publish_callback_set(client_, [](mosquitto*, void* self, int) {
    auto* client = static_cast<MqttClient*>(self);
    if (client->unacknowledged_ > 0) --client->unacknowledged_;
  });
  mosquitto_message_callback_set(
      client_, [](mosquitto*, void* self, const mosquitto_message* message) {
        const auto* bytes = static_cast<const std::uint8_t*>(message->payload);
        static_cast<MqttClient*>(self)->receive_(
            message->topic, {bytes, static_cast<std::size_t>(message->payloadlen)});
      });
  state_ = METERLENS_MQTT_CONNECTING;
  const int result =
      mosquitto_connect_async(client_, broker_.host.c_str(), broker_.port, login.keep_alive_s);
  if (result != MOSQ_ERR_SUCCESS)
    fail(result == MOSQ_ERR_ERRNO ? "cannot connect" : mosquitto_strerror(result));
}

void MqttClient::disconnect() {
  if (client_ != nullptr) mosquitto_disconnect(client_);
  state_ = METERLENS_MQTT_DOWN;
}

bool MqttClient::publish(const char* topic, const void* payload, std::uint32_t bytes,
                         std::uint8_t qos, bool retain) {
  if (state_ != METERLENS_MQTT_UP) return false;
  // Counted first: a QoS 0 message is done before this returns.
  ++unacknowledged_;
  if (mosquitto_publish(client_, nullptr, topic, static_cast<int>(bytes), payload, qos, retain) ==
      MOSQ_ERR_SUCCESS)
    return true;
  --unacknowledged_;
  return false;
}

void MqttClient::fail(const std::string& error) {
  state_ = METERLENS_MQTT_DOWN;
  last_error_ = fmt::format("mqtt://{}:{}: {}", broker_.host, broker_.port, error);
}

pollfd MqttClient::wish() const {
  if (client_ == nullptr || state_ == METERLENS_MQTT_DOWN) return {-1, 0, 0};
  const bool writes = state_ == METERLENS_MQTT_CONNECTING || mosquitto_want_write(client_);
  return {mosquitto_socket(client_), static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN), 0};
}

void MqttClient::step() {
  if (client_ == nullptr || state_ == METERLENS_MQTT_DOWN) return;
  int result = mosquitto_loop_read(client_, 16);
  if (result == MOSQ_ERR_SUCCESS) result = mosquitto_loop_write(client_, 16);
  if (result == MOSQ_ERR_SUCCESS) result = mosquitto_loop_misc(client_);
  if (result != MOSQ_ERR_SUCCESS && state_ != METERLENS_MQTT_DOWN) fail(mosquitto_strerror(result));
}

}  // namespace meterlens::boards
