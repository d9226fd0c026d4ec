#include "server/ingest/link.h"

#include <fmt/format.h>
#include <mosquitto.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include "protocol/require.h"

namespace meterlens::ingest {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::array subscriptions = {"meterlens/+/up", "meterlens/+/status", "+/+/event",
                                      "$SYS/broker/log/#"};
constexpr milliseconds poll_time{500};
constexpr milliseconds link_pause_first{200}, link_pause_most{10'000};
// Messages taken in one go before others get their turn.
constexpr int link_row_max = 512;

void init_library() {
  static const int once = mosquitto_lib_init();
  protocol::require(once == MOSQ_ERR_SUCCESS);
}

}  // namespace

struct Link::Session {
  struct Outgoing {
    std::string topic;
    std::vector<std::uint8_t> payload;
    int qos = 0;
  };

  LinkSettings settings;
  LinkEvents events;
  mosquitto* client = nullptr;
  int wake_fd = -1;
  std::mutex mutex;
  std::vector<Outgoing> outbox;
  std::atomic<bool> connected{false};
  std::atomic<bool> stopping{false};
  std::uint64_t activity = 0;  // callbacks so far: shows whether a read brought anything
  bool failed = false;         // the broker refused us or the connection broke
  std::thread thread;

  void run();
  bool open();
  void serve();
  bool wait();
  bool read_row();
  void flush();
  void lost(int code);
  void wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wake_fd, &one, sizeof one);
  }

  static void on_connect(mosquitto* client, void* self, int code);
  static void on_disconnect(mosquitto* client, void* self, int code);
  static void on_message(mosquitto* client, void* self, const mosquitto_message* message);
  static void on_publish(mosquitto* client, void* self, int id);
};

Link::Link(const LinkSettings& settings, LinkEvents events)
    : session_(std::make_unique<Session>()) {
  init_library();
  session_->settings = settings;
  if (settings.client_id.empty())
    session_->settings.client_id = fmt::format("meterlens-server-{}", getpid());
  session_->events = std::move(events);
  session_->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  protocol::require(session_->wake_fd >= 0);
  session_->thread = std::thread([this] { session_->run(); });
}

Link::~Link() {
  session_->stopping = true;
  session_->wake();
  session_->thread.join();
  close(session_->wake_fd);
}

bool Link::send(std::string topic, std::vector<std::uint8_t> payload, int qos) {
  if (!session_->connected) return false;
  {
    const std::lock_guard lock(session_->mutex);
    if (session_->outbox.size() >= session_->settings.outbox_count_max) return false;
    session_->outbox.push_back({std::move(topic), std::move(payload), qos});
    if (session_->outbox.size() > 1) return true;  // woken already
  }
  session_->wake();
  return true;
}

bool Link::connected() const { return session_->connected; }

void Link::Session::run() {
  milliseconds pause = link_pause_first;
  while (!stopping) {
    if (open()) {
      serve();
      if (activity > 0) pause = link_pause_first;
    }
    if (client != nullptr) mosquitto_destroy(std::exchange(client, nullptr));
    if (connected.exchange(false)) events.connection(false);
    if (stopping) return;
    pollfd waker{wake_fd, POLLIN, 0};
    poll(&waker, 1, static_cast<int>(pause.count()));
    pause = std::min(pause * 2, link_pause_most);
    events.pause();
  }
}

bool Link::Session::open() {
  failed = false;
  activity = 0;
  client = mosquitto_new(settings.client_id.c_str(), true, this);
  protocol::require(client != nullptr);
  mosquitto_max_inflight_messages_set(client, 0);
  mosquitto_connect_callback_set(client, on_connect);
  mosquitto_disconnect_callback_set(client, on_disconnect);
  mosquitto_message_callback_set(client, on_message);
  mosquitto_publish_callback_set(client, on_publish);
  if (!settings.user.empty())
    mosquitto_username_pw_set(client, settings.user.c_str(), settings.password.c_str());
  const int code =
      mosquitto_connect_async(client, settings.host.c_str(), settings.port, settings.keepalive_s);
  if (code == MOSQ_ERR_SUCCESS) return true;
  lost(code);
  return false;
}

