#include "device/dtu/session.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "device/text.h"
#include "protocol/require.h"

namespace meterlens::dtu {
namespace {

using device::TextWriter;
using protocol::Channel;
using protocol::Dialect;

constexpr std::string_view offline = R"({"online":false})";
// At 1 RabbitMQ would keep a queue on the node of the connection, and without that node
// the device could subscribe at no other.
constexpr std::uint8_t subscribe_qos = 0;
}  // namespace

Session::Session(const MeterlensMqtt& mqtt, const SessionSettings& settings)
    : mqtt_(mqtt), settings_(settings), random_(std::max(settings.jitter_seed * 0x9E3779B1U, 1U)) {
  const std::string_view product = native() ? protocol::native_prefix : settings.product;
  const auto topic = [&](Channel channel, TopicText& out) {
    protocol::format_topic({settings.dialect, channel, product, settings.device}, out);
  };
  topic(Channel::up, up_topic_);
  topic(Channel::down, down_topic_);
  if (native()) topic(Channel::status, status_topic_);
  TextWriter id(client_id_);
  id.put(product).put(native() ? "-" : "").put(settings.device);
  // The last character of each stays the terminator.
  TextWriter(std::span(user_).first(user_.size() - 1)).put(settings.user);
  TextWriter(std::span(password_).first(password_.size() - 1)).put(settings.password);
}

void Session::start(std::uint64_t now_ms) {
  state_ = State::pausing;
  due_ms_ = now_ms;
}

void Session::connect(std::uint64_t now_ms) {
  MeterlensMqttLogin login{};
  login.client_id = client_id_.data();
  login.user = user_.data();
  login.password = password_.data();
  login.keep_alive_s = native() ? 30 : 300;
  login.clean_session = native();
  login.will_topic = native() ? status_topic_.data() : nullptr;
  login.will_payload = native() ? offline.data() : nullptr;
  mqtt_.connect(mqtt_.context, &login);
  sent_ = acknowledged_ = 0;
  rests_ = true;
  acknowledged_ms_ = now_ms;
  state_ = State::connecting;
  due_ms_ = now_ms + connect_timeout_ms;
}

// Half to one and a half of the pause, so that a fleet does not come back in step.
void Session::pause(std::uint64_t now_ms) {
  if (state_ == State::up && now_ms - up_since_ms_ >= steady_ms) pause_ms_ = retry_pause_first_ms;
  random_ ^= random_ << 13;
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  state_ = State::pausing;
  due_ms_ = now_ms + pause_ms_ / 2 + random_ % pause_ms_;
  pause_ms_ = std::min(2 * pause_ms_, retry_pause_last_ms);
}

bool Session::is_ignored(std::uint64_t now_ms) {
  const std::uint32_t open = mqtt_.unacknowledged(mqtt_.context), acknowledged = sent_ - open;
  // The last step may be long ago when nothing was open then.
  const bool rested = std::exchange(rests_, open == 0);
  if (open == 0 || rested || acknowledged != acknowledged_) {
    acknowledged_ = acknowledged;
    acknowledged_ms_ = now_ms;
  }
  due_ms_ = open == 0 ? std::numeric_limits<std::uint64_t>::max()
                      : acknowledged_ms_ + acknowledge_timeout_ms;
  return now_ms >= due_ms_;
}

bool Session::step(std::uint64_t now_ms) {
  const MeterlensMqttState mqtt = mqtt_.state(mqtt_.context);
  switch (state_) {
    case State::pausing:
      if (now_ms >= due_ms_) connect(now_ms);
      return false;
    case State::connecting:
      if (mqtt == METERLENS_MQTT_UP &&
          mqtt_.subscribe(mqtt_.context, down_topic_.data(), subscribe_qos)) {
        state_ = State::up;
        up_since_ms_ = now_ms;
        due_ms_ = std::numeric_limits<std::uint64_t>::max();
        ++connects_;
        return true;
      }
      if (mqtt == METERLENS_MQTT_DOWN || now_ms >= due_ms_) {
        mqtt_.disconnect(mqtt_.context);
        pause(now_ms);
      }
      return false;
    case State::up:
      if (mqtt != METERLENS_MQTT_UP) {
        pause(now_ms);
      } else if (is_ignored(now_ms)) {
        mqtt_.disconnect(mqtt_.context);
        pause(now_ms);
      }
      return false;
    case State::leaving:
      if (mqtt == METERLENS_MQTT_UP && now_ms < due_ms_) {
        if (!farewell_said_) farewell_said_ = publish_status(offline);
        if (!farewell_said_ || mqtt_.unacknowledged(mqtt_.context) > 0) return false;
      }
      mqtt_.disconnect(mqtt_.context);
      state_ = State::stopped;
      return false;
    default: return false;
  }
}

void Session::stop(std::uint64_t now_ms) {
  farewell_said_ = !up() || publish_status(offline);
  state_ = State::leaving;
  due_ms_ = now_ms + farewell_timeout_ms;
}

bool Session::publish_up(protocol::Bytes payload) {
  const bool taken = mqtt_.publish(mqtt_.context, up_topic_.data(), payload.data(),
                                   static_cast<std::uint32_t>(payload.size()), native() ? 1 : 0,
                                   false);
  if (taken) ++sent_;
  return taken;
}

bool Session::publish_status(std::string_view json) {
  if (!native()) return true;
  const bool taken = mqtt_.publish(mqtt_.context, status_topic_.data(), json.data(),
                                   static_cast<std::uint32_t>(json.size()), 1, true);
  if (taken) ++sent_;
  return taken;
}

bool Session::is_down_topic(std::string_view topic) const {
  return topic == std::string_view(down_topic_.data());
}

}  // namespace meterlens::dtu
