#include "server/notify/mqtt_client.h"

#include <fmt/format.h>
#include <mosquitto.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>

#include "protocol/require.h"

namespace meterlens::notify {
namespace {

constexpr int keepalive_s = 30;
constexpr unsigned pause_s_first = 1, pause_s_most = 10;

void init_library() {
  static const int once = mosquitto_lib_init();
  protocol::require(once == MOSQ_ERR_SUCCESS);
}

// Two clients of one process must not push each other out.
std::string next_client_id() {
  static std::atomic<int> count{0};
  return fmt::format("meterlens-notify-{}-{}", getpid(), count++);
}

}  // namespace

struct MqttClient::Session {
  MqttSettings settings;
  mosquitto* client = nullptr;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::set<int> waiting;  // message ids without the broker's word
  std::set<int> early;    // the word came before publish() had returned
  bool connected = false;
  std::uint64_t epoch = 0;
  std::string error;

  static void on_connect(mosquitto* client, void* self, int code);
  static void on_disconnect(mosquitto* client, void* self, int code);
  static void on_publish(mosquitto* client, void* self, int id);
  static void on_message(mosquitto* client, void* self, const mosquitto_message* message);
};

MqttClient::MqttClient(const MqttSettings& settings) : session_(std::make_unique<Session>()) {
  init_library();
  Session& session = *session_;
  session.settings = settings;
  session.client = mosquitto_new(next_client_id().c_str(), true, &session);
  protocol::require(session.client != nullptr);
  mosquitto_connect_callback_set(session.client, Session::on_connect);
  mosquitto_disconnect_callback_set(session.client, Session::on_disconnect);
  mosquitto_publish_callback_set(session.client, Session::on_publish);
  mosquitto_message_callback_set(session.client, Session::on_message);
  mosquitto_reconnect_delay_set(session.client, pause_s_first, pause_s_most, true);
  mosquitto_will_set(session.client, settings.will_topic.c_str(), 7, "offline", 1, true);
  if (!settings.user.empty())
    mosquitto_username_pw_set(session.client, settings.user.c_str(), settings.password.c_str());
  if (!settings.ca_file.empty())
    mosquitto_tls_set(session.client, settings.ca_file.c_str(), nullptr, nullptr, nullptr, nullptr);
  const int code = mosquitto_connect_async(session.client, settings.host.c_str(), settings.port,
                                           keepalive_s);
  if (code != MOSQ_ERR_SUCCESS) session.error = mosquitto_strerror(code);
  mosquitto_loop_start(session.client);
}

MqttClient::~MqttClient() {
  if (connected() && publish(session_->settings.will_topic, "offline")) flush(1000);
  mosquitto_disconnect(session_->client);
  mosquitto_loop_stop(session_->client, true);
  mosquitto_destroy(session_->client);
}

bool MqttClient::connected() const {
  const std::lock_guard lock(session_->mutex);
  return session_->connected;
}

std::uint64_t MqttClient::epoch() const {
  const std::lock_guard lock(session_->mutex);
  return session_->epoch;
}

std::string MqttClient::error() const {
  const std::lock_guard lock(session_->mutex);
  return session_->error;
}

bool MqttClient::publish(const std::string& topic, std::string_view payload) {
  if (!connected()) return false;
  int id = 0;
  const int code = mosquitto_publish(session_->client, &id, topic.c_str(),
                                     static_cast<int>(payload.size()), payload.data(), 1, true);
  const std::lock_guard lock(session_->mutex);
  if (code != MOSQ_ERR_SUCCESS) {
    session_->error = fmt::format("{}: {}", topic, mosquitto_strerror(code));
    return false;
  }
  if (session_->early.erase(id) == 0) session_->waiting.insert(id);
  return true;
}

bool MqttClient::flush(int timeout_ms) {
  std::unique_lock lock(session_->mutex);
  session_->changed.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] {
    return session_->waiting.empty() || !session_->connected;
  });
  return session_->connected && session_->waiting.empty();
}

void MqttClient::Session::on_connect(mosquitto* client, void* self, int code) {
  auto& session = *static_cast<Session*>(self);
  if (code != 0) {
    const std::lock_guard lock(session.mutex);
    session.error = mosquitto_connack_string(code);
    return;
  }
  mosquitto_subscribe(client, nullptr, session.settings.birth_topic.c_str(), 1);
  int id = 0;
  mosquitto_publish(client, &id, session.settings.will_topic.c_str(), 6, "online", 1, true);
  const std::lock_guard lock(session.mutex);
  session.connected = true;
  session.waiting = {id};
  session.early.clear();
  ++session.epoch;
}

void MqttClient::Session::on_disconnect(mosquitto*, void* self, int code) {
  auto& session = *static_cast<Session*>(self);
  const std::lock_guard lock(session.mutex);
  session.connected = false;
  if (code != 0) session.error = mosquitto_strerror(code);
  session.changed.notify_all();
}

void MqttClient::Session::on_publish(mosquitto*, void* self, int id) {
  auto& session = *static_cast<Session*>(self);
  const std::lock_guard lock(session.mutex);
  if (session.waiting.erase(id) == 0) session.early.insert(id);
  if (session.waiting.empty()) session.changed.notify_all();
}

void MqttClient::Session::on_message(mosquitto*, void* self, const mosquitto_message* message) {
  auto& session = *static_cast<Session*>(self);
  const std::string_view payload(static_cast<const char*>(message->payload),
                                 static_cast<std::size_t>(message->payloadlen));
  // A retained birth is of before we came.
  if (payload != "online" || message->retain) return;
  const std::lock_guard lock(session.mutex);
  ++session.epoch;
}

}  // namespace meterlens::notify
