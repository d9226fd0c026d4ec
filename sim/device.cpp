#include "sim/device.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "protocol/bytes.h"
#include "protocol/require.h"

namespace meterlens::sim {
namespace {

constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

}  // namespace

Device::Device(Events& events, Broker& broker, const Faults& faults, DeviceSettings settings,
               Random random)
    : events_(events),
      broker_(broker),
      settings_(std::move(settings)),
      random_(random),
      flash_(flash_slot_count, flash_slot_bytes, random_.branch()),
      sensor_(events, random_.branch()),
      up_(events, faults, random_.branch(),
          {[this](auto out) { return pull_camera(out); },
           [this](auto bytes) { dtu_hears(bytes); }}),
      down_(events, faults, random_.branch(),
            {[this](auto out) { return pull_dtu(out); },
             [this](auto bytes) { camera_hears(bytes); }}),
      client_(broker.add(settings_.latency_us,
                         {[this] { dtu_turn(); },
                          [this](std::string_view topic, protocol::Bytes payload) {
                            if (dtu_) dtu_->mqtt_in(topic, payload, dtu_uptime_ms());
                            dtu_turn();
                          }})) {}

protocol::Dialect Device::dialect() const {
  return settings_.product.empty() ? protocol::Dialect::native : protocol::Dialect::smartdtu;
}

void Device::start() {
  power_dtu();
  if (settings_.timer_period_s > 0) set_timer(settings_.timer_period_s);
  power_camera();
}

void Device::restore() {
  flash_.restore_power();
  if (!camera_) power_camera();
  if (!dtu_) power_dtu();
  mute_camera(false);
}

// ---- camera ----

std::uint64_t Device::camera_uptime_ms() const {
  return static_cast<std::uint64_t>((events_.now_us() - camera_since_us_) / 1000);
}

void Device::power_camera(MeterlensReset cause) {
  if (camera_) return;
  flash_.restore_power();
  asleep_ = false;
  if (cause != METERLENS_RESET_WAKE) survives_sleep_ = static_cast<std::uint32_t>(random_.next());
  ++camera_number_;
  camera_wake_us_ = -1;
  camera_since_us_ = events_.now_us();
  camera_ = std::make_unique<camera::Camera>(
      sensor_.port(), flash_.port(),
      camera::CameraSettings{.firmware = "sim",
                             .first_dialect = dialect(),
                             .text = settings_.text,
                             .sleep = settings_.sleep},
      MeterlensLine{}, power_port(cause));
  camera_->start(0);
  on_camera(*this);
  up_.nudge();
}

void Device::cut_camera(std::int64_t away_us) {
  if (camera_) lose_camera(away_us);
}

void Device::lose_camera(std::int64_t away_us) {
  camera_.reset();
  asleep_ = false;
  ++sleep_number_;
  up_.clear();
  events_.after(away_us, [this, number = camera_number_] {
    if (camera_number_ == number) power_camera();
  });
}

std::size_t Device::pull_camera(std::span<std::uint8_t> out) {
  if (!camera_ || asleep_) return 0;
  const std::uint64_t now_ms = camera_uptime_ms();
  camera_->step(now_ms);
  const bool runs = flash_.has_power() && !asleep_;
  const std::size_t count = runs ? camera_->pull(out, now_ms) : 0;
  if (!flash_.has_power()) {
    lose_camera(random_.in(1, 60) * second_us);
    return 0;
  }
  on_camera(*this);
  if (count == 0 && !asleep_) wake_camera();
  return count;
}

// ---- sleep ----

MeterlensPower Device::power_port(MeterlensReset cause) {
  MeterlensPower out{};
  out.context = this;
  out.reset_cause = cause;
  out.survives_sleep = &survives_sleep_;
  out.sleep = [](void* self, bool deep, std::uint64_t ms) {
    static_cast<Device*>(self)->sleep(deep, ms);
  };
  return out;
}

// The camera's turn ends here; of a deep sleeper nothing but the flash is looked at until it wakes.
void Device::sleep(bool deep, std::uint64_t ms) {
  asleep_ = true;
  deep_ = deep;
  waking_ = false;
  ++sleep_number_;
  if (ms != never) wake_after(static_cast<std::int64_t>(ms) * 1000);
}

void Device::wake_after(std::int64_t delay_us) {
  events_.after(delay_us + (deep_ ? wake_deep_us : wake_light_us), [this, number = sleep_number_] {
    if (asleep_ && sleep_number_ == number) wake();
  });
}

void Device::wake() {
  asleep_ = false;
  if (deep_) {
    camera_.reset();
    power_camera(METERLENS_RESET_WAKE);
  } else {
    up_.nudge();
  }
}

void Device::camera_hears(protocol::Bytes bytes) {
  if (!camera_) return;
  if (asleep_) {
    if (!waking_ && !bytes.empty()) wake_after(0);
    waking_ = waking_ || !bytes.empty();
    return;
  }
  camera_->receive(bytes, camera_uptime_ms());
  up_.nudge();
}

// Only while the line is idle: a busy one asks by itself.
void Device::wake_camera() {
  const std::uint64_t now_ms = camera_uptime_ms();
  const std::uint64_t due_ms = camera_->due_ms(now_ms);
  if (due_ms == never) return;
  const std::int64_t at_us =
      camera_since_us_ + static_cast<std::int64_t>(std::max(due_ms, now_ms + 1)) * 1000;
  if (camera_wake_us_ >= events_.now_us() && camera_wake_us_ <= at_us) return;
  camera_wake_us_ = at_us;
  events_.at(at_us, [this, at_us, number = camera_number_] {
    if (camera_number_ != number) return;
    if (camera_wake_us_ == at_us) camera_wake_us_ = -1;
    up_.nudge();
  });
}

// ---- DTU ----

std::uint64_t Device::dtu_uptime_ms() const {
  return static_cast<std::uint64_t>((events_.now_us() - dtu_since_us_) / 1000);
}

void Device::power_dtu() {
  if (dtu_) return;
  ++dtu_number_;
  dtu_wake_us_ = -1;
  dtu_since_us_ = events_.now_us();
  dtu::DtuSettings settings;
  settings.session.dialect = dialect();
  settings.session.product = settings_.product;
  settings.session.device = settings_.name;
  if (dialect() == protocol::Dialect::smartdtu) settings.uart_read_bytes = 1024;
  settings.session.jitter_seed = static_cast<std::uint32_t>(random_.next());
  settings.firmware = "sim";
  dtu_ = std::make_unique<dtu::Dtu>(mqtt_port(), settings, MeterlensLine{}, areas_.port());
  dtu_->start(0);
  dtu_turn();
}

void Device::set_timer(std::uint32_t period_s) {
  protocol::require(dtu_ != nullptr && dialect() == protocol::Dialect::native);
  settings_.timer_period_s = period_s;
  std::array<std::uint8_t, protocol::setting_bytes> entry;
  protocol::ByteWriter out(entry);
  const auto place = protocol::find_setting(protocol::Part::dtu, "capture_period_s");
  out.u8(protocol::settings_of(protocol::Part::dtu)[*place].key);
  out.u32(period_s);
  std::array<std::uint8_t, protocol::frame_bytes_max> frame;
  const std::size_t bytes = protocol::encode_message(
      protocol::Settings{protocol::Part::dtu, dtu_->kept().revision() + 1, entry}, frame);
  dtu_->mqtt_in("meterlens/" + settings_.name + "/down", std::span(frame).first(bytes),
                dtu_uptime_ms());
  dtu_turn();
}

std::int64_t Device::timer_moment_ms(std::int64_t from_ms) const {
  const std::int64_t period_ms = std::int64_t{1000} * settings_.timer_period_s;
  const std::int64_t past_ms = (unix_begin_ms + clock_offset_ms_ + from_ms) % period_ms;
  return past_ms == 0 ? from_ms : from_ms + period_ms - past_ms;
}

void Device::cut_dtu(std::int64_t away_us) {
  if (!dtu_) return;
  dtu_.reset();
  down_.clear();
  clock_known_ = false;
  // Its connection is dead, and nobody says so.
  broker_.cut(client_, away_us);
  broker_.disconnect(client_);
  events_.after(away_us, [this, number = dtu_number_] {
    if (dtu_number_ == number) power_dtu();
  });
}

void Device::dtu_hears(protocol::Bytes bytes) {
  if (!dtu_) return;
  dtu_->serial_in(bytes, dtu_uptime_ms());
  dtu_turn();
}

void Device::dtu_turn() {
  if (!dtu_) return;
  dtu_->step(dtu_uptime_ms());
  clock_known_ = clock_known_ || dtu_->online();
  if (!down_.busy()) down_.nudge();
}

std::size_t Device::pull_dtu(std::span<std::uint8_t> out) {
  if (!dtu_) return 0;
  const std::size_t count = dtu_->pull(out, dtu_uptime_ms());
  if (count == 0) wake_dtu();
  return count;
}

void Device::wake_dtu() {
  const std::uint64_t now_ms = dtu_uptime_ms();
  const std::uint64_t due_ms = dtu_->due_ms(now_ms);
  if (due_ms == never) return;
  const std::int64_t at_us =
      dtu_since_us_ + static_cast<std::int64_t>(std::max(due_ms, now_ms + 1)) * 1000;
  if (dtu_wake_us_ >= events_.now_us() && dtu_wake_us_ <= at_us) return;
  dtu_wake_us_ = at_us;
  events_.at(at_us, [this, at_us, number = dtu_number_] {
    if (dtu_number_ != number) return;
    if (dtu_wake_us_ == at_us) dtu_wake_us_ = -1;
    dtu_turn();
  });
}

MeterlensMqtt Device::mqtt_port() {
  MeterlensMqtt out{};
  out.context = this;
  out.connect = [](void* context, const MeterlensMqttLogin* login) {
    auto& self = *static_cast<Device*>(context);
    self.broker_.connect(self.client_, {login->client_id, login->keep_alive_s,
                                        login->will_topic == nullptr ? "" : login->will_topic,
                                        login->will_payload == nullptr ? "" : login->will_payload});
  };
  out.disconnect = [](void* context) {
    auto& self = *static_cast<Device*>(context);
    self.broker_.disconnect(self.client_);
  };
  out.state = [](void* context) {
    const auto& self = *static_cast<Device*>(context);
    switch (self.broker_.state(self.client_)) {
      case MqttState::up: return METERLENS_MQTT_UP;
      case MqttState::connecting: return METERLENS_MQTT_CONNECTING;
      default: return METERLENS_MQTT_DOWN;
    }
  };
  out.subscribe = [](void* context, const char* topic, std::uint8_t) {
    auto& self = *static_cast<Device*>(context);
    self.broker_.subscribe(self.client_, topic);
    return true;
  };
  out.publish = [](void* context, const char* topic, const void* payload, std::uint32_t bytes,
                   std::uint8_t qos, bool retain) {
    auto& self = *static_cast<Device*>(context);
    const protocol::Bytes view(static_cast<const std::uint8_t*>(payload), bytes);
    return self.broker_.publish(self.client_, topic, view, qos, retain);
  };
  out.unacknowledged = [](void* context) {
    const auto& self = *static_cast<Device*>(context);
    return self.broker_.unacknowledged(self.client_);
  };
  out.unix_ms = [](void* context) -> std::uint64_t {
    const auto& self = *static_cast<Device*>(context);
    if (!self.clock_known_) return 0;
    return static_cast<std::uint64_t>(unix_begin_ms + self.events_.now_ms() +
                                      self.clock_offset_ms_);
  };
  return out;
}

}  // namespace meterlens::sim