void Link::Session::serve() {
  auto last_misc = Clock::now();
  const auto opened = last_misc;
  while (!stopping && !failed) {
    if (!wait() || !read_row()) return;
    flush();
    if (mosquitto_want_write(client)) {
      if (const int code = mosquitto_loop_write(client, 1); code != MOSQ_ERR_SUCCESS)
        return lost(code);
    }
    events.pause();
    const auto now = Clock::now();
    if (now - last_misc < poll_time) continue;
    last_misc = now;
    if (const int code = mosquitto_loop_misc(client); code != MOSQ_ERR_SUCCESS) return lost(code);
    if (!connected && now - opened > std::chrono::seconds(10)) return lost(MOSQ_ERR_CONN_PENDING);
  }
  if (!connected || failed) return;
  flush();  // the last answers
  mosquitto_disconnect(client);
}

bool Link::Session::wait() {
  const int fd = mosquitto_socket(client);
  if (fd < 0) return false;
  const short wanted = static_cast<short>(POLLIN | (mosquitto_want_write(client) ? POLLOUT : 0));
  std::array<pollfd, 2> fds{{{fd, wanted, 0}, {wake_fd, POLLIN, 0}}};
  poll(fds.data(), fds.size(), static_cast<int>(poll_time.count()));
  if ((fds[1].revents & POLLIN) != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wake_fd, &count, sizeof count);
  }
  return true;
}

// libmosquitto reads one packet a call, so it is called until nothing comes.
bool Link::Session::read_row() {
  for (int i = 0; i < link_row_max; ++i) {
    const std::uint64_t before = activity;
    if (const int code = mosquitto_loop_read(client, 1); code != MOSQ_ERR_SUCCESS) {
      lost(code);
      return false;
    }
    if (activity == before) return true;
  }
  return true;
}

void Link::Session::flush() {
  std::vector<Outgoing> messages;
  {
    const std::lock_guard lock(mutex);
    messages.swap(outbox);
  }
  if (!connected) return;
  for (const Outgoing& message : messages) {
    const int code = mosquitto_publish(client, nullptr, message.topic.c_str(),
                                       static_cast<int>(message.payload.size()),
                                       message.payload.data(), message.qos, false);
    if (code != MOSQ_ERR_SUCCESS)
      spdlog::warn(
          fmt::format("mqtt: message to {} not sent: {}", message.topic, mosquitto_strerror(code)));
  }
}

void Link::Session::lost(int code) {
  failed = true;
  if (!stopping)
    spdlog::warn(fmt::format("mqtt: no connection to the broker at {}:{}: {}; trying again",
                             settings.host, settings.port, mosquitto_strerror(code)));
}

void Link::Session::on_connect(mosquitto* client, void* self, int code) {
  auto& session = *static_cast<Session*>(self);
  ++session.activity;
  if (code != 0) {
    session.failed = true;
    spdlog::error(
        fmt::format("mqtt: the broker at {}:{} refuses the server: {}; check user and password",
                    session.settings.host, session.settings.port, mosquitto_connack_string(code)));
    return;
  }
  for (const char* topic : subscriptions)
    mosquitto_subscribe(client, nullptr, topic, session.settings.subscribe_qos);
  session.connected = true;
  spdlog::info(
      fmt::format("mqtt: connected to {}:{}", session.settings.host, session.settings.port));
  session.events.connection(true);
}

void Link::Session::on_disconnect(mosquitto*, void* self, int) {
  static_cast<Session*>(self)->failed = true;
}

void Link::Session::on_message(mosquitto*, void* self, const mosquitto_message* message) {
  auto& session = *static_cast<Session*>(self);
  ++session.activity;
  session.events.message(message->topic, {static_cast<const std::uint8_t*>(message->payload),
                                          static_cast<std::size_t>(message->payloadlen)});
}

void Link::Session::on_publish(mosquitto*, void* self, int) {
  ++static_cast<Session*>(self)->activity;
}

}  // namespace meterlens::ingest
